import type { Column } from "@usr/schema";
import { columnOf, sliceColumn } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createKeyDigest, type Folding } from "../src/write/key-digest.ts";
import { createKeyDigests } from "../src/write/key-digests.ts";

const KINDS: readonly (readonly [Folding, string])[] = [
  ...(["exact", "case"] as const).flatMap((folding) =>
    ["dna", "rna", "protein"].map((bioType) => [folding, bioType] as const),
  ),
  ["strand", "dna"],
  ["strand", "rna"],
];

/** Digests one after the other, `undefined` where a row has none. */
const oneByOne = (folding: Folding, bioType: string, column: Column): Uint8Array | undefined => {
  const digest = createKeyDigest(folding, bioType);
  const all = new Uint8Array(column.length * 40);
  if (column.layout !== "utf8") return undefined;
  for (let i = 0; i < column.length; i++) {
    if (digest.take(column.data, column.offsets[i]!, column.offsets[i + 1]!) !== -1) return undefined;
    all.set(digest.hex, i * 40);
  }
  return all;
};

const base = (symbols: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...symbols), minLength: 1, maxLength: 60 });
/** Half a text and its other strand, so that the strands agree in their first symbols, and in all. */
const palindromic = base("ACGT").map((text) => {
  const other = { A: "T", C: "G", G: "C", T: "A" } as Readonly<Record<string, string>>;
  return (
    text +
    Array.from(text, (symbol) => other[symbol])
      .reverse()
      .join("")
  );
});
const dna = fc.oneof(
  base("ACGT"),
  base("acgTA"),
  palindromic,
  palindromic.map((text) => `${text.slice(0, -1)}A`),
  palindromic.map((text) => `${text.slice(0, text.length / 2)}C${text.slice(text.length / 2)}`),
);
const plain = fc.array(dna, { maxLength: 40 });
const odd = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: dna },
    { weight: 2, arbitrary: base("ACGNRYacgn") },
    { weight: 2, arbitrary: base("ACGU") },
    { weight: 1, arbitrary: base("AC é\t ") },
    { weight: 1, arbitrary: fc.constantFrom("", "  ", "\u00a0") },
    { weight: 2, arbitrary: dna.map((text) => ` ${text}\t`) },
  ),
  { maxLength: 20 },
);

test("digests of many keys are those of one by one, and none where one has none", () => {
  const seen = { all: 0, none: 0 };
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS),
      fc.oneof(plain, odd),
      fc.nat({ max: 3 }),
      ([folding, bioType], texts, from) => {
        const digestsOf = createKeyDigests(folding, bioType);
        const whole = columnOf({ kind: "string" }, texts);
        // Twice, for memory is kept from one column to the next.
        for (const column of [whole, sliceColumn(whole, Math.min(from, texts.length), texts.length)]) {
          const expected = oneByOne(folding, bioType, column);
          expect(digestsOf(column)).toEqual(expected);
          seen[expected === undefined ? "none" : "all"]++;
        }
      },
    ),
    { numRuns: testRuns(1000) },
  );
  expect(Math.min(seen.all, seen.none)).toBeGreaterThan(10);
});

test("a missing key is none", () => {
  expect(createKeyDigests("exact", "dna")(columnOf({ kind: "string" }, ["AC", null]))).toBeUndefined();
  expect(createKeyDigests("exact", "dna")(undefined)).toBeUndefined();
});
