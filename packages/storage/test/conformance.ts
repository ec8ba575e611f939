import { testRuns } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import type { ConformanceCase, ConformanceFlags } from "../src/testing/index.ts";

export const EVERYTHING: ConformanceFlags = {
  write: true,
  digest: true,
  extend: true,
  link: true,
  append: true,
  lock: true,
  calls: testRuns(1_000),
};

/** The laws as tests. Their number is written down beside each, so that none goes missing. */
export function register(name: string, cases: readonly ConformanceCase[], count: number): void {
  describe(name, () => {
    it(`is asked ${count} questions`, () => expect(cases.length).toBe(count));
    for (const { name: law, run } of cases) it(law, run);
  });
}
