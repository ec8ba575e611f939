import type { Utf8Column } from "@usr/schema";
import { isValid } from "@usr/schema/columns";
import { ParquetError } from "../error.ts";
import { FILTER } from "../footer/format.ts";
import { getI32, getStruct } from "../thrift/fields.ts";
import { readThrift } from "../thrift/read.ts";
import { struct, writeThrift } from "../thrift/write.ts";
import { createHasher, mulHigh } from "./xxhash.ts";
import { createManyHasher } from "./xxhash-many.ts";

// Split-block bloom filters as Parquet has them: XXH64 of the plain bytes of a value picks a block of 256 bits by its upper half and one bit
// in each of the block's eight words by its lower half.

const BLOCK_BYTES = 32;
const WORDS = 8;
const SALT = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
);

/** The largest filter that other readers take; a larger one is not read. */
const MAX_BYTES = 128 * 2 ** 20;
/** Texts end to end: text i is `data[offsets[i] .. offsets[i + 1])`. */
interface Texts {
  readonly count: number;
  readonly offsets: Int32Array;
  readonly data: Uint8Array;
}

/** A header is some 20 bytes. */
const MAX_HEADER = 256;

/** Digests of values, hashed once for all filters they are held against: the lower half of each, then the upper. */
export type Digests = Int32Array;

export function digestsOf(values: readonly Uint8Array[] | Utf8Column): Digests {
  const { data, offsets, length } = "layout" in values ? values : joined(values);
  const digests = new Int32Array(length * 2);
  createManyHasher()(data, offsets, 0, length, digests);
  return digests;
}

function joined(values: readonly Uint8Array[]): Pick<Utf8Column, "data" | "offsets" | "length"> {
  const offsets = new Int32Array(values.length + 1);
  for (const [i, value] of values.entries()) offsets[i + 1] = offsets[i]! + value.length;
  const data = new Uint8Array(offsets[values.length]!);
  for (const [i, value] of values.entries()) data.set(value, offsets[i]!);
  return { data, offsets, length: values.length };
}

/** Texts of which the digests are held at a time. */
const PIECE = 4096;

/** Values that a row group may hold. It never rules out one that was added. */
export interface BloomFilter {
  mayHold(bytes: Uint8Array, start: number, end: number): boolean;
  /** The first row of a text column whose value it rules out, -1 = it may hold them all. NULL is no value. */
  ruledOut(column: Utf8Column): number;
}

/** A filter that takes digests, which are made once for many filters. */
interface DigestFilter extends BloomFilter {
  /** The indices of the digests that it may hold, ascending. */
  held(digests: Digests): Int32Array;
}

/** The size of a filter for `distinct` values: a power of two, for some readers take no other. 1.2 to 2.5 bytes a value for one false hit in 100. */
function filterBytes(distinct: number, falsePositives: number): number {
  const bits = (-WORDS * distinct) / Math.log(1 - falsePositives ** (1 / WORDS));
  return Math.min(MAX_BYTES, Math.max(BLOCK_BYTES, 2 ** Math.ceil(Math.log2(bits / 8))));
}

/** Header and bits of a filter that holds some texts, as they lie in the file. */
export function encodeFilter(texts: Texts, falsePositives: number): Uint8Array {
  const size = filterBytes(texts.count, falsePositives);
  const standard = struct([[1, struct([])]]);
  const header = writeThrift(
    struct([
      [FILTER.bytes, size],
      [FILTER.algorithm, standard],
      [FILTER.hash, standard],
      [FILTER.compression, standard],
    ]),
  );
  const words = new Int32Array(size / 4);
  const hash = createManyHasher();
  const digests = new Int32Array(PIECE * 2);
  for (let from = 0; from < texts.count; from += PIECE) {
    const to = Math.min(texts.count, from + PIECE);
    hash(texts.data, texts.offsets, from, to, digests);
    for (let i = 0; i < to - from; i++) {
      const low = digests[i * 2]!;
      const block = blockOf(digests[i * 2 + 1]!, size);
      for (let w = 0; w < WORDS; w++) words[block + w]! |= bitOf(low, w);
    }
  }
  const out = new Uint8Array(header.length + size);
  out.set(header);
  const view = new DataView(out.buffer, header.length);
  for (let i = 0; i < words.length; i++) view.setInt32(i * 4, words[i]!, true);
  return out;
}

/** The first word of the block that a digest falls into. */
function blockOf(high: number, size: number): number {
  return (mulHigh(high, size / BLOCK_BYTES) >>> 0) * WORDS;
}

function bitOf(low: number, word: number): number {
  return 1 << (Math.imul(low, SALT[word]!) >>> 27);
}

/**
 * A filter of which header and bits are given. `undefined` for bytes that are no filter, and for kinds of filters that are not known here: then
 * nothing can be ruled out.
 */
export function decodeFilter(bytes: Uint8Array): DigestFilter | undefined {
  const start = bitsStart(bytes);
  if (start === undefined) return undefined;
  const size = bytes.length - start;
  // A copy, which lies where words may lie.
  const words = new Int32Array(bytes.slice(start).buffer);
  const mayHold = (high: number, low: number): boolean => {
    const block = blockOf(high, size);
    for (let w = 0; w < WORDS; w++) if ((words[block + w]! & bitOf(low, w)) === 0) return false;
    return true;
  };
  // Of a power of two of blocks, as writers make them, the upper bits say which.
  const blocks = size / BLOCK_BYTES;
  const shift = blocks > 1 && (blocks & (blocks - 1)) === 0 ? Math.clz32(blocks) + 1 : undefined;
  let hasher: ReturnType<typeof createHasher> | undefined;
  return {
    mayHold: (data, from, to) => {
      hasher ??= createHasher();
      hasher.hash(data, from, to);
      return mayHold(hasher.high, hasher.low);
    },
    held: (digests) => {
      const found = new Int32Array(digests.length / 2);
      let count = 0;
      // As `mayHold` does, in place: a short import asks so for each of its rows and each row group, before V8 compiles anything.
      for (let i = 0; i < found.length; i++) {
        const low = digests[i * 2]!;
        const high = digests[i * 2 + 1]!;
        const block = shift === undefined ? blockOf(high, size) : (high >>> shift) * WORDS;
        let word = 0;
        while (word < WORDS && (words[block + word]! & (1 << (Math.imul(low, SALT[word]!) >>> 27))) !== 0) word++;
        if (word === WORDS) found[count++] = i;
      }
      return found.slice(0, count);
    },
    ruledOut: (column) => {
      const digests = new Int32Array(column.length * 2);
      createManyHasher()(column.data, column.offsets, 0, column.length, digests);
      for (let row = 0; row < column.length; row++)
        if (!mayHold(digests[row * 2 + 1]!, digests[row * 2]!) && isValid(column, row)) return row;
      return -1;
    },
  };
}

/** Where the bits start behind a header that fits them. */
function bitsStart(bytes: Uint8Array): number | undefined {
  try {
    const { value, next } = readThrift(bytes, 0, Math.min(bytes.length, MAX_HEADER), MAX_HEADER);
    const size = getI32(value, FILTER.bytes) ?? 0;
    if (size < BLOCK_BYTES || size % BLOCK_BYTES !== 0 || size !== bytes.length - next) return undefined;
    const known = [FILTER.algorithm, FILTER.hash, FILTER.compression];
    return known.every((id) => getStruct(value, id)?.has(1) === true) ? next : undefined;
  } catch (error) {
    if (error instanceof ParquetError) return undefined;
    throw error;
  }
}
