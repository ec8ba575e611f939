import { createHasher, stripRange } from "@usr/id";
import { createReverseComplementer } from "@usr/id/strands";
import { ID_LENGTH } from "../identity.ts";

/**
 * What makes two key texts the same: every byte; all but the case of ASCII letters; or that and the strand: the lesser of the sequence and
 * its reverse complement stands for both, in upper case.
 */
export type Folding = "exact" | "case" | "strand";

/** The text is blank. */
export const BLANK = -2;

/**
 * Keys as 160 bits: equal keys have equal digests, and different ones different digests as surely as ids tell sequences apart, for it is the
 * digest that ids are. So a table of digests needs no key text to compare.
 */
export interface KeyDigest {
  /** The last digest, as 40 lowercase hex digits. */
  readonly hex: Uint8Array;
  /**
   * Takes the digest of `bytes[start, end)` without the white space around it. -1 = done; `BLANK`; else the index of a byte that has no
   * other strand.
   */
  take(bytes: Uint8Array, start: number, end: number): number;
}

/** Digests of keys of one bio type; the same text under another has another digest. Throws `BAD_BIO_TYPE`, for strands of proteins too. */
export const createKeyDigest = (folding: Folding, bioType: string): KeyDigest => {
  const hash = createHasher(bioType);
  const complement = folding === "strand" ? createReverseComplementer(bioType) : undefined;
  const hex = new Uint8Array(ID_LENGTH);
  let upper = new Uint8Array(1024);
  let other = new Uint8Array(folding === "strand" ? 1024 : 0);

  const take = (bytes: Uint8Array, from: number, to: number): number => {
    const [start, end] = stripRange(bytes, from, to);
    if (start === end) return BLANK;
    if (folding === "exact") {
      hash(bytes, start, end, hex, 0);
      return -1;
    }
    const size = end - start;
    if (size > upper.length) {
      upper = new Uint8Array(size * 2);
      if (folding === "strand") other = new Uint8Array(size * 2);
    }
    upperCase(bytes, start, end, upper);
    if (complement !== undefined) {
      const bad = complement(upper, 0, size, other, 0);
      if (bad >= 0) return start + bad;
    }
    hash(complement !== undefined && isLess(other, 0, upper, 0, size) ? other : upper, 0, size, hex, 0);
    return -1;
  };
  return { hex, take };
};

/** ASCII letters of `bytes[start, end)` in upper case, and all else as it is, at the begin of `out`. */
export const upperCase = (bytes: Uint8Array, start: number, end: number, out: Uint8Array): void => {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    out[i - start] = byte >= 97 && byte <= 122 ? byte - 32 : byte;
  }
};

/** Whether `size` bytes of `a` from `start` on come before those of `b` from `from` on. */
export const isLess = (a: Uint8Array, start: number, b: Uint8Array, from: number, size: number): boolean => {
  for (let i = 0; i < size; i++) if (a[start + i] !== b[from + i]) return a[start + i]! < b[from + i]!;
  return false;
};
