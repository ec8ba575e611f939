import { createSlots, growSlots, isFull, longer } from "./slots.ts";

export const HEX_DIGITS = 40;
const WORDS = 5;
/** The words of a key and its value, side by side: what is far apart in memory is read together. */
const ENTRY = WORDS + 1;

/**
 * Entries after the last one found that are looked at before the slots are. A part in base order with gaps goes forward in small steps, and
 * neighbours cost less than the three far reads of a probe.
 */
const AHEAD = 32;

/** Value of two ASCII hex digits, the first in the low byte; -1 for anything else, and upper case is something else. */
const BYTE = new Int16Array(1 << 16).fill(-1);
for (let value = 0; value < 256; value++) {
  const digits = value.toString(16).padStart(2, "0");
  BYTE[digits.charCodeAt(0) | (digits.charCodeAt(1) << 8)] = value;
}

/** Keys of 40 lowercase hex digits. `pack` sets the key that the other two work on. */
export interface PackedTable {
  size(): number;
  /** Takes the 40 bytes from `start` as the key; false = they are not all hex digits, and there is none. */
  pack(bytes: Uint8Array, start: number): boolean;
  /** The value of an equal key, or -1 when it is new; then it is added. */
  add(value: number): number;
  /** The value of the key, or -1. */
  find(): number;
}

export function createPackedTable(expected: number): PackedTable {
  const room = Math.max(16, expected);
  let slots = createSlots(room);
  // Words are signed so that each is a small integer to the engine.
  let entries = new Int32Array(room * ENTRY);
  let count = 0;
  /** The entry after the last one found, and how many from there are worth a look. */
  let next = 0;
  let ahead = AHEAD;
  const key = new Int32Array(WORDS);

  const pack = (bytes: Uint8Array, start: number): boolean => {
    let seen = 0;
    for (let w = 0, at = start; w < WORDS; w++, at += 8) {
      const a = BYTE[bytes[at]! | (bytes[at + 1]! << 8)]!;
      const b = BYTE[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
      const c = BYTE[bytes[at + 4]! | (bytes[at + 5]! << 8)]!;
      const d = BYTE[bytes[at + 6]! | (bytes[at + 7]! << 8)]!;
      seen |= a | b | c | d;
      key[w] = (a << 24) | (b << 16) | (c << 8) | d;
    }
    return seen >= 0;
  };

  const holds = (entry: number): boolean => {
    const at = entry * ENTRY;
    return (
      entries[at] === key[0] &&
      entries[at + 1] === key[1] &&
      entries[at + 2] === key[2] &&
      entries[at + 3] === key[3] &&
      entries[at + 4] === key[4]
    );
  };

  /** The slot of the key, or the empty one where it belongs. */
  const probe = (hash: number): number => {
    const mask = slots.length - 2;
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const entry = slots[slot]! - 1;
      if (entry < 0 || (slots[slot + 1] === hash && holds(entry))) return slot;
    }
  };

  const found = (entry: number): number => {
    next = entry + 1;
    return entries[entry * ENTRY + WORDS]!;
  };

  return {
    size: () => count,
    pack,
    add: (value) => {
      if (isFull(count + 1, slots.length)) slots = growSlots(slots);
      const hash = hashWords(key);
      const slot = probe(hash);
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
    find: () => {
      for (let entry = next, end = Math.min(count, next + ahead); entry < end; entry++) {
        if (holds(entry)) return found(entry);
      }
      const entry = slots[probe(hashWords(key))]! - 1;
      // Keys in no order soon cost one look ahead, and those that go forward again as many as they need.
      ahead = entry >= next && entry < next + AHEAD ? AHEAD : Math.max(1, ahead >> 1);
      return entry < 0 ? -1 : found(entry);
    },
  };
}

/** SHA-1 words are their own hash, but ids of strangers may differ in their last digits only. */
function hashWords(key: Int32Array): number {
  const h =
    key[0]! ^
    Math.imul(key[1]!, 0x9e3779b1) ^
    Math.imul(key[2]!, 0x85ebca6b) ^
    Math.imul(key[3]!, 0xc2b2ae35) ^
    Math.imul(key[4]!, 0x27d4eb2f);
  return h ^ (h >>> 15);
}
