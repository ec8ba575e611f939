/// <reference types="node" />
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Compression } from "../src/index.ts";
import { compress, type DecompressOptions, decompress } from "../src/node/index.ts";
import { bytesOf, chunked, joined, readRows } from "./helpers.ts";
import { refusal } from "./refusal.ts";

async function all(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return joined(parts);
}

const unpack = (
  bytes: Uint8Array,
  kind: Compression,
  sizes?: readonly number[],
  o?: DecompressOptions,
): Promise<Uint8Array> => all(decompress(chunked(bytes, sizes), kind, { name: "in", ...o }));

const pack = {
  gz: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)),
  zst: (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes)),
};

const SKIPPABLE = new Uint8Array([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

describe.each<Compression>(["gz", "zst"])("%s", (kind) => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(200_000).map((size) => new Uint8Array(size).fill(65)),
    fc.nat(1000).map((n) => bytesOf("ACGT".repeat(n))),
  );

  test("any number of members, cut anywhere, comes out whole", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 4 }), sizes, async (bodies, cuts) => {
        const packed = joined(bodies.map(pack[kind]));
        expect(Buffer.from(await unpack(packed, kind, cuts)).equals(joined(bodies))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("what is compressed is decompressed to the same", async () => {
    await fc.assert(
      fc.asyncProperty(body, async (bytes) => {
        expect(Buffer.from(await all(decompress(compress(chunked(bytes, [1000]), kind), kind))).equals(bytes)).toBe(
          true,
        );
      }),
      { numRuns: 40 },
    );
  });

  test("input cut off at any byte is refused", async () => {
    const packed = joined([pack[kind](bytesOf("ACGT".repeat(50))), pack[kind](bytesOf("second"))]);
    const first = pack[kind](bytesOf("ACGT".repeat(50))).length;
    for (let end = 0; end < packed.length; end++) {
      if (end === first) continue;
      for (const size of [1, 1000]) {
        const error = await refusal(unpack(packed.subarray(0, end), kind, [size]));
        expect([error.code, error.details["file"]]).toEqual(["CORRUPT", "in"]);
      }
    }
  });

  test("a flipped bit in the checksum, a strange start and a tail are refused", async () => {
    const packed =
      kind === "gz"
        ? pack.gz(bytesOf("ACGT".repeat(50)))
        : await all(compress(chunked(bytesOf("ACGT".repeat(50))), "zst"));
    const damaged = packed.slice();
    const at = kind === "gz" ? packed.length - 5 : packed.length - 1;
    damaged[at] = damaged[at]! ^ 1;
    for (const bytes of [damaged, bytesOf("id,sequence\n"), joined([packed, bytesOf("tail!!")])]) {
      expect((await refusal(unpack(bytes, kind))).code).toBe("CORRUPT");
    }
  });

  test("a bomb stops at the limit", async () => {
    const bomb = pack[kind](new Uint8Array(1 << 24));
    const error = await refusal(unpack(bomb, kind, [1 << 16], { maxBytes: 1 << 20 }));
    expect([error.code, error.message]).toEqual(["TOO_LARGE", "in: the input unpacks to more than 1048576 bytes"]);
  });

  test("errors of the source pass through, stopping early releases it", async () => {
    const packed = pack[kind](crypto.getRandomValues(new Uint8Array(60_000)));
    async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
      yield packed.subarray(0, 1000);
      throw new Error("the disk is gone");
    }
    await expect(all(decompress(failing(), kind))).rejects.toThrow("the disk is gone");
    let released = false;
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        for (;;) yield packed;
      } finally {
        released = true;
      }
    }
    for await (const _ of decompress(endless(), kind)) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(released).toBe(true);
  });

  test("a table is read through it", async () => {
    const text = await unpack(pack[kind](bytesOf("a,b\n1,2\n")), kind, [1]);
    expect((await readRows(text, { format: "csv" })).rows).toEqual([["1", "2"]]);
  });
});

test("skippable zst frames are skipped", async () => {
  const packed = joined([SKIPPABLE, pack.zst(bytesOf("a")), SKIPPABLE, pack.zst(bytesOf("b")), SKIPPABLE]);
  for (const size of [1, 5, 1000]) expect(await unpack(packed, "zst", [size])).toEqual(bytesOf("ab"));
});
