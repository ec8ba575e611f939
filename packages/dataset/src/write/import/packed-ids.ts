/** Ids that an earlier one equals: how many there are, and the first of them, each with the place of the first equal one and its own. */
export interface RepeatedIds {
  readonly count: number;
  readonly samples: readonly { readonly words: Int32Array; readonly places: readonly [number, number] }[];
}

/** Ids in the order they come, as the five words of each. */
export interface PackedIds {
  add(words: Int32Array, count: number): void;
  repeated(samples: number): RepeatedIds;
}

const WORDS = 5;
const BLOCK = 1 << 16;
/** Ids of a group: so many that the table for them stays in the nearest cache. */
const GROUP = 2048;
/** More ids than this are grouped a quarter at a time: their order takes memory as well. */
const ONE_PASS = 1 << 20;

/** Ids in blocks of `BLOCK`, five words each. */
interface Packed {
  readonly blocks: Int32Array[];
  size: number;
}

/**
 * Collects ids, 20 bytes each, and finds those that come twice when all are there: ids are evenly spread, so that groups by their first
 * bits are of one size, and a small table finds what is equal within each. A table of all would miss the cache at each id.
 */
export const packedIds = (): PackedIds => {
  const ids: Packed = { blocks: [], size: 0 };
  return {
    add: (words, count) => add(ids, words, count),
    repeated: (samples) => repeated(ids, samples),
  };
};

// At the top level, for a session has many imports: functions made anew with each would have to be compiled anew with each.

const wordOf = ({ blocks }: Packed, id: number, word: number): number =>
  blocks[id >>> 16]![(id & (BLOCK - 1)) * WORDS + word]!;

const equal = (ids: Packed, a: number, b: number): boolean => {
  for (let w = 0; w < WORDS; w++) if (wordOf(ids, a, w) !== wordOf(ids, b, w)) return false;
  return true;
};

const add = (ids: Packed, words: Int32Array, count: number): void => {
  const { blocks } = ids;
  for (let from = 0; from < count; ) {
    const at = ids.size % BLOCK;
    // Few are all that come, as a rule, where few come first.
    if (ids.size === 0) blocks.push(new Int32Array(Math.min(BLOCK, count) * WORDS));
    else if (at === 0) blocks.push(new Int32Array(BLOCK * WORDS));
    else if (at * WORDS === blocks.at(-1)!.length) blocks.push(wholeBlock(blocks.pop()!));
    const block = blocks.at(-1)!;
    const n = Math.min(count - from, block.length / WORDS - at);
    block.set(words.subarray(from * WORDS, (from + n) * WORDS), at * WORDS);
    ids.size += n;
    from += n;
  }
};

/** What is found: an id and the first one that it equals. */
interface Pair {
  readonly first: number;
  readonly again: number;
}

const repeated = (ids: Packed, wanted: number): RepeatedIds => {
  const bits = Math.max(2, 32 - Math.clz32(Math.floor(ids.size / GROUP)));
  let count = 0;
  let found: Pair[] = [];
  const note = (pair: Pair): void => {
    count++;
    found.push(pair);
    // groups are in no order of places: of many the first are kept
    if (found.length > 1024) found = firstOf(found, wanted);
  };
  let slots = new Int32Array(0);
  const passes = ids.size > ONE_PASS ? 4 : 1;
  const groups = 2 ** bits / passes;
  for (let pass = 0; pass < passes; pass++) {
    const { order, ends } = grouped(ids, groups, bits, pass * groups);
    let start = 0;
    for (const end of ends) {
      // at most half full
      const room = 2 ** (33 - Math.clz32(Math.max(1, end - start)));
      if (slots.length < room) slots = new Int32Array(room);
      else slots.fill(0);
      lookIn(ids, order, start, end, slots, note);
      start = end;
    }
  }
  return {
    count,
    samples: firstOf(found, wanted).map(({ first, again }) => ({
      words: Int32Array.from({ length: WORDS }, (_, w) => wordOf(ids, first, w)),
      places: [first, again],
    })),
  };
};

/** Notes the ids among `order[start, end)` that equal one before them; `slots` are empty. */
const lookIn = (
  ids: Packed,
  order: Int32Array,
  start: number,
  end: number,
  slots: Int32Array,
  note: (pair: Pair) => void,
): void => {
  const mask = slots.length - 1;
  for (let i = start; i < end; i++) {
    const id = order[i]!;
    let slot = wordOf(ids, id, 1) & mask;
    while (slots[slot] !== 0 && !equal(ids, slots[slot]! - 1, id)) slot = (slot + 1) & mask;
    if (slots[slot] === 0) slots[slot] = id + 1;
    else note({ first: slots[slot]! - 1, again: id });
  }
};

const wholeBlock = (words: Int32Array): Int32Array => {
  const block = new Int32Array(BLOCK * WORDS);
  block.set(words);
  return block;
};

const firstOf = <T extends { readonly again: number }>(found: readonly T[], count: number): T[] =>
  found.toSorted((a, b) => a.again - b.again).slice(0, count);

/**
 * The ids by group, ascending within each, and the end of each group. The group of an id is the number of its first `bits` bits, counted from
 * `first` on; ids of none of the `groups` are left out.
 */
const grouped = (
  ids: Packed,
  groups: number,
  bits: number,
  first: number,
): { readonly order: Int32Array; readonly ends: Int32Array } => {
  const ends = new Int32Array(groups + 1);
  for (let id = 0; id < ids.size; id++) {
    const group = (wordOf(ids, id, 0) >>> (32 - bits)) - first;
    if (group >= 0 && group < groups) ends[group + 1]!++;
  }
  for (let group = 1; group <= groups; group++) ends[group]! += ends[group - 1]!;
  const order = new Int32Array(ends[groups]!);
  for (let id = 0; id < ids.size; id++) {
    const group = (wordOf(ids, id, 0) >>> (32 - bits)) - first;
    if (group >= 0 && group < groups) order[ends[group]!++] = id;
  }
  return { order, ends: ends.subarray(0, -1) };
};
