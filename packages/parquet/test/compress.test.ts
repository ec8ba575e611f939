import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { zstdCompressor } from "../src/codecs/codec.ts";
import { firstFrame, storedFrame } from "../src/codecs/zstd-frame.ts";

const compressor = zstdCompressor(1);

/** Bytes of every kind that zstd makes another sort of block of: noise, few symbols, and long runs. */
const bodies = fc
  .array(
    fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300_000 })),
      symbols: fc.constantFrom(1, 2, 4, 256),
      seed: fc.integer(),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) =>
    parts.map(({ size, symbols, seed }) => {
      let state = seed;
      return Uint8Array.from({ length: size }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
        return (state >>> 16) % symbols;
      });
    }),
  );

describe("pages compressed with zstd", () => {
  it("are one frame, the same from another thread as from this one, of the bytes given", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (parts) => {
        const body = Buffer.concat(parts);
        const now = compressor.now(parts);
        const soon = await compressor.soon(parts);
        expect(Buffer.compare(now, soon)).toBe(0);
        expect(firstFrame(soon).length).toBe(soon.length);
        expect(Buffer.compare(zstdDecompressSync(soon), body)).toBe(0);
      }),
      { numRuns: testRuns(60) },
    );
  });

  it("hold what does not shrink as zstd itself does", () => {
    for (let size = 1; size <= 128; size++) {
      const bytes = crypto.getRandomValues(new Uint8Array(size));
      expect(Buffer.compare(storedFrame(bytes), zstdCompressSync(bytes))).toBe(0);
    }
    expect(zstdDecompressSync(storedFrame(new Uint8Array(0))).length).toBe(0);
  });

  it("end where their frame ends, whatever follows it", () => {
    for (const size of [1, 200, 70_000, 400_000]) {
      for (const checksum of [0, 1]) {
        // 201 is ZSTD_c_checksumFlag
        const frame = zstdCompressSync(new Uint8Array(size).fill(7), { params: { 201: checksum } });
        expect(firstFrame(Buffer.concat([frame, Buffer.from("28b52ffd2000010000", "hex")]))).toEqual(frame);
      }
    }
  });
});
