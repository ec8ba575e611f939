import { SchemaError } from "../error.ts";

const MAGIC = 0x184d2204;

function damaged(why: string): SchemaError {
  return new SchemaError("CORRUPT", `The LZ4 frame is damaged: ${why}.`);
}

/**
 * Unpacks one LZ4 frame. Checksums are skipped, not verified: Arrow writers leave them out. Work and memory grow with the output, which an LZ4
 * sequence can make at most 255 times its own size.
 *
 * @throws SchemaError `CORRUPT`.
 */
export function decodeLz4Frame(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 7 || view.getUint32(0, true) !== MAGIC) {
    throw damaged("it does not start as one");
  }
  const flags = bytes[4]!;
  const blockChecksums = (flags & 0x10) !== 0;
  // Magic, flags and block size; then the content size (8) and a dictionary id (4) if flagged, and a checksum byte.
  let at = 6 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4) + 1;
  const out: Output = { bytes: new Uint8Array(Math.max(64, bytes.length * 3)), length: 0 };
  while (true) {
    if (at + 4 > bytes.length) {
      throw damaged("it ends within a block");
    }
    const header = view.getUint32(at, true);
    at += 4;
    if (header === 0) {
      return out.bytes.slice(0, out.length);
    }
    const size = header & 0x7fffffff;
    if (at + size > bytes.length) {
      throw damaged("it ends within a block");
    }
    const block = bytes.subarray(at, at + size);
    if (header >>> 31 === 1) {
      reserve(out, size);
      out.bytes.set(block, out.length);
      out.length += size;
    } else {
      decodeBlock(block, out);
    }
    at += size + (blockChecksums ? 4 : 0);
  }
}

interface Output {
  bytes: Uint8Array;
  length: number;
}

function reserve(out: Output, extra: number): void {
  if (out.length + extra > out.bytes.length) {
    const grown = new Uint8Array(Math.max(out.bytes.length * 2, out.length + extra));
    grown.set(out.bytes.subarray(0, out.length));
    out.bytes = grown;
  }
}

/** Sequences of literals and matches; a match may reach back into earlier blocks. */
function decodeBlock(block: Uint8Array, out: Output): void {
  let at = 0;
  const extend = (length: number): number => {
    if (length < 15) {
      return length;
    }
    let byte = 255;
    while (byte === 255) {
      if (at >= block.length) {
        throw damaged("a length has no end");
      }
      byte = block[at]!;
      at += 1;
      length += byte;
    }
    return length;
  };
  while (at < block.length) {
    const token = block[at]!;
    at += 1;
    const literals = extend(token >> 4);
    if (at + literals > block.length) {
      throw damaged("literals are missing");
    }
    reserve(out, literals);
    out.bytes.set(block.subarray(at, at + literals), out.length);
    out.length += literals;
    at += literals;
    if (at === block.length) {
      return;
    }
    if (at + 2 > block.length) {
      throw damaged("an offset is missing");
    }
    const offset = block[at]! | (block[at + 1]! << 8);
    at += 2;
    const length = extend(token & 15) + 4;
    if (offset === 0 || offset > out.length) {
      throw damaged("a match reaches before the start");
    }
    reserve(out, length);
    copyMatch(out, offset, length);
  }
}

/** A match may overlap what it writes: byte by byte then, else at once. */
function copyMatch(out: Output, offset: number, length: number): void {
  const { bytes } = out;
  const from = out.length - offset;
  if (offset >= length) {
    bytes.copyWithin(out.length, from, from + length);
  } else {
    for (let i = 0; i < length; i += 1) {
      bytes[out.length + i] = bytes[from + i]!;
    }
  }
  out.length += length;
}
