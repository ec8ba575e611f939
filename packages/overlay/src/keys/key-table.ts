import { HEX_DIGITS } from "./packed-key.ts";
import { NOT_LOOKED_UP } from "./packed-lookup.ts";
import { createPackedTable } from "./packed-table.ts";
import { createTextTable } from "./text-table.ts";

export { NOT_LOOKED_UP };

/**
 * A map from keys (bytes) to a number each. Keys are compared in full: hashes only say where to look.
 *
 * Keys of 40 lowercase hex digits, which is what ids are, are packed to 20 bytes; any other key keeps its bytes. About 27 bytes a
 * packed key, 4 more where values are not those of an index from 0, 36 bytes and its length any other. Insertion and lookup are O(length of the key).
 */
export interface KeyTable {
  readonly size: number;
  /** The value that an equal key was added with, or -1 when the key is new; then it is added with `value` (0 or more). */
  add(bytes: Uint8Array, start: number, end: number, value: number): number;
  /**
   * `add` for the keys `bytes[offsets[i], offsets[i + 1])` from the `from`-th on, key i with the value `first + i`, as far as that is faster for many
   * at once, as it is for packed keys: up to another key or `end`. What `add` says of key i goes into `out[i]`.
   *
   * @returns the first key that was not added
   */
  addEach(bytes: Uint8Array, offsets: Int32Array, from: number, end: number, first: number, out: Int32Array): number;
  /** The value of the key, or -1. Tries the key after the last one found first. */
  find(bytes: Uint8Array, start: number, end: number): number;
  /**
   * `find` for the keys `bytes[offsets[i], offsets[i + 1])` into `out[i]`, `0 <= i < out.length`, as far as that is faster for many at once than
   * one by one, as it is for packed keys in no order; `NOT_LOOKED_UP` for the others.
   */
  findEach(bytes: Uint8Array, offsets: Int32Array, out: Int32Array): void;
}

export interface KeyTableOptions {
  /** Keys to make room for; more may come. */
  readonly expected: number;
  /** Take ASCII letters of either case for the same. */
  readonly fold: boolean;
}

export function createKeyTable({ expected, fold }: KeyTableOptions): KeyTable {
  const packed = createPackedTable(fold ? 0 : expected);
  const texts = createTextTable(fold ? expected : 0, fold);
  // Folding would part a lowercase key, packed, from its twin in upper case.
  const packs = (bytes: Uint8Array, start: number, end: number): boolean =>
    !fold && end - start === HEX_DIGITS && packed.pack(bytes, start);
  return {
    get size() {
      return packed.size() + texts.size();
    },
    add: (bytes, start, end, value) =>
      packs(bytes, start, end) ? packed.add(value) : texts.add(bytes, start, end, value),
    addEach: (bytes, offsets, from, end, first, out) =>
      fold ? from : packed.addEach(bytes, offsets, from, end, first, out),
    find: (bytes, start, end) => (packs(bytes, start, end) ? packed.find() : texts.find(bytes, start, end)),
    findEach: (bytes, offsets, out) => {
      if (fold) out.fill(NOT_LOOKED_UP);
      else packed.findEach(bytes, offsets, out);
    },
  };
}
