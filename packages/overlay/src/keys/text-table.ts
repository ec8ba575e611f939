import { hashKeyBytes, upper } from "./key-bytes.ts";
import { createSlots, growSlots, isFull, longer } from "./slots.ts";

/** Keys of any bytes, kept in pages. */
export interface TextTable {
  size(): number;
  /** The value of an equal key, or -1 when it is new; then it is added. */
  add(bytes: Uint8Array, start: number, end: number, value: number): number;
  /** The value of the key, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number;
}

const PAGE = 1 << 20;
/** What an entry says: page, offset in it, length, value. */
const FIELDS = 4;

export function createTextTable(expected: number, fold: boolean): TextTable {
  const room = Math.max(16, expected);
  let slots = createSlots(room);
  let entries = new Int32Array(room * FIELDS);
  let count = 0;
  let next = 0;
  const pages: Uint8Array[] = [];
  let used = 0;

  const holds = (entry: number, bytes: Uint8Array, start: number, end: number): boolean => {
    const at = entry * FIELDS;
    if (entries[at + 2] !== end - start) return false;
    const page = pages[entries[at]!]!;
    let from = entries[at + 1]!;
    if (fold) {
      for (let i = start; i < end; i++) if (page[from++] !== upper(bytes[i]!)) return false;
    } else {
      for (let i = start; i < end; i++) if (page[from++] !== bytes[i]) return false;
    }
    return true;
  };

  /** The slot of the key, or the empty one where it belongs. */
  const probe = (hash: number, bytes: Uint8Array, start: number, end: number): number => {
    const mask = slots.length - 2;
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const entry = slots[slot]! - 1;
      if (entry < 0 || (slots[slot + 1] === hash && holds(entry, bytes, start, end))) return slot;
    }
  };

  const store = (bytes: Uint8Array, start: number, end: number, value: number): void => {
    const length = end - start;
    let page = pages.at(-1);
    if (page === undefined || used + length > page.length) {
      page = new Uint8Array(Math.max(PAGE, length));
      pages.push(page);
      used = 0;
    }
    for (let i = start, to = used; i < end; i++) page[to++] = fold ? upper(bytes[i]!) : bytes[i]!;
    if ((count + 1) * FIELDS > entries.length) entries = longer(entries, entries.length * 2);
    const at = count * FIELDS;
    entries[at] = pages.length - 1;
    entries[at + 1] = used;
    entries[at + 2] = length;
    entries[at + 3] = value;
    used += length;
    count++;
  };

  return {
    size: () => count,
    add: (bytes, start, end, value) => {
      if (isFull(count + 1, slots.length)) slots = growSlots(slots);
      const hash = hashKeyBytes(bytes, start, end, fold);
      const slot = probe(hash, bytes, start, end);
      const entry = slots[slot]! - 1;
      if (entry >= 0) return entries[entry * FIELDS + 3]!;
      store(bytes, start, end, value);
      slots[slot] = count;
      slots[slot + 1] = hash;
      return -1;
    },
    find: (bytes, start, end) => {
      if (next < count && holds(next, bytes, start, end)) return entries[next++ * FIELDS + 3]!;
      const entry = slots[probe(hashKeyBytes(bytes, start, end, fold), bytes, start, end)]! - 1;
      if (entry < 0) return -1;
      next = entry + 1;
      return entries[entry * FIELDS + 3]!;
    },
  };
}
