/// <reference types="node" />
import { createHash } from "node:crypto";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cdseguid, csseguid, ldseguid, lsseguid, md5, refget } from "../src/digests/index.ts";

const dna = fc.string({ unit: fc.constantFrom(..."ACGT"), minLength: 1, maxLength: 60 });
const rotated = (sequence: string, by: number): string =>
  sequence.slice(by % sequence.length) + sequence.slice(0, by % sequence.length);
const otherStrand = (sequence: string): string =>
  [...sequence]
    .reverse()
    .map((base) => "TGCA"["ACGT".indexOf(base)])
    .join("");

describe("published values", () => {
  it("refget and MD5", () => {
    expect(refget("ACGT")).toBe("SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2");
    expect(md5("ACGT")).toBe("f1f8f4bf413b16ad135722aa4591043e");
  });
  it("SEGUID v2", () => {
    expect(lsseguid("TATGCCAA")).toBe("lsseguid=EevrucUNYjqlsxrTEK8JJxPYllk");
    expect(lsseguid("AATATGCC")).toBe("lsseguid=XsJzXMxgv7sbpqIzFH9dgrHUpWw");
    expect(lsseguid("AT")).toBe("lsseguid=Ax_RG6hzSrMEEWoCO1IWMGska-4");
    expect(csseguid("TATGCCAA", "dna")).toBe("csseguid=XsJzXMxgv7sbpqIzFH9dgrHUpWw");
    expect(csseguid("GCCAATAT", "dna")).toBe("csseguid=XsJzXMxgv7sbpqIzFH9dgrHUpWw");
    expect(csseguid("TTTA", "dna")).toBe("csseguid=ot6JPLeAeMmfztW1736Kc6DAqlo");
    expect(ldseguid("AATATGCC", "dna")).toBe("ldseguid=dUxN7YQyVInv3oDcvz8ByupL44A");
    expect(cdseguid("TATGCCAA", "dna")).toBe("cdseguid=dUxN7YQyVInv3oDcvz8ByupL44A");
    expect(cdseguid("TTGGCATA", "dna")).toBe("cdseguid=dUxN7YQyVInv3oDcvz8ByupL44A");
  });
});

describe("laws", () => {
  it("letter case does not count", () => {
    fc.assert(
      fc.property(dna, (sequence) => {
        const lower = sequence.toLowerCase();
        for (const digest of [refget, md5, lsseguid]) expect(digest(lower)).toBe(digest(sequence));
        for (const digest of [csseguid, ldseguid, cdseguid]) expect(digest(lower, "dna")).toBe(digest(sequence, "dna"));
      }),
      { numRuns: testRuns(500) },
    );
  });
  it("a circle has no beginning, a double strand no first strand", () => {
    fc.assert(
      fc.property(dna, fc.nat(100), (sequence, by) => {
        const turned = rotated(sequence, by);
        expect(csseguid(turned, "dna")).toBe(csseguid(sequence, "dna"));
        expect(cdseguid(turned, "dna")).toBe(cdseguid(sequence, "dna"));
        expect(cdseguid(otherStrand(turned), "dna")).toBe(cdseguid(sequence, "dna"));
        expect(ldseguid(otherStrand(sequence), "dna")).toBe(ldseguid(sequence, "dna"));
      }),
      { numRuns: testRuns(2000) },
    );
  });
  it("of a circle the least rotation counts: every sequence of two bases up to 8", () => {
    for (let length = 1; length <= 8; length++)
      for (let bits = 0; bits < 2 ** length; bits++) {
        const sequence = bits.toString(2).padStart(length, "0").replaceAll("0", "A").replaceAll("1", "C");
        const [least = ""] = Array.from(sequence, (_, by) => rotated(sequence, by)).sort();
        expect(csseguid(sequence, "dna").slice(1)).toBe(lsseguid(least).slice(1));
      }
  });
  it("every letter from A to Z is hashed, and no strand is looked for", () => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    expect(md5(letters)).toBe(createHash("md5").update(letters).digest("hex"));
  });
  it("MD5 and SHA-512 are those of node:crypto at every length around their blocks", () => {
    // Every length up to two blocks of MD5, then around the padding of the next ones.
    const lengths = [
      ...Array(130).keys(),
      175,
      176,
      183,
      184,
      191,
      192,
      239,
      240,
      247,
      248,
      255,
      256,
      257,
      367,
      368,
      384,
    ];
    for (const length of lengths.slice(1)) {
      const sequence = "GATTACA".repeat(60).slice(0, length);
      expect(md5(sequence)).toBe(createHash("md5").update(sequence).digest("hex"));
      const sha512 = createHash("sha512").update(sequence).digest().subarray(0, 24);
      expect(refget(sequence)).toBe(`SQ.${sha512.toString("base64url")}`);
    }
  });
});

describe("refusals", () => {
  it("proteins have no circle and no second strand", () => {
    for (const digest of [csseguid, ldseguid, cdseguid])
      expect(() => digest("MKV", "protein")).toThrow(
        expect.objectContaining({
          name: "IdError",
          code: "BAD_BIO_TYPE",
          details: { bioType: "protein", digest: digest.name },
          hint: expect.stringContaining("lsseguid"),
        }),
      );
    for (const digest of [csseguid, ldseguid, cdseguid])
      expect(() => digest("ACGT", "DNA")).toThrow(expect.objectContaining({ code: "BAD_BIO_TYPE" }));
  });
  it("a base without a partner is named with its place", () => {
    expect(() => ldseguid("ACGU", "dna")).toThrow(
      expect.objectContaining({ code: "BAD_SYMBOL", details: { symbol: "U", position: 4 } }),
    );
    expect(() => ldseguid("UCG", "dna")).toThrow(
      expect.objectContaining({ code: "BAD_SYMBOL", details: { symbol: "U", position: 1 } }),
    );
    expect(() => cdseguid("ACT", "rna")).toThrow(expect.objectContaining({ code: "BAD_SYMBOL" }));
  });
  it("only letters are hashed", () => {
    for (const [sequence, symbol, position] of [
      ["AC GT", " ", 3],
      ["é", "é", 1],
      ["A🧬", "🧬", 2],
      ["A@", "@", 2],
      ["[", "[", 1],
      ["ſ", "ſ", 1],
    ] as const)
      expect(() => refget(sequence)).toThrow(
        expect.objectContaining({ code: "BAD_SYMBOL", details: { symbol, position } }),
      );
    expect(() => md5("")).toThrow(expect.objectContaining({ code: "EMPTY_SEQUENCE" }));
  });
});
