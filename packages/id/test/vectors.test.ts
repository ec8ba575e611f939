/// <reference types="node" />
import { readFileSync } from "node:fs";
import { GOLDEN_PATH } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { createChecker, createHasher, IdError, normalizeSequence, sequenceId, stripRange } from "../src/index.ts";

interface Vector {
  readonly note: string;
  readonly bio_type: string;
  readonly alphabet: string;
  readonly sequence: string;
  readonly normalized?: string;
  readonly length?: number;
  readonly id?: string;
  readonly error?: "BIO_TYPE" | "ALPHABET" | "EMPTY" | "SYMBOL";
  readonly symbol?: string;
  readonly position?: number;
}

const golden: { readonly vectors: readonly Vector[] } = JSON.parse(
  readFileSync(`${GOLDEN_PATH}id-vectors.json`, "utf8"),
);

const CODES = { BIO_TYPE: "BAD_BIO_TYPE", ALPHABET: "BAD_ALPHABET", EMPTY: "EMPTY_SEQUENCE", SYMBOL: "BAD_SYMBOL" };

/** One row through the functions for single sequences. */
const scalar = ({ sequence, bio_type, alphabet }: Vector): object => {
  try {
    const normalized = normalizeSequence(sequence, bio_type, alphabet);
    return { normalized, length: normalized.length, id: sequenceId(bio_type, normalized) };
  } catch (error) {
    if (!(error instanceof IdError)) throw error;
    const { symbol, position } = error.details;
    return error.code === "BAD_SYMBOL" ? { code: error.code, symbol, position } : { code: error.code };
  }
};

/** One row through the functions for packed bytes, the row lying in the middle of others. */
const bulk = ({ sequence, bio_type, alphabet }: Vector): object => {
  try {
    const hash = createHasher(bio_type);
    const check = createChecker(alphabet, bio_type);
    const row = new TextEncoder().encode(sequence);
    const bytes = new Uint8Array(row.length + 9).fill(0x20);
    bytes.set(row, 4);
    const [start, end] = stripRange(bytes, 4, 4 + row.length);
    if (start === end) return { code: "EMPTY_SEQUENCE" };
    const bad = check(bytes, start, end);
    if (bad >= 0) {
      const symbol = [...new TextDecoder().decode(bytes.subarray(bad, end))][0];
      return { code: "BAD_SYMBOL", symbol, position: bad - start + 1 };
    }
    const out = new Uint8Array(44);
    hash(bytes, start, end, out, 2);
    const normalized = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start, end));
    return { normalized, length: end - start, id: new TextDecoder().decode(out.subarray(2, 42)) };
  } catch (error) {
    if (!(error instanceof IdError)) throw error;
    return { code: error.code };
  }
};

const expected = (vector: Vector): object => {
  const { normalized, length, id, error, symbol, position } = vector;
  if (error === undefined) return { normalized, length, id };
  return error === "SYMBOL" ? { code: CODES[error], symbol, position } : { code: CODES[error] };
};

describe("golden vectors", () => {
  it("are all 584", () => {
    expect(golden.vectors.length).toBe(584);
  });
  it("hold for single sequences", () => {
    expect(golden.vectors.map(scalar)).toEqual(golden.vectors.map(expected));
  });
  it("hold for packed bytes", () => {
    // A byte order mark is eaten by a decoder at the start of its input, which is where these symbols begin.
    const vectors = golden.vectors.filter(({ symbol }) => symbol !== "\ufeff");
    expect(vectors.length).toBeGreaterThan(570);
    expect(vectors.map(bulk)).toEqual(vectors.map(expected));
  });
});

describe("ids", () => {
  it("are those of the contract", () => {
    expect(sequenceId("dna", "ACGT")).toBe("ee93db6725ec05c3d18249d7fdba5d36a6a695cd");
    expect(sequenceId("dna", "")).toBe("13eae064859a1464744b14e7f50d70e7bbcd5c1a");
    expect(sequenceId("dna", " ACGT ")).toBe("dff033d255495e48e67856e5561686de7b39723e");
    expect(sequenceId("rna", "ACGU")).toBe("0f2e42cbc5a788cf78b3560b60184dfbadcd2ff4");
    expect(sequenceId("protein", "MKV")).toBe("c1595d827f73d40508af659f961cfa444034411c");
  });
  it("need a known bio type and alphabet", () => {
    expect(() => sequenceId("DNA", "ACGT")).toThrow(expect.objectContaining({ name: "IdError", code: "BAD_BIO_TYPE" }));
    expect(() => createHasher("toString")).toThrow(expect.objectContaining({ code: "BAD_BIO_TYPE" }));
    expect(() => createChecker("toString")).toThrow(
      expect.objectContaining({ code: "BAD_ALPHABET", hint: expect.stringContaining("dna_4, dna_5, rna_4") }),
    );
    expect(() => createChecker("rna_4", "dna")).toThrow(
      expect.objectContaining({
        message: '"rna_4" is not an alphabet of dna.',
        details: { alphabet: "rna_4", bioType: "dna" },
      }),
    );
    expect(() => sequenceId("DNA", "ACGT")).toThrow(expect.objectContaining({ details: { bioType: "DNA" } }));
    expect(() => normalizeSequence(" ", "dna", "dna_4")).toThrow(
      expect.objectContaining({ code: "EMPTY_SEQUENCE", details: { bioType: "dna", alphabet: "dna_4" } }),
    );
    expect(() => normalizeSequence(" ANC", "dna", "dna_4")).toThrow(
      expect.objectContaining({ details: { symbol: "N", position: 2, bioType: "dna", alphabet: "dna_4" } }),
    );
    expect(() => createChecker("rna_4", "dna")).toThrow(expect.objectContaining({ hint: "Use one of dna_4, dna_5." }));
  });
});
