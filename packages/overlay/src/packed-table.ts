import { HEX_DIGITS, hashKey, packKey, sameKey, WORDS } from "./packed-key.ts";
import { createLookupSpace, type LookupSpace, lookUpBlock, NOT_LOOKED_UP } from "./packed-lookup.ts";
import { createSlots, growSlots, isFull, longer } from "./slots.ts";

/** The words of a key and its value, side by side: what is far apart in memory is read together. */
const ENTRY = WORDS + 1;

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
  /** The value of the key, or -1. */
  find(): number;
  /** `find` for the keys `bytes[offsets[i], offsets[i + 1])` into `out[i]`; `NOT_LOOKED_UP` = not 40 hex digits. */
  findEach(bytes: Uint8Array, offsets: Int32Array, out: Int32Array): void;
}

export function createPackedTable(expected: number): PackedTable {
  const room = Math.max(16, expected);
  let slots = createSlots(room);
  let entries = new Int32Array(room * ENTRY);
  let count = 0;
  /** The entry after the last one found, and how many from there are worth a look. */
  let next = 0;
  let ahead = AHEAD;
  const key = new Int32Array(WORDS);
  let space: LookupSpace | undefined;

  const pack = (bytes: Uint8Array, start: number): boolean => packKey(key, 0, bytes, start);

  /** The slot of a key, or the empty one where it belongs. */
  const probe = (words: Int32Array, at: number, hash: number): number => {
    const mask = slots.length - 2;
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const entry = slots[slot]! - 1;
      if (entry < 0 || (slots[slot + 1] === hash && sameKey(entries, entry * ENTRY, words, at))) return slot;
    }
  };

  const found = (entry: number): number => {
    next = entry + 1;
    return entries[entry * ENTRY + WORDS]!;
  };

  const find = (): number => {
    for (let entry = next, end = Math.min(count, next + ahead); entry < end; entry++) {
      if (sameKey(entries, entry * ENTRY, key, 0)) return found(entry);
    }
    const entry = slots[probe(key, 0, hashKey(key, 0))]! - 1;
    // Keys in no order soon cost one look ahead, and those that go forward again as many as they need.
    ahead = entry >= next && entry < next + AHEAD ? AHEAD : Math.max(1, ahead >> 1);
    return entry < 0 ? -1 : found(entry);
  };

  return {
    size: () => count,
    pack,
    add: (value) => {
      if (isFull(count + 1, slots.length)) slots = growSlots(slots);
      const hash = hashKey(key, 0);
      const slot = probe(key, 0, hash);
      const entry = slots[slot]! - 1;
      if (entry >= 0) return entries[entry * ENTRY + WORDS]!;
      const at = count * ENTRY;
      if (at === entries.length) entries = longer(entries, at * 2);
      for (let w = 0; w < WORDS; w++) entries[at + w] = key[w]!;
      entries[at + WORDS] = value;
      count++;
      slots[slot] = count;
      slots[slot + 1] = hash;
      return -1;
    },
    find,
    findEach: (bytes, offsets, out) => {
      const table = {
        slots,
        entries,
        entryWords: ENTRY,
        find: (words: Int32Array, at: number, hash: number) => slots[probe(words, at, hash)]! - 1,
      };
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
