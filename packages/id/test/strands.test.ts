import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ldseguid } from "../src/digests/index.ts";
import { createReverseComplementer, reverseComplement } from "../src/strands/index.ts";

const CODES = { dna: "ACGTRYKMBVDHSWN", rna: "ACGURYKMBVDHSWN" } as const;
const strand = (bioType: "dna" | "rna"): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...CODES[bioType], ...CODES[bioType].toLowerCase()), maxLength: 80 });

/** The bases that an IUPAC code stands for. */
const STANDS_FOR: Readonly<Record<string, string>> = {
  A: "A",
  C: "C",
  G: "G",
  T: "T",
  R: "AG",
  Y: "CT",
  K: "GT",
  M: "AC",
  B: "CGT",
  V: "ACG",
  D: "AGT",
  H: "ACT",
  S: "CG",
  W: "AT",
  N: "ACGT",
};

describe("the other strand", () => {
  it("pairs each code with the code of what pairs with its bases", () => {
    const partner: Readonly<Record<string, string>> = { A: "T", C: "G", G: "C", T: "A" };
    for (const [code, bases] of Object.entries(STANDS_FOR)) {
      const other = reverseComplement(code, "dna");
      expect([...(STANDS_FOR[other] ?? "")].sort()).toEqual([...bases].map((base) => partner[base]).sort());
    }
  });
  it("is the strand itself when taken twice, keeps case, and reverses joins", () => {
    for (const bioType of ["dna", "rna"] as const)
      fc.assert(
        fc.property(strand(bioType), strand(bioType), (a, b) => {
          const other = reverseComplement(a, bioType);
          expect(reverseComplement(other, bioType)).toBe(a);
          expect(reverseComplement(a.toUpperCase(), bioType)).toBe(other.toUpperCase());
          expect(reverseComplement(a + b, bioType)).toBe(reverseComplement(b, bioType) + other);
          if (a !== "") expect(ldseguid(other, bioType)).toBe(ldseguid(a, bioType));
        }),
        { numRuns: testRuns(500) },
      );
  });
  it("is written to the place asked for, and to no other", () => {
    fc.assert(
      fc.property(strand("dna"), fc.nat(5), fc.nat(5), (sequence, before, at) => {
        const bytes = new TextEncoder().encode(`${"!".repeat(before)}${sequence}!!`);
        const out = new Uint8Array(sequence.length + at + 3).fill(7);
        const end = before + sequence.length;
        expect(createReverseComplementer("dna")(bytes, before, end, out, at)).toBe(-1);
        expect(new TextDecoder().decode(out.subarray(at, at + sequence.length))).toBe(
          reverseComplement(sequence, "dna"),
        );
        expect([...out.subarray(0, at), ...out.subarray(at + sequence.length)].every((byte) => byte === 7)).toBe(true);
      }),
      { numRuns: testRuns(300) },
    );
  });
  it("is refused for what has none", () => {
    for (const bioType of ["protein", "DNA", "__proto__", ""])
      expect(() => reverseComplement("A", bioType)).toThrow(
        expect.objectContaining({ code: "BAD_BIO_TYPE", details: { bioType } }),
      );
    for (const [sequence, bioType, symbol, position] of [
      ["ACGU", "dna", "U", 4],
      ["aTG", "rna", "T", 2],
      ["AC-G", "dna", "-", 3],
      ["A🧬", "dna", "🧬", 2],
      ["é", "rna", "é", 1],
      ["A\0", "dna", "\0", 2],
    ] as const)
      expect(() => reverseComplement(sequence, bioType)).toThrow(
        expect.objectContaining({ name: "IdError", code: "BAD_SYMBOL", details: { symbol, position } }),
      );
    const bytes = new TextEncoder().encode("ACXG");
    expect(createReverseComplementer("dna")(bytes, 1, 4, new Uint8Array(4), 0)).toBe(2);
    expect(reverseComplement("", "rna")).toBe("");
  });
});
