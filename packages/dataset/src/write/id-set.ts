/**
 * A set of sequence ids (40 lowercase hex digits), each with the row it was seen in. Ids are packed to 20 bytes and found by open
 * addressing; SHA-1 bytes are their own hash. About 30 bytes an id; insertion and lookup are O(1).
 */
export interface IdSet {
  readonly size: number;
  /** The row the id was first added with, or -1 when it is new; then it is added. What is not 40 lowercase hex is never found nor added: no id computed here can equal it. */
  add(hex: Uint8Array, start: number, end: number, row: number): number;
  /** The row the id was added with, or -1. */
  find(hex: Uint8Array, start: number, end: number): number;
}

const WORDS = 5;
const HEX_DIGITS = 40;

/** Value of an ASCII hex digit, 255 for anything else; upper case is something else. */
const NIBBLE = Uint8Array.from({ length: 256 }, (_, code) => {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : 255;
});

export const createIdSet = (expected = 1024): IdSet => {
  let capacity = 16;
  while (capacity < expected * 2) capacity *= 2;
  let slots = new Int32Array(capacity).fill(-1);
  let words = new Uint32Array(capacity * WORDS);
  let rows = new Float64Array(capacity);
  let size = 0;
  const packed = new Uint32Array(WORDS);

  const pack = (hex: Uint8Array, start: number, end: number): boolean => {
    if (end - start !== HEX_DIGITS) return false;
    for (let w = 0, at = start; w < WORDS; w++) {
      let word = 0;
      for (let i = 0; i < 8; i++) {
        const nibble = NIBBLE[hex[at++]!]!;
        if (nibble === 255) return false;
        word = (word << 4) | nibble;
      }
      packed[w] = word;
    }
    return true;
  };

  /** The slot that holds the packed id, or the empty one where it belongs. */
  const probe = (): number => {
    const mask = slots.length - 1;
    for (let slot = packed[0]! & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]!;
      if (entry < 0) return slot;
      const at = entry * WORDS;
      if (
        words[at] === packed[0] &&
        words[at + 1] === packed[1] &&
        words[at + 2] === packed[2] &&
        words[at + 3] === packed[3] &&
        words[at + 4] === packed[4]
      ) {
        return slot;
      }
    }
  };

  const grow = (): void => {
    const next = new Int32Array(slots.length * 2).fill(-1);
    const mask = next.length - 1;
    for (let entry = 0; entry < size; entry++) {
      let slot = words[entry * WORDS]! & mask;
      while (next[slot]! >= 0) slot = (slot + 1) & mask;
      next[slot] = entry;
    }
    slots = next;
    const wider = new Uint32Array(next.length * WORDS);
    wider.set(words);
    words = wider;
    const longer = new Float64Array(next.length);
    longer.set(rows);
    rows = longer;
  };

  return {
    get size() {
      return size;
    },
    add: (hex, start, end, row) => {
      if (!pack(hex, start, end)) return -1;
      const slot = probe();
      const entry = slots[slot]!;
      if (entry >= 0) return rows[entry]!;
      words.set(packed, size * WORDS);
      rows[size] = row;
      slots[slot] = size++;
      if (size * 2 > slots.length) grow();
      return -1;
    },
    find: (hex, start, end) => {
      if (!pack(hex, start, end)) return -1;
      const entry = slots[probe()]!;
      return entry < 0 ? -1 : rows[entry]!;
    },
  };
};
