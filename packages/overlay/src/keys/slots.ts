/**
 * The slots of an open-addressed table: pairs of entry + 1 (0 = empty) and the hash of its key. The hash beside the entry spares the
 * far memory of the key for all but equal hashes. Probing is linear; at most two thirds are taken.
 */
export type Slots = Int32Array<ArrayBuffer>;

export function createSlots(expected: number): Slots {
  let count = 16;
  while (isFull(expected, count * 2)) count *= 2;
  return new Int32Array(count * 2);
}

/** Whether `entries` are too many for slots of that length. */
export function isFull(entries: number, length: number): boolean {
  return entries * 3 >= length;
}

/** Twice as many slots with the same entries. */
export function growSlots(slots: Slots): Slots {
  const next = new Int32Array(slots.length * 2);
  const mask = next.length - 2;
  for (let from = 0; from < slots.length; from += 2) {
    if (slots[from] === 0) continue;
    const hash = slots[from + 1]!;
    let to = (hash << 1) & mask;
    while (next[to] !== 0) to = (to + 2) & mask;
    next[to] = slots[from]!;
    next[to + 1] = hash;
  }
  return next;
}

export function longer(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(length);
  next.set(array);
  return next;
}
