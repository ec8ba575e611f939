import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createHasher } from "../src/bloom/xxhash.ts";
import { createManyHasher } from "../src/bloom/xxhash-many.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

interface Texts {
  readonly data: Uint8Array;
  readonly offsets: Int32Array;
}

const laidOut = (texts: readonly Uint8Array[], gap: number): Texts => {
  const offsets = new Int32Array(texts.length + 1).fill(gap);
  for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i]! + text.length;
  const data = new Uint8Array(offsets.at(-1)! + gap).fill(7);
  for (const [i, text] of texts.entries()) data.set(text, offsets[i]!);
  return { data, offsets };
};

/** Lower and upper halves, one text after the other. */
const oneByOne = ({ data, offsets }: Texts, from: number, to: number): readonly number[] => {
  const hasher = createHasher();
  return Array.from({ length: to - from }, (_, i) => {
    hasher.hash(data, offsets[from + i]!, offsets[from + i + 1]!);
    return [hasher.low, hasher.high];
  }).flat();
};

const check = (create: typeof createManyHasher, texts: Texts, from: number, to: number): void => {
  const digests = new Int32Array((to - from) * 2 + 1);
  create()(texts.data, texts.offsets, from, to, digests);
  expect([...digests]).toEqual([...oneByOne(texts, from, to), 0]);
};

const law = (create: typeof createManyHasher, runs: number): void => {
  const texts = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 30 });
  fc.assert(
    fc.property(texts, fc.nat(9), fc.nat(30), fc.nat(30), (all, gap, a, b) => {
      const [from, to] = [Math.min(a, b, all.length), Math.min(Math.max(a, b), all.length)];
      check(create, laidOut(all, gap), from, to);
    }),
    { numRuns: testRuns(runs) },
  );
};

describe("digests of many texts", () => {
  it("are those of one after the other", () => law(createManyHasher, 400));

  it("without WebAssembly too", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    vi.resetModules();
    law((await import("../src/bloom/xxhash-many.ts")).createManyHasher, 50);
  });

  it("for every length around the borders of words, stripes and pieces", () => {
    const sizes = [
      ...Array.from({ length: 140 }, (_, i) => i),
      ...[262_143, 3, 262_144, 0, 262_145, 5, 1_000_001],
      ...Array.from({ length: 9000 }, (_, i) => i % 71),
    ];
    const texts = sizes.map((size, k) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + k * 7) & 255));
    check(createManyHasher, laidOut(texts, 3), 0, texts.length);
  });
});
