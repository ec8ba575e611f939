import type { Column, Utf8Column } from "@usr/schema";
import { ID_LENGTH } from "../identity.ts";

/** A bit for each of so many hashes: 8 KiB, which stay in the nearest cache; and more where they would be dense. */
const [LEAST_BITS, MOST_BITS] = [16, 20];

/** A few ids, by one bit each: tells in a few nanoseconds that a row is none of them, so that only the others have to be looked up. */
export interface IdMarks {
  /** Puts the rows of `ids` that may be one of the marked ids into `out`, ascending, and says how many they are. No row that is one is left out. */
  select(ids: Utf8Column, out: Int32Array): number;
}

export function idMarks(marked: Column): IdMarks {
  const bits = Math.min(MOST_BITS, Math.max(LEAST_BITS, 38 - Math.clz32(marked.length)));
  const shift = 32 - bits;
  const marks = new Int32Array(2 ** (bits - 5));
  if (marked.layout === "utf8") {
    const { data, offsets, length } = marked;
    for (let i = 0; i < length; i++) {
      const hash = hashOf(data, offsets[i]!) >>> shift;
      marks[hash >>> 5]! |= 1 << (hash & 31);
    }
  }
  return {
    select: ({ data, offsets, length }, out) => {
      let count = 0;
      for (let i = 0; i < length; i++) {
        const start = offsets[i]!;
        const end = offsets[i + 1]!;
        // Only of an id that no white space is stripped from are the first bytes those of the key.
        if (end - start === ID_LENGTH && isPlain(data[start]!) && isPlain(data[end - 1]!)) {
          const hash = hashOf(data, start) >>> shift;
          if ((marks[hash >>> 5]! & (1 << (hash & 31))) === 0) continue;
        }
        out[count++] = i;
      }
      return count;
    },
  };
}

/** Of the first bytes, which are as random as any of a SHA-1. */
function hashOf(data: Uint8Array, start: number): number {
  const word = data[start]! | (data[start + 1]! << 8) | (data[start + 2]! << 16) | (data[start + 3]! << 24);
  return Math.imul(word, 0x9e3779b1);
}

/** A byte that can neither be white space nor belong to a character that is. */
function isPlain(byte: number): boolean {
  return byte > 0x20 && byte < 0x80;
}
