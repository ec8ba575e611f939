import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMotifFinder, reverseComplement } from "../src/strands/index.ts";

const SETS: Readonly<Record<string, string>> = {
  A: "A",
  C: "C",
  G: "G",
  T: "T",
  U: "T",
  R: "AG",
  Y: "CT",
  S: "CG",
  W: "AT",
  K: "GT",
  M: "AC",
  B: "CGT",
  D: "AGT",
  H: "ACT",
  V: "ACG",
  N: "ACGT",
};
const fits = (code: string, symbol: string): boolean =>
  [...SETS[symbol.toUpperCase()]!].every((base) => SETS[code.toUpperCase()]!.includes(base));
const places = (find: ReturnType<typeof createMotifFinder>, text: string): readonly number[] => {
  const bytes = new TextEncoder().encode(text);
  const found: number[] = [];
  for (let at = find(bytes, 0, bytes.length); at >= 0; at = find(bytes, at + 1, bytes.length)) found.push(at);
  return found;
};
const naive = (motif: string, text: string): readonly number[] =>
  Array.from({ length: Math.max(0, text.length - motif.length + 1) }, (_, at) => at).filter((at) =>
    [...motif].every((code, i) => fits(code, text[at + i]!)),
  );
const DNA = Object.keys(SETS).filter((code) => code !== "U");
const word = (letters: readonly string[], maxLength: number, minLength = 0): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...letters, ...letters.map((c) => c.toLowerCase())), { minLength, maxLength })
    .map((a) => a.join(""));
const texts = fc.oneof(word(["A", "C", "G", "T"], 40), word(["A", "T"], 40), word(DNA, 20));

test("a motif lies where every symbol fits, and on the other strand where it lies in the reverse complement", () => {
  let hits = 0;
  fc.assert(
    fc.property(word(DNA, 5, 1), texts, (motif, text) => {
      const forward = places(createMotifFinder(motif), text);
      expect(forward).toEqual(naive(motif, text));
      const reverse = places(createMotifFinder(motif, "-"), text);
      const mirrored = naive(motif, reverseComplement(text, "dna")).map((at) => text.length - at - motif.length);
      expect(reverse).toEqual(mirrored.toReversed());
      hits += forward.length + reverse.length;
    }),
    { numRuns: testRuns(1000) },
  );
  expect(hits).toBeGreaterThan(testRuns(1000) / 2);
});

test("T and U are one letter, overlapping places are found, and N of a sequence fits N alone", () => {
  expect(places(createMotifFinder("tau"), "UAUAT")).toEqual([0, 2]);
  expect(places(createMotifFinder("ATA"), "ATATA")).toEqual([0, 2]);
  expect(places(createMotifFinder("AN"), "ANAA")).toEqual([0, 2]);
  expect(places(createMotifFinder("AA"), "ANA-A")).toEqual([]);
});

test("what is no motif is refused with its place", () => {
  expect(() => createMotifFinder("")).toThrow(expect.objectContaining({ code: "EMPTY_SEQUENCE" }));
  expect(() => createMotifFinder("AC-")).toThrow(
    expect.objectContaining({ code: "BAD_SYMBOL", details: { symbol: "-", position: 3 } }),
  );
  expect(() => createMotifFinder("A\u{1f600}")).toThrow(
    expect.objectContaining({ details: { symbol: "\u{1f600}", position: 2 } }),
  );
});
