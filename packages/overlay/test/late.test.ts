import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type DatedPart, lateParts } from "../src/write/index.ts";

const NAMES = ["a", "b", "c", "d", "e"];
const source = (name: string) => ({ name, createdAt: "2026-01-01T00:00:00Z", sha256: "00".repeat(32) });

const partsArb: fc.Arbitrary<readonly DatedPart[]> = fc.subarray(NAMES).chain((names) =>
  fc.tuple(
    ...names.map((name) =>
      fc.record({
        name: fc.constant(name),
        createdAt: fc.bigInt(0n, 3n),
        compactedFrom: fc.option(
          fc.subarray(NAMES).map((listed) => listed.map(source)),
          { nil: undefined },
        ),
      }),
    ),
  ),
);

test("a part is late beside a newer compaction that knows neither it nor what it was made of", () => {
  fc.assert(
    fc.property(partsArb, (parts) => {
      const late: string[] = [];
      for (const compaction of parts)
        for (const part of parts) {
          if (compaction.compactedFrom === undefined || part.createdAt >= compaction.createdAt) continue;
          const knows = (name: string) => compaction.compactedFrom!.map((listed) => listed.name).includes(name);
          const replaced = part.compactedFrom?.every(({ name }) => knows(name));
          if (!knows(part.name) && !replaced) late.push(`${part.name} by ${compaction.name}`);
        }
      const found = [...lateParts(parts)].map(({ part, compaction }) => `${part.name} by ${compaction.name}`);
      expect(found.sort()).toEqual(late.sort());
    }),
    { numRuns: testRuns(500) },
  );
});
