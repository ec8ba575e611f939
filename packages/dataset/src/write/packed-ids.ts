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

/**
 * Collects ids, 20 bytes each, and finds those that come twice when all are there: ids are evenly spread, so that groups by their first
 * bits are of one size, and a small table finds what is equal within each. A table of all would miss the cache at each id.
 */
export const packedIds = (): PackedIds => {
  const blocks: Int32Array[] = [];
  let size = 0;
  const wordOf = (id: number, word: number): number => blocks[id >>> 16]![(id & (BLOCK - 1)) * WORDS + word]!;
  const equal = (a: number, b: number): boolean => {
    for (let w = 0; w < WORDS; w++) if (wordOf(a, w) !== wordOf(b, w)) return false;
    return true;
  };
  return {
    add: (words, count) => {
      for (let from = 0; from < count; ) {
        const at = size % BLOCK;
        // Few are all that come, as a rule, where few come first.
        if (size === 0) blocks.push(new Int32Array(Math.min(BLOCK, count) * WORDS));
        else if (at === 0) blocks.push(new Int32Array(BLOCK * WORDS));
        else if (at * WORDS === blocks.at(-1)!.length) blocks.push(wholeBlock(blocks.pop()!));
        const block = blocks.at(-1)!;
        const n = Math.min(count - from, block.length / WORDS - at);
        block.set(words.subarray(from * WORDS, (from + n) * WORDS), at * WORDS);
        size += n;
        from += n;
      }
    },
    repeated: (wanted) => {
      const bits = Math.max(2, 32 - Math.clz32(Math.floor(size / GROUP)));
      const groupOf = (id: number): number => wordOf(id, 0) >>> (32 - bits);
      let count = 0;
      let found: { readonly first: number; readonly again: number }[] = [];
      let slots = new Int32Array(0);
      const lookIn = (group: Int32Array): void => {
        // at most half full
        const room = 2 ** (33 - Math.clz32(Math.max(1, group.length)));
        if (slots.length < room) slots = new Int32Array(room);
        else slots.fill(0);
        const mask = slots.length - 1;
        for (const id of group) {
          let slot = wordOf(id, 1) & mask;
          while (slots[slot] !== 0 && !equal(slots[slot]! - 1, id)) slot = (slot + 1) & mask;
          if (slots[slot] === 0) {
            slots[slot] = id + 1;
            continue;
          }
          count++;
          found.push({ first: slots[slot]! - 1, again: id });
          // groups are in no order of places: of many the first are kept
          if (found.length > 1024) found = firstOf(found, wanted);
        }
      };
      const passes = size > ONE_PASS ? 4 : 1;
      const groups = 2 ** bits / passes;
      for (let pass = 0; pass < passes; pass++) {
        const { order, ends } = grouped(size, groups, (id) => groupOf(id) - pass * groups);
        let start = 0;
        for (const end of ends) {
          lookIn(order.subarray(start, end));
          start = end;
        }
      }
      return {
        count,
        samples: firstOf(found, wanted).map(({ first, again }) => ({
          words: Int32Array.from({ length: WORDS }, (_, w) => wordOf(first, w)),
          places: [first, again],
        })),
      };
    },
  };
};

const wholeBlock = (words: Int32Array): Int32Array => {
  const block = new Int32Array(BLOCK * WORDS);
  block.set(words);
  return block;
};

const firstOf = <T extends { readonly again: number }>(found: readonly T[], count: number): T[] =>
  found.toSorted((a, b) => a.again - b.again).slice(0, count);

/** The numbers below `count` that belong to one of so many groups, by group and ascending within each, and the end of each group. */
const grouped = (
  count: number,
  groups: number,
  groupOf: (id: number) => number,
): { readonly order: Int32Array; readonly ends: Int32Array } => {
  const ends = new Int32Array(groups + 1);
  for (let id = 0; id < count; id++) {
    const group = groupOf(id);
    if (group >= 0 && group < groups) ends[group + 1]!++;
  }
  for (let group = 1; group <= groups; group++) ends[group]! += ends[group - 1]!;
  const order = new Int32Array(ends[groups]!);
  for (let id = 0; id < count; id++) {
    const group = groupOf(id);
    if (group >= 0 && group < groups) order[ends[group]!++] = id;
  }
  return { order, ends: ends.subarray(0, -1) };
};
