import { corrupt, ParquetError } from "../error.ts";
import { copyBack } from "./snappy.ts";

/** Decodes one raw LZ4 block into exactly `size` bytes (codec LZ4_RAW). */
export function lz4Decode(input: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  const end = block(input, out, 0);
  if (end !== size) throw corrupt(`an LZ4 page ends after ${end} of ${size} bytes`);
  return out;
}

/**
 * Codec LZ4: blocks framed as Hadoop does (two big-endian sizes before each), or a bare block, as several writers store it.
 * Nothing in the file says which; the frame is tried first because a bare block cannot pass its size checks by accident and end exactly.
 */
export function lz4HadoopDecode(input: Uint8Array, size: number): Uint8Array {
  try {
    return framed(input, size);
  } catch (error) {
    if (!(error instanceof ParquetError)) throw error;
    return lz4Decode(input, size);
  }
}

function framed(input: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let at = 0;
  let to = 0;
  while (at < input.length) {
    if (input.length - at < 8) throw corrupt("an LZ4 frame is cut short");
    const plain = view.getUint32(at);
    const packed = view.getUint32(at + 4);
    at += 8;
    if (packed > input.length - at || plain > size - to) throw corrupt("an LZ4 frame runs past the page");
    if (block(input.subarray(at, at + packed), out, to) !== to + plain)
      throw corrupt("an LZ4 frame has another size than declared");
    at += packed;
    to += plain;
  }
  if (to !== size) throw corrupt(`an LZ4 page ends after ${to} of ${size} bytes`);
  return out;
}

function block(input: Uint8Array, out: Uint8Array, start: number): number {
  let at = 0;
  let to = start;
  const extended = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let total = nibble;
    for (;;) {
      const b = input[at++];
      if (b === undefined) throw corrupt("an LZ4 page is cut short");
      total += b;
      if (b !== 255) return total;
    }
  };
  while (at < input.length) {
    const token = input[at++]!;
    const literals = extended(token >> 4);
    if (literals > input.length - at || literals > out.length - to) throw corrupt("an LZ4 literal runs past the page");
    out.set(input.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === input.length) return to;
    if (input.length - at < 2) throw corrupt("an LZ4 page is cut short");
    const distance = input[at]! | (input[at + 1]! << 8);
    at += 2;
    to = copyBack(out, to, distance, extended(token & 15) + 4);
  }
  return to;
}
