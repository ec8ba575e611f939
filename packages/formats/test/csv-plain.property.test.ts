/// <reference types="node" />
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { FormatError } from "../src/index.ts";
import { type ReadRows, readRows } from "./helpers.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Mostly plain lines, so that whole windows are plain; sometimes what makes them not so, and what is wrong. */
const line = (columns: number): fc.Arbitrary<string> => {
  const cell = fc.oneof(
    { weight: 60, arbitrary: fc.stringMatching(/^[A-Za-z0-9 ]{0,12}$/) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('"q"', '"a,b"', '"a\nb"', '""', "é", "𝄞", "a\0", 'a"b', "\r", "long".repeat(20)),
    },
  );
  return fc
    .oneof(
      { weight: 40, arbitrary: fc.array(cell, { minLength: columns, maxLength: columns }) },
      { weight: 1, arbitrary: fc.array(cell, { maxLength: columns + 2 }) },
    )
    .map((cells) => cells.join(","));
};

interface Case {
  readonly text: string;
  readonly sizes: readonly number[];
}

const cases: fc.Arbitrary<Case> = fc.integer({ min: 1, max: 4 }).chain((columns) =>
  fc.record({
    text: fc
      .tuple(
        fc.array(line(columns), { maxLength: 40 }),
        fc.constantFrom("\n", "\n", "\n", "\r\n"),
        fc.constantFrom("", "\n", "\n\n"),
      )
      .map(([lines, feed, last]) => [["a", "b", "c", "d"].slice(0, columns).join(","), ...lines].join(feed) + last),
    sizes: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
  }),
);

const outcome = async ({ text, sizes }: Case): Promise<ReadRows | Readonly<Record<string, unknown>>> => {
  const limits = { maxFieldBytes: 60, maxRowBytes: 90, maxColumns: 5, batchRows: 7 };
  try {
    return await readRows(text, { format: "csv", limits }, undefined, sizes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { code: error.code, message: error.message, details: error.details };
  }
};

test("plain windows are read as all others are, faults and their places included", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (c) => {
      const fast = await outcome(c);
      vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
      const slow = await outcome(c);
      vi.restoreAllMocks();
      expect(fast).toEqual(slow);
    }),
    { numRuns: testRuns(500) },
  );
});
