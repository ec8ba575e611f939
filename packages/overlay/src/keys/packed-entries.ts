import { hashKey, sameKey, WORDS } from "./packed-key.ts";

/** Entries of one page. Pages are added, never copied: a table of ten million keys does not hold twice its size while it grows. */
const PAGE_BITS = 16;
const PAGE = 1 << PAGE_BITS;
/** Beyond this many pages, so many are allocated in one piece: pieces of that size lie apart in memory from what comes and goes meanwhile. */
const SLAB = 32;
/** Room is made at once for so many keys (128 MiB of slots); the count comes from a footer, which may claim anything, and a table grows. */
const MOST_EXPECTED = 2 ** 24;

/** Packed keys with a number each, as they lie in memory. About 27 bytes a key where millions are, and 4 for its value where values are kept. */
export interface PackedEntries {
  /**
   * Open addressing with linear probing: a power of two of slots, at most two thirds taken. A slot holds entry + 1 (0 = empty) in as many bits
   * as slots have numbers, and above them those of the hash: they spare the far memory of the key for nearly all keys but the equal one.
   */
  slots: Int32Array;
  /** The words of the keys, in the order they were added. */
  readonly pages: Int32Array[];
  /** Their values, page by page; none as long as each value is the number of its entry, as in the index of a whole base. */
  readonly values: Int32Array[];
  count: number;
}

export function createEntries(expected: number): PackedEntries {
  let slots = 16;
  while (isFull(Math.min(expected, MOST_EXPECTED), slots)) slots *= 2;
  const first = Math.min(PAGE, Math.max(16, expected));
  return { slots: new Int32Array(slots), pages: [new Int32Array(first * WORDS)], values: [], count: 0 };
}

function isFull(entries: number, slots: number): boolean {
  return entries * 3 >= slots * 2;
}

/** Whether an entry has the key at `words[at]`. */
export function holdsKey(pages: readonly Int32Array[], entry: number, words: Int32Array, at: number): boolean {
  return sameKey(pages[entry >> PAGE_BITS]!, (entry & (PAGE - 1)) * WORDS, words, at);
}

export function entryValue({ values }: PackedEntries, entry: number): number {
  return values.length === 0 ? entry : values[entry >> PAGE_BITS]![entry & (PAGE - 1)]!;
}

/** The slot of a key, or the empty one where it belongs. */
function probe({ slots, pages }: PackedEntries, words: Int32Array, at: number, hash: number): number {
  const mask = slots.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const held = slots[slot]!;
    if (held === 0 || (((held ^ hash) & ~mask) === 0 && holdsKey(pages, (held & mask) - 1, words, at))) return slot;
  }
}

/** The entry of the key at `words[at]`, -1 = none. */
export function findEntry(table: PackedEntries, words: Int32Array, at: number, hash: number): number {
  const held = table.slots[probe(table, words, at, hash)]!;
  return (held & (table.slots.length - 1)) - 1;
}

/** The value of a key equal to that at `words[at]`, or -1 when it is new; then it is added. */
export function addEntry(table: PackedEntries, words: Int32Array, at: number, hash: number, value: number): number {
  if (isFull(table.count + 1, table.slots.length)) growSlots(table);
  const { slots } = table;
  const slot = probe(table, words, at, hash);
  const mask = slots.length - 1;
  if (slots[slot] !== 0) return entryValue(table, (slots[slot]! & mask) - 1);
  append(table, words, at, value);
  slots[slot] = (hash & ~mask) | table.count;
  return -1;
}

/** Twice as many slots for the same entries. */
function growSlots(table: PackedEntries): void {
  const slots = new Int32Array(table.slots.length * 2);
  const mask = slots.length - 1;
  for (let entry = 0; entry < table.count; entry++) {
    const hash = hashKey(table.pages[entry >> PAGE_BITS]!, (entry & (PAGE - 1)) * WORDS);
    let slot = hash & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = (hash & ~mask) | (entry + 1);
  }
  table.slots = slots;
}

function append(table: PackedEntries, words: Int32Array, from: number, value: number): void {
  const entry = table.count;
  const index = entry >> PAGE_BITS;
  const at = (entry & (PAGE - 1)) * WORDS;
  let page = table.pages[index];
  if (page === undefined) {
    if (index < SLAB) table.pages.push(new Int32Array(PAGE * WORDS));
    else {
      const slab = new Int32Array(SLAB * PAGE * WORDS);
      for (let p = 0; p < SLAB; p++) table.pages.push(slab.subarray(p * PAGE * WORDS, (p + 1) * PAGE * WORDS));
    }
    page = table.pages[index]!;
  } else if (at === page.length) {
    const longer = new Int32Array(Math.min(PAGE * WORDS, at * 2));
    longer.set(page);
    page = longer;
    table.pages[index] = page;
  }
  for (let w = 0; w < WORDS; w++) page[at + w] = words[from + w]!;
  if (value !== entry || table.values.length > 0) putValue(table.values, entry, value);
  table.count++;
}

/** Puts the value of the newest entry. The first that is put brings those of all entries before it. */
function putValue(values: Int32Array[], entry: number, value: number): void {
  for (let page = values.length; page <= entry >> PAGE_BITS; page++) {
    const numbers = new Int32Array(PAGE);
    for (let i = 0; i < PAGE; i++) numbers[i] = page * PAGE + i;
    values.push(numbers);
  }
  values[entry >> PAGE_BITS]![entry & (PAGE - 1)] = value;
}
