import { type AddSpace, addBlock, createAddSpace } from "./packed-add.ts";
import { addEntry, createEntries, entryValue, findEntry, holdsKey } from "./packed-entries.ts";
import { HEX_DIGITS, hashKey, packKey, WORDS } from "./packed-key.ts";
import { createLookupSpace, type LookupSpace, lookUpBlock, NOT_LOOKED_UP } from "./packed-lookup.ts";

/**
 * Entries after the last one found that are looked at before the slots are. A part in base order with gaps goes forward in small steps, and
 * neighbours cost less than the three far reads of a probe.
 */
const AHEAD = 32;

/** Keys of 40 lowercase hex digits. `pack` sets the key that `add` and `find` work on. */
export interface PackedTable {
  size(): number;
  /** Takes the 40 bytes from `start` as the key; false = they are not all hex digits, and there is none. */
  pack(bytes: Uint8Array, start: number): boolean;
  /** The value of an equal key, or -1 when it is new; then it is added. */
  add(value: number): number;
  /**
   * `add` for the keys `bytes[offsets[i], offsets[i + 1])`, `from <= i < end`, each with the value `first + i`, up to one that is not 40 hex digits.
   * What `add` says of key i goes into `out[i]`.
   *
   * @returns the first key that was not added
   */
  addEach(bytes: Uint8Array, offsets: Int32Array, from: number, end: number, first: number, out: Int32Array): number;
  /** The value of the key, or -1. */
  find(): number;
  /** `find` for the keys `bytes[offsets[i], offsets[i + 1])` into `out[i]`; `NOT_LOOKED_UP` = not 40 hex digits. */
  findEach(bytes: Uint8Array, offsets: Int32Array, out: Int32Array): void;
}

export function createPackedTable(expected: number): PackedTable {
  const table = createEntries(expected);
  const { pages } = table;
  /** The entry after the last one found, and how many from there are worth a look. */
  let next = 0;
  let ahead = AHEAD;
  const key = new Int32Array(WORDS);
  let space: LookupSpace | undefined;
  let adding: AddSpace | undefined;

  const pack = (bytes: Uint8Array, start: number): boolean => packKey(key, 0, bytes, start);

  const found = (entry: number): number => {
    next = entry + 1;
    return entryValue(table, entry);
  };

  const find = (): number => {
    for (let entry = next, end = Math.min(table.count, next + ahead); entry < end; entry++) {
      if (holdsKey(pages, entry, key, 0)) return found(entry);
    }
    const entry = findEntry(table, key, 0, hashKey(key, 0));
    // Keys in no order soon cost one look ahead, and those that go forward again as many as they need.
    ahead = entry >= next && entry < next + AHEAD ? AHEAD : Math.max(1, ahead >> 1);
    return entry < 0 ? -1 : found(entry);
  };

  return {
    size: () => table.count,
    pack,
    add: (value) => addEntry(table, key, 0, hashKey(key, 0), value),
    addEach: (bytes, offsets, from, end, first, out) => {
      adding ??= createAddSpace();
      for (let i = from; i < end; ) {
        const keys = addBlock(table, bytes, offsets, i, end, first, out, adding);
        if (keys === 0) return i;
        i += keys;
      }
      return end;
    },
    find,
    findEach: (bytes, offsets, out) => {
      for (let i = 0; i < out.length; ) {
        // In order as far as can be told: one by one, up to the first keys that are not.
        for (; i < out.length && ahead > 1; i++) {
          const start = offsets[i]!;
          out[i] = offsets[i + 1]! - start === HEX_DIGITS && pack(bytes, start) ? find() : NOT_LOOKED_UP;
        }
        if (i === out.length) return;
        space ??= createLookupSpace();
        const { keys, steps } = lookUpBlock(table, bytes, offsets, i, out, space, AHEAD);
        i += keys;
        if (steps * 2 > keys) ahead = AHEAD;
      }
    },
  };
}
