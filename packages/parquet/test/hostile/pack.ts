/// <reference types="node" />
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";
import { CODEC } from "../../src/footer/format.ts";

/** Compresses a page so that damage done to what is inside reaches the decoders. */
export function packed(codec: number, plain: Uint8Array): Uint8Array {
  switch (codec) {
    case CODEC.uncompressed:
      return plain;
    case CODEC.gzip:
      return gzipSync(plain, { level: 1 });
    case CODEC.brotli:
      return brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
    case CODEC.zstd:
      return zstdCompressSync(plain);
    case CODEC.snappy:
      return snappyLiteral(plain);
    case CODEC.lz4:
    case CODEC.lz4Raw:
      return lz4Literal(plain);
    default:
      throw new Error(`no compressor for codec ${codec}`);
  }
}

function snappyLiteral(plain: Uint8Array): Uint8Array {
  const head: number[] = [];
  let rest = plain.length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  head.push(rest);
  // A literal whose length less one follows in four bytes.
  const last = plain.length - 1;
  if (last >= 0) head.push(63 << 2, last & 255, (last >> 8) & 255, (last >> 16) & 255, last >>> 24);
  return joined(head, plain);
}

function lz4Literal(plain: Uint8Array): Uint8Array {
  if (plain.length < 15) return joined([plain.length << 4], plain);
  const head = [0xf0];
  let rest = plain.length - 15;
  for (; rest >= 255; rest -= 255) head.push(255);
  head.push(rest);
  return joined(head, plain);
}

export function joined(...parts: readonly ArrayLike<number>[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
