import { addEntry, type PackedEntries } from "./packed-entries.ts";
import { HEX_DIGITS, hashKey, packKey, WORDS } from "./packed-key.ts";

/** Keys added together, at most: their slots stay in the nearest cache meanwhile. */
const BLOCK = 256;

/** What a block of keys is worked out in; kept from one to the next. */
export interface AddSpace {
  readonly words: Int32Array;
  readonly hashes: Int32Array;
  /** All slots that were read ahead, folded: a read that nothing uses would be left out. */
  read: number;
}

export function createAddSpace(): AddSpace {
  return { words: new Int32Array(BLOCK * WORDS), hashes: new Int32Array(BLOCK), read: 0 };
}

/**
 * Adds the keys `bytes[offsets[i], offsets[i + 1])` from the `from`-th on, with the value `first + i` each, up to `end`, to one that is not 40 hex
 * digits, or as many as a block has. The value of an equal key, or -1, goes into `out[i]`. The slots of the block are read first: those reads
 * wait for the far memory side by side, where adding one key after the other waits for each.
 *
 * @returns how many keys were added
 */
export function addBlock(
  table: PackedEntries,
  bytes: Uint8Array,
  offsets: Int32Array,
  from: number,
  end: number,
  first: number,
  out: Int32Array,
  space: AddSpace,
): number {
  const { words, hashes } = space;
  const most = Math.min(BLOCK, end - from);
  let keys = 0;
  for (; keys < most; keys++) {
    const start = offsets[from + keys]!;
    if (offsets[from + keys + 1]! - start !== HEX_DIGITS || !packKey(words, keys * WORDS, bytes, start)) break;
    hashes[keys] = hashKey(words, keys * WORDS);
  }
  const { slots } = table;
  const mask = slots.length - 1;
  let read = space.read;
  for (let k = 0; k < keys; k++) read ^= slots[hashes[k]! & mask]!;
  space.read = read;
  for (let k = 0; k < keys; k++) out[from + k] = addEntry(table, words, k * WORDS, hashes[k]!, first + from + k);
  return keys;
}
