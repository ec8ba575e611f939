import { canonicalRegistry, parseRegistry, RegistryError } from "@usr/registry";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LOAD } from "./python.ts";
import { damaged, document } from "./yaml-text.ts";

const ours = async (text: string): Promise<{ readonly text?: string; readonly error?: string }> => {
  try {
    return { text: canonicalRegistry(await parseRegistry(text)) };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return { error: error.message };
  }
};

interface Loaded {
  readonly text?: string;
  readonly error?: string;
}

const tally = async (
  texts: fc.Arbitrary<string>,
  numRuns: number,
  check: (mine: Loaded, theirs: Loaded) => void,
): Promise<Record<string, number>> => {
  const python = oracle();
  if (python === undefined) throw new Error("unreachable without Python");
  await using worker = python.worker(LOAD);
  const counts = { both: 0, none: 0, onlyPython: 0, onlyHere: 0 };
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const mine = await ours(text);
      const theirs = (await worker.ask(text)) as Loaded;
      check(mine, theirs);
      counts[
        mine.text === undefined
          ? theirs.text === undefined
            ? "none"
            : "onlyPython"
          : theirs.text === undefined
            ? "onlyHere"
            : "both"
      ] += 1;
    }),
    { numRuns },
  );
  return counts;
};

describe.skipIf(!process.env["USR_ORACLE_PYTHON"])("reading against PyYAML", () => {
  it("gives the same registry, or a refusal where Python refuses, for registries as people write them", async () => {
    const counts = await tally(document, testRuns(2000), (mine, theirs) => {
      if (mine.text !== theirs.text) expect(mine).toEqual(theirs);
    });
    countComparisons("registry: texts", (counts["both"] ?? 0) + (counts["none"] ?? 0));
    expect(counts["both"]).toBeGreaterThan(0);
  });

  it("never gives another registry than Python for damaged texts", async () => {
    const counts = await tally(damaged, testRuns(2000), (mine, theirs) => {
      if (mine.text !== undefined && theirs.text !== undefined) expect(mine.text).toBe(theirs.text);
    });
    countComparisons("registry: damaged texts", counts["both"] ?? 0);
    expect(counts["both"]).toBeGreaterThan(0);
  });
});
