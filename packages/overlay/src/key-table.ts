/**
 * A map from keys (bytes) to a number each. Keys are compared in full: hashes only say where to look.
 *
 * Keys of 40 lowercase hex digits, which is what ids are, are packed to 20 bytes; any other key keeps its bytes. About 36 bytes a
 * packed key, 32 bytes and its length any other. Insertion and lookup are O(length of the key).
 */
export interface KeyTable {
  readonly size: number;
  /** The value that an equal key was added with, or -1 when the key is new; then it is added with `value` (0 or more). */
  add(bytes: Uint8Array, start: number, end: number, value: number): number;
  /** The value of the key, or -1. Tries the key after the last one found first. */
  find(bytes: Uint8Array, start: number, end: number): number;
}

export interface KeyTableOptions {
  /** Keys to make room for. */
  readonly expected: number;
  /** Take ASCII letters of either case for the same. */
  readonly fold: boolean;
}

export function createKeyTable({ expected, fold }: KeyTableOptions): KeyTable {
  const packed = createPackedTable(fold ? 0 : expected);
  const texts = createTextTable(fold ? expected : 0, fold);
  // Folding would make the packed form of a lowercase key differ from its twin in upper case.
  const packs = (bytes: Uint8Array, start: number, end: number): boolean =>
    !fold && end - start === HEX_DIGITS && packed.pack(bytes, start);
  return {
    get size() {
      return packed.size() + texts.size();
    },
    add: (bytes, start, end, value) =>
      packs(bytes, start, end) ? packed.add(value) : texts.add(bytes, start, end, value),
    find: (bytes, start, end) => (packs(bytes, start, end) ? packed.find() : texts.find(bytes, start, end)),
  };
}

const HEX_DIGITS = 40;
const WORDS = 5;

/** Value of an ASCII hex digit, -1 for anything else; upper case is something else. */
const NIBBLE = Int32Array.from({ length: 256 }, (_, code) => {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
});

/** Slots for `count` entries at a load of one half at most. */
function slotsFor(count: number): number {
  let slots = 16;
  while (slots < count * 2) slots *= 2;
  return slots;
}

function longer(array: Int32Array, length: number): Int32Array {
  const next = new Int32Array(length);
  next.set(array);
  return next;
}

interface PackedTable {
  size(): number;
  /** Reads the 40 digits from `start` into the key that `add` and `find` then work on; false = they are not all hex digits. */
  pack(bytes: Uint8Array, start: number): boolean;
  add(value: number): number;
  find(): number;
}

function createPackedTable(expected: number): PackedTable {
  // Slots hold the entry + 1; words and values are signed so that every one is a small integer to the engine.
  let slots = new Int32Array(slotsFor(expected));
  let words = new Int32Array(Math.max(16, expected) * WORDS);
  let values = new Int32Array(Math.max(16, expected));
  let count = 0;
  let next = 0;
  const key = new Int32Array(WORDS);

  const pack = (bytes: Uint8Array, start: number): boolean => {
    let seen = 0;
    for (let w = 0, at = start; w < WORDS; w++, at += 8) {
      const a = NIBBLE[bytes[at]!]!;
      const b = NIBBLE[bytes[at + 1]!]!;
      const c = NIBBLE[bytes[at + 2]!]!;
      const d = NIBBLE[bytes[at + 3]!]!;
      const e = NIBBLE[bytes[at + 4]!]!;
      const f = NIBBLE[bytes[at + 5]!]!;
      const g = NIBBLE[bytes[at + 6]!]!;
      const h = NIBBLE[bytes[at + 7]!]!;
      seen |= a | b | c | d | e | f | g | h;
      key[w] = (a << 28) | (b << 24) | (c << 20) | (d << 16) | (e << 12) | (f << 8) | (g << 4) | h;
    }
    return seen >= 0;
  };

  const holds = (entry: number): boolean => {
    const at = entry * WORDS;
    return (
      words[at] === key[0] &&
      words[at + 1] === key[1] &&
      words[at + 2] === key[2] &&
      words[at + 3] === key[3] &&
      words[at + 4] === key[4]
    );
  };

  /** The slot of the key, or the empty one where it belongs. */
  const probe = (): number => {
    const mask = slots.length - 1;
    for (let slot = mix(key[0]!, key[1]!, key[2]!, key[3]!, key[4]!) & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]! - 1;
      if (entry < 0 || holds(entry)) return slot;
    }
  };

  const growEntries = (): void => {
    const length = values.length * 2;
    words = longer(words, length * WORDS);
    values = longer(values, length);
  };

  const growSlots = (): void => {
    slots = new Int32Array(slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0, at = 0; entry < count; entry++, at += WORDS) {
      let slot = mix(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!, words[at + 4]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
  };

  return {
    size: () => count,
    pack,
    add: (value) => {
      if (count * 2 >= slots.length) growSlots();
      const slot = probe();
      const entry = slots[slot]! - 1;
      if (entry >= 0) return values[entry]!;
      if (count === values.length) growEntries();
      words.set(key, count * WORDS);
      values[count] = value;
      count++;
      slots[slot] = count;
      return -1;
    },
    find: () => {
      if (next < count && holds(next)) return values[next++]!;
      const entry = slots[probe()]! - 1;
      if (entry < 0) return -1;
      next = entry + 1;
      return values[entry]!;
    },
  };
}

/** SHA-1 words are their own hash, but ids of strangers may differ in their last digits only. */
function mix(a: number, b: number, c: number, d: number, e: number): number {
  const h =
    a ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca6b) ^ Math.imul(d, 0xc2b2ae35) ^ Math.imul(e, 0x27d4eb2f);
  return h ^ (h >>> 15);
}

interface TextTable {
  size(): number;
  add(bytes: Uint8Array, start: number, end: number, value: number): number;
  find(bytes: Uint8Array, start: number, end: number): number;
}

const PAGE = 1 << 20;
/** Hash, page, offset in the page, length, value. */
const FIELDS = 5;

function createTextTable(expected: number, fold: boolean): TextTable {
  let slots = new Int32Array(slotsFor(expected));
  let entries = new Int32Array(Math.max(16, expected) * FIELDS);
  let count = 0;
  let next = 0;
  const pages: Uint8Array[] = [];
  let used = 0;

  const equals = (entry: number, bytes: Uint8Array, start: number, end: number): boolean => {
    const at = entry * FIELDS;
    if (entries[at + 3] !== end - start) return false;
    const page = pages[entries[at + 1]!]!;
    let from = entries[at + 2]!;
    if (fold) {
      for (let i = start; i < end; i++) if (page[from++] !== upper(bytes[i]!)) return false;
    } else {
      for (let i = start; i < end; i++) if (page[from++] !== bytes[i]) return false;
    }
    return true;
  };

  const probe = (hash: number, bytes: Uint8Array, start: number, end: number): number => {
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]! - 1;
      if (entry < 0 || (entries[entry * FIELDS] === hash && equals(entry, bytes, start, end))) return slot;
    }
  };

  const growSlots = (): void => {
    slots = new Int32Array(slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < count; entry++) {
      let slot = entries[entry * FIELDS]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
  };

  const store = (hash: number, bytes: Uint8Array, start: number, end: number, value: number): void => {
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
    entries[at] = hash;
    entries[at + 1] = pages.length - 1;
    entries[at + 2] = used;
    entries[at + 3] = length;
    entries[at + 4] = value;
    used += length;
    count++;
  };

  return {
    size: () => count,
    add: (bytes, start, end, value) => {
      if (count * 2 >= slots.length) growSlots();
      const hash = hashBytes(bytes, start, end, fold);
      const slot = probe(hash, bytes, start, end);
      const entry = slots[slot]! - 1;
      if (entry >= 0) return entries[entry * FIELDS + 4]!;
      store(hash, bytes, start, end, value);
      slots[slot] = count;
      return -1;
    },
    find: (bytes, start, end) => {
      if (next < count && equals(next, bytes, start, end)) return entries[next++ * FIELDS + 4]!;
      const entry = slots[probe(hashBytes(bytes, start, end, fold), bytes, start, end)]! - 1;
      if (entry < 0) return -1;
      next = entry + 1;
      return entries[entry * FIELDS + 4]!;
    },
  };
}

function upper(byte: number): number {
  return byte >= 97 && byte <= 122 ? byte - 32 : byte;
}

function hashBytes(bytes: Uint8Array, start: number, end: number, fold: boolean): number {
  let h = end - start;
  for (let i = start; i < end; i++) h = Math.imul(h ^ (fold ? upper(bytes[i]!) : bytes[i]!), 0x01000193);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}
