import { expect, test, vi } from "vitest";
import { createBulkChecker, createBulkHasher } from "../src/bulk/index.ts";
import { createHasher } from "../src/index.ts";

/** Counts the bytes that are looked at one by one; what is copied away as a whole does not count. */
const counted = (bytes: Uint8Array): { readonly bytes: Uint8Array; reads: number } => {
  const found = {
    reads: 0,
    bytes: new Proxy(bytes, {
      get: (target, key) => {
        if (typeof key === "string" && /^\d+$/.test(key)) found.reads++;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
  };
  return found;
};

test("legal bytes of a long range are not looked at one by one, but for the last few", () => {
  for (const [alphabet, symbols] of [
    ["dna_4", "ACGTacgt"],
    ["rna_5", "ACGUNacgun"],
    ["protein_21", "ACDEFGHIKLMNPQRSTVWYXacdefghiklmnpqrstvwyx"],
  ] as const) {
    const check = createBulkChecker(alphabet);
    expect(check(new Uint8Array(16_384).fill(0x41), 0, 16_384)).toBe(-1);
    for (const size of [256, 257, 1000, 262_080, 600_001]) {
      const text = new TextEncoder().encode(symbols.repeat(Math.ceil(size / symbols.length) + 1));
      const whole = counted(text);
      expect([alphabet, size, check(whole.bytes, 3, 3 + size)]).toEqual([alphabet, size, -1]);
      expect(whole.reads).toBeLessThan(16);
      // Of a byte that is none, the sixteen it lies among.
      const at = 3 + size - 40;
      text[at] = 0x2d;
      const broken = counted(text);
      expect(check(broken.bytes, 3, 3 + size)).toBe(at);
      expect(broken.reads).toBeLessThanOrEqual(16);
    }
  }
});

test("short ranges are looked at in place", () => {
  const text = new TextEncoder().encode("ACGT".repeat(100));
  const found = counted(text);
  expect(createBulkChecker("dna_4")(found.bytes, 0, 255)).toBe(-1);
  expect(found.reads).toBe(255);
});

test("a first byte that is no symbol is found, in ranges of any length", () => {
  const text = new TextEncoder().encode(`-${"ACGT".repeat(200)}`);
  const check = createBulkChecker("dna_4");
  const sizes = [1, 100, 255, 256, 257, 800];
  for (const size of sizes) expect(check(text, 0, size)).toBe(0);
  expect(check(new Uint8Array(16_384).fill(0x41), 0, 16_384)).toBe(-1);
  for (const size of sizes) expect(check(text, 0, size)).toBe(0);
});

test("short sequences are not read one by one, long ones alone are", async () => {
  // The module for many is made once: what is asked here is whether it can be.
  vi.resetModules();
  const { createBulkHasher } = await import("../src/bulk/index.ts");
  const sizes = [10, 200, 10, 17_000, 55, 64];
  const text = counted(new TextEncoder().encode("GATTACA".repeat(6000)));
  const starts = Int32Array.from(sizes, (_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
  const ends = starts.map((start, i) => start + sizes[i]!);
  const words = new Int32Array(sizes.length * 5);
  const short = createBulkHasher("dna");
  const none = new Int32Array(256);
  short(text.bytes, none, none, 0, 256, new Int32Array(256 * 5));
  short(text.bytes, starts, ends, 0, 3, words);
  expect(text.reads).toBe(0);
  short(text.bytes, starts, ends, 0, sizes.length, words);
  expect(text.reads).toBeGreaterThan(0);
  const hex = new Uint8Array(40);
  for (const [i, start] of starts.entries()) {
    createHasher("dna")(text.bytes, start, ends[i]!, hex, 0);
    const want = Array.from(
      { length: 5 },
      (_, w) => Number.parseInt(new TextDecoder().decode(hex.subarray(w * 8, w * 8 + 8)), 16) | 0,
    );
    expect([...words.subarray(i * 5, i * 5 + 5)]).toEqual(want);
  }
});

test("what is for many is not made for few", () => {
  const few = counted(new TextEncoder().encode("GATTACA".repeat(6000)));
  const starts = Int32Array.from({ length: 255 }, (_, i) => i * 7);
  const ends = starts.map((start) => start + 7);
  createBulkHasher("dna")(few.bytes, starts, ends, 0, 255, new Int32Array(255 * 5));
  expect(few.reads).toBe(255 * 7);
  expect(createBulkChecker("dna_4")(few.bytes, 0, 16_383)).toBe(-1);
  expect(few.reads).toBe(255 * 7 + 16_383);
  // the range counts, not where it lies
  const more = Int32Array.from({ length: 400 }, (_, i) => i * 7);
  few.reads = 0;
  createBulkHasher("dna")(
    few.bytes,
    more,
    more.map((start) => start + 7),
    200,
    400,
    new Int32Array(400 * 5),
  );
  expect(few.reads).toBe(200 * 7);
  few.reads = 0;
  expect(createBulkChecker("dna_4")(few.bytes, 20_000, 20_300)).toBe(-1);
  expect(few.reads).toBe(300);
});
