import { stripRange } from "@usr/id";
import { createBulkChecker, createBulkHasher, idText } from "@usr/id/bulk";
import { createReverseComplementer } from "@usr/id/strands";
import type { Column, Utf8Column } from "@usr/schema";
import { type Folding, isLess, upperCase } from "./key-digest.ts";

/** More text than this is not held a second time. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Bytes of the other strand that are looked at before all are. */
const FEW = 16;

/**
 * The digests of a column of keys, one after the other, as `createKeyDigest` takes them one by one. `undefined` where a row has none, which is for it
 * to say, and where the column is too large to be held twice.
 */
export type KeyDigests = (column: Column | undefined) => Uint8Array | undefined;

/** Digests of keys of one bio type. Throws `BAD_BIO_TYPE`, for strands of proteins too. */
export const createKeyDigests = (folding: Folding, bioType: string): KeyDigests => {
  const hash = createBulkHasher(bioType);
  const complement = folding === "strand" ? createReverseComplementer(bioType) : undefined;
  const isPlain = createBulkChecker(bioType === "rna" ? "rna_4" : "dna_4");
  let folded = new Uint8Array(0);
  let other = new Uint8Array(0);
  return (column) => {
    const ranges = column?.layout === "utf8" ? textRanges(column) : undefined;
    if (column?.layout !== "utf8" || ranges === undefined) return undefined;
    const { starts, ends } = ranges;
    const words = new Int32Array(column.length * 5);
    if (folding === "exact") {
      hash(column.data, starts, ends, 0, column.length, words);
      return idText(words, column.length);
    }
    const [from, to] = [column.offsets[0]!, column.offsets[column.length]!];
    if (folded.length < to - from) folded = new Uint8Array(to - from);
    upperCase(column.data, from, to, folded);
    for (let i = 0; i < column.length; i++) {
      starts[i]! -= from;
      ends[i]! -= from;
    }
    if (complement !== undefined) {
      const plain = isPlain(folded, 0, to - from) < 0;
      for (let i = 0; i < column.length; i++) {
        const [start, end] = [starts[i]!, ends[i]!];
        const size = end - start;
        if (other.length < size) other = new Uint8Array(size * 2);
        // Where every byte has a partner, the first few of the other strand tell mostly that it is not wanted.
        const few = plain ? Math.min(size, FEW) : size;
        if (complement(folded, end - few, end, other, 0) >= 0) return undefined;
        if (few < size && isLess(folded, start, other, 0, few)) continue;
        if (few < size) complement(folded, start, end, other, 0);
        if (isLess(other, 0, folded, start, size)) folded.set(other.subarray(0, size), start);
      }
    }
    hash(folded, starts, ends, 0, column.length, words);
    return idText(words, column.length);
  };
};

/** Where the texts of a column are, without the white space around them; `undefined` where one is blank or NULL, or they are too many bytes. */
const textRanges = (column: Utf8Column): { readonly starts: Int32Array; readonly ends: Int32Array } | undefined => {
  const { offsets, data, length } = column;
  if (offsets[length]! - offsets[0]! > MOST_BYTES) return undefined;
  const starts = offsets.slice(0, length);
  const ends = offsets.slice(1, length + 1);
  for (let i = 0; i < length; i++) {
    let [start, end] = [starts[i]!, ends[i]!];
    if (start === end) return undefined;
    if (isGraphic(data[start]!) && isGraphic(data[end - 1]!)) continue;
    [start, end] = stripRange(data, start, end);
    if (start === end) return undefined;
    starts[i] = start;
    ends[i] = end;
  }
  return { starts, ends };
};

/** Printable ASCII, which is no white space and no part of any. */
const isGraphic = (byte: number): boolean => byte > 32 && byte < 127;
