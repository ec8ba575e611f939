import { entryValue, findEntry, holdsKey, type PackedEntries } from "./packed-entries.ts";
import { HEX_DIGITS, hashKey, packKey, WORDS } from "./packed-key.ts";

/** Keys looked up together, at most. */
const BLOCK = 65_536;
/** They are taken in about so many groups by place: what one group reads of the table stays in the near caches meanwhile. */
const GROUP_BITS = 10;

/** What `lookUpBlock` says where a key cannot be packed. */
export const NOT_LOOKED_UP = -3;

/** What a block of lookups is worked out in; kept from one to the next. */
export interface LookupSpace {
  readonly words: Int32Array;
  readonly hashes: Int32Array;
  /** A slot, later an entry; -1 = none. */
  readonly places: Int32Array;
  readonly order: Int32Array;
  readonly starts: Int32Array;
}

export function createLookupSpace(): LookupSpace {
  return {
    words: new Int32Array(BLOCK * WORDS),
    hashes: new Int32Array(BLOCK),
    places: new Int32Array(BLOCK),
    order: new Int32Array(BLOCK),
    starts: new Int32Array((2 << GROUP_BITS) + 1),
  };
}

/**
 * Looks up the keys `bytes[offsets[i], offsets[i + 1])` from the `from`-th on, as many as a block has or `out` has room for, into `out[i]`: the
 * value, -1 = no such key, `NOT_LOOKED_UP` = not 40 hex digits. Slots are read in the order of the slots and entries in the order of the entries,
 * since a table is far larger than the caches: for keys in no order that costs half of what one after the other does.
 *
 * @returns how many keys were looked up, and how many of them lie within `ahead` entries after the one before
 */
export function lookUpBlock(
  table: PackedEntries,
  bytes: Uint8Array,
  offsets: Int32Array,
  from: number,
  out: Int32Array,
  space: LookupSpace,
  ahead: number,
): { readonly keys: number; readonly steps: number } {
  const { words, hashes, places, order } = space;
  const keys = Math.min(BLOCK, out.length - from);
  const { slots, pages, count } = table;
  const mask = slots.length - 1;
  for (let k = 0; k < keys; k++) {
    const start = offsets[from + k]!;
    const packs = offsets[from + k + 1]! - start === HEX_DIGITS && packKey(words, k * WORDS, bytes, start);
    const hash = hashKey(words, k * WORDS);
    out[from + k] = packs ? -1 : NOT_LOOKED_UP;
    hashes[k] = hash;
    places[k] = packs ? hash & mask : -1;
  }
  const packed = groupByPlace(space, keys, slots.length);
  for (let j = 0; j < packed; j++) {
    const k = order[j]!;
    const hash = hashes[k]!;
    let slot = places[k]!;
    let held = slots[slot]!;
    while (held !== 0 && ((held ^ hash) & ~mask) !== 0) {
      slot = (slot + 1) & mask;
      held = slots[slot]!;
    }
    places[k] = (held & mask) - 1;
  }
  const candidates = groupByPlace(space, keys, count);
  for (let j = 0; j < candidates; j++) {
    const k = order[j]!;
    let entry = places[k]!;
    // Another key whose hash begins alike stands before it, or there is none.
    if (!holdsKey(pages, entry, words, k * WORDS)) {
      entry = findEntry(table, words, k * WORDS, hashes[k]!);
      places[k] = entry;
      if (entry < 0) continue;
    }
    out[from + k] = entryValue(table, entry);
  }
  let steps = 0;
  for (let k = 1; k < keys; k++) if ((places[k]! - places[k - 1]! - 1) >>> 0 < ahead) steps++;
  return { keys, steps };
}

/** Puts the keys that have a place into `order`, roughly by place, and says how many they are. Linear. */
function groupByPlace({ places, order, starts }: LookupSpace, keys: number, end: number): number {
  const shift = Math.max(0, 32 - Math.clz32(end) - GROUP_BITS);
  starts.fill(0);
  for (let k = 0; k < keys; k++) if (places[k]! >= 0) starts[(places[k]! >>> shift) + 1]!++;
  for (let group = 1; group < starts.length; group++) starts[group]! += starts[group - 1]!;
  const count = starts.at(-1)!;
  for (let k = 0; k < keys; k++) if (places[k]! >= 0) order[starts[places[k]! >>> shift]!++] = k;
  return count;
}
