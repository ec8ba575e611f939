/// <reference types="node" />
import { createHash } from "node:crypto";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createBulkChecker, createBulkHasher, idText } from "../src/bulk/index.ts";
import { ALPHABETS, createChecker } from "../src/index.ts";

const BIO_TYPES = ["dna", "rna", "protein"] as const;

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** Ids by node:crypto, one after the other. */
const expected = (bioType: string, texts: readonly Uint8Array[]): readonly string[] =>
  texts.map((text) => createHash("sha1").update(`${bioType}|`).update(text).digest("hex"));

/** Lays the texts out with gaps and hashes the range `[from, to)` of them. */
const hashed = (
  create: typeof createBulkHasher,
  bioType: string,
  texts: readonly Uint8Array[],
  o: { readonly gap: number; readonly from: number; readonly to: number },
): readonly string[] => {
  const starts = new Int32Array(texts.length);
  const ends = new Int32Array(texts.length);
  const bytes = new Uint8Array(texts.reduce((size, text) => size + o.gap + text.length, 0)).fill(0x2e);
  let at = 0;
  for (const [i, text] of texts.entries()) {
    at += o.gap;
    starts[i] = at;
    bytes.set(text, at);
    at += text.length;
    ends[i] = at;
  }
  const words = new Int32Array(texts.length * 5).fill(-1);
  create(bioType)(bytes, starts, ends, o.from, o.to, words);
  expect(words.subarray(0, o.from * 5).every((word) => word === -1)).toBe(true);
  expect(words.subarray(o.to * 5).every((word) => word === -1)).toBe(true);
  const text = new TextDecoder().decode(idText(words, texts.length));
  return texts.slice(o.from, o.to).map((_, i) => text.slice((o.from + i) * 40, (o.from + i) * 40 + 40));
};

interface Case {
  readonly bioType: (typeof BIO_TYPES)[number];
  readonly texts: readonly Uint8Array[];
  readonly gap: number;
  readonly cut: readonly [number, number];
}

const texts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 });
const cases: fc.Arbitrary<Case> = fc.record({
  bioType: fc.constantFrom(...BIO_TYPES),
  texts,
  gap: fc.nat(3),
  cut: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
});

const law =
  (create: typeof createBulkHasher) =>
  ({ bioType, texts, gap, cut }: Case): void => {
    const [from = 0, to = 0] = cut.map((share) => Math.round(share * texts.length)).sort((a, b) => a - b);
    expect(hashed(create, bioType, texts, { gap, from, to })).toEqual(expected(bioType, texts.slice(from, to)));
  };

/** A hasher that has seen as many sequences as it takes to hash four at once. */
const afterMany =
  (create: typeof createBulkHasher): typeof createBulkHasher =>
  (bioType) => {
    const hash = create(bioType);
    hash(new Uint8Array(0), new Int32Array(256), new Int32Array(256), 0, 256, new Int32Array(256 * 5));
    return hash;
  };

test("many at once have the ids of one by one, and so have few", () => {
  fc.assert(fc.property(cases, law(afterMany(createBulkHasher))), { numRuns: testRuns(300) });
  fc.assert(fc.property(cases, law(createBulkHasher)), { numRuns: testRuns(50) });
});

test("hashers of several bio types take turns", () => {
  const hashers = new Map(BIO_TYPES.map((bioType) => [bioType, afterMany(createBulkHasher)(bioType)]));
  const create = (bioType: string): ReturnType<typeof createBulkHasher> =>
    hashers.get(BIO_TYPES.find((b) => b === bioType)!)!;
  fc.assert(fc.property(cases, law(create)), { numRuns: testRuns(50) });
});

test("without WebAssembly too", async () => {
  vi.stubGlobal("WebAssembly", undefined);
  vi.resetModules();
  const bulk = await import("../src/bulk/index.ts");
  fc.assert(fc.property(cases, law(afterMany(bulk.createBulkHasher))), { numRuns: testRuns(50) });
});

test("every length around the borders of blocks, lanes and pieces", () => {
  const sizes = [
    ...Array.from({ length: 260 }, (_, i) => i),
    ...Array.from({ length: 20 }, (_, i) => 16_235 + i),
    ...[16_390, 16_500, 16_501, 40_000],
    ...Array.from({ length: 4500 }, (_, i) => i % 97),
  ];
  const noise = Uint8Array.from({ length: 50_021 }, (_, i) => (i * 31) ^ (i >> 5));
  const all = sizes.map((size, k) => noise.subarray(k, k + size));
  expect(hashed(createBulkHasher, "dna", all, { gap: 1, from: 0, to: all.length })).toEqual(expected("dna", all));
});

test("an unknown bio type is refused", () => {
  expect(() => createBulkHasher("DNA")).toThrow(expect.objectContaining({ code: "BAD_BIO_TYPE" }));
});

describe("checks of long ranges", () => {
  const names = Object.keys(ALPHABETS);

  test("know every byte as those of short ones do, wherever it lies", () => {
    for (const name of names) {
      const check = createChecker(name);
      const bulk = createBulkChecker(name);
      expect(bulk(new Uint8Array(16_384).fill(0x41), 0, 16_384)).toBe(-1);
      const legal = name.startsWith("protein") ? "ACDEFGHIKLacdefghikl" : "ACGacg";
      const bytes = new TextEncoder().encode(legal.repeat(60).slice(0, 310));
      for (let byte = 0; byte < 256; byte++) {
        const at = 3 + ((byte * 7) % 300);
        const before = bytes[at]!;
        bytes[at] = byte;
        expect([name, byte, bulk(bytes, 3, bytes.length - 5)]).toEqual([name, byte, check(bytes, 3, bytes.length - 5)]);
        bytes[at] = before;
      }
      expect(bulk(bytes, 0, bytes.length)).toBe(-1);
    }
  });

  test("take turns", () => {
    const checks = names.map((name) => [createChecker(name), createBulkChecker(name)] as const);
    const bytes = Uint8Array.from({ length: 256 * 64 }, (_, i) => i >> 6);
    for (const [, bulk] of checks) expect(bulk(bytes, 0, bytes.length)).toBe(0);
    for (let byte = 0; byte < 256; byte++) {
      const range = [byte * 64, Math.min(bytes.length, byte * 64 + 300)] as const;
      for (const [one, bulk] of checks) expect(bulk(bytes, ...range)).toBe(one(bytes, ...range));
    }
  });

  test("find the first of many illegal bytes, in ranges of any length", () => {
    const bytes = new TextEncoder().encode("ACGTacgt".repeat(33_000));
    const check = createChecker("dna_4");
    const bulk = createBulkChecker("dna_4");
    expect(bulk(bytes, 1, bytes.length)).toBe(-1);
    const edges = fc.oneof(fc.nat(bytes.length), fc.nat(700), fc.integer({ min: 262_000, max: 262_400 }));
    fc.assert(
      fc.property(edges, edges, fc.array(edges, { maxLength: 3 }), (a, b, wrong) => {
        const copy = bytes.slice();
        for (const at of wrong) if (at < copy.length) copy[at] = 0x4e;
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        expect(bulk(copy, start, end)).toBe(check(copy, start, end));
      }),
      { numRuns: testRuns(60) },
    );
  });

  test("without WebAssembly too, and of no unknown alphabet", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    vi.resetModules();
    const bulk = (await import("../src/bulk/index.ts")).createBulkChecker("dna_5");
    const bytes = new TextEncoder().encode(`${"ACGTN".repeat(200)}x`);
    expect(bulk(bytes, 0, 1001)).toBe(1000);
    expect(bulk(bytes, 0, 1000)).toBe(-1);
    expect(() => createBulkChecker("dna_6")).toThrow(expect.objectContaining({ code: "BAD_ALPHABET" }));
    expect(() => createBulkChecker("dna_4", "rna")).toThrow(expect.objectContaining({ code: "BAD_ALPHABET" }));
  });
});
