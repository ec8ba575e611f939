import type { KeyIndex } from "@usr/overlay";
import { createKeyTable, type KeyTable } from "@usr/overlay/write";
import type { Utf8Column } from "@usr/schema";
import type { RepeatedIds } from "./packed-ids.ts";

/** Takes the ids of the rows of one import as they come, and holds them against those that are stored and against one another. */
export interface IdTaker {
  /**
   * Takes the ids of further rows, 40 hex digits each and in `words` five words each, and says which are stored in the base, tombstoned ones
   * too, by a number of 0 or more; `undefined` = none is.
   */
  take(ids: Utf8Column, words: Int32Array): Promise<Int32Array | undefined>;
  /** Which of the ids that were taken equal an earlier one of them. */
  repeated(): RepeatedIds;
}

/** The ids that many imports in a row have taken and their base did not hold before the first of them. */
export interface OwnIds {
  /** Each with its number among all that were taken. */
  readonly ids: KeyTable;
  taken: number;
}

export const noOwnIds = (): OwnIds => ({ ids: createKeyTable({ expected: 0, fold: false }), taken: 0 });

/**
 * The ids of the next import, in one pass: each is added to those of the imports before it, and one that was there already is stored, by its
 * number, or comes twice. So what fails afterwards must be the last import. `base` has the ids from before the first one.
 */
export const takeIds = (base: KeyIndex, own: OwnIds, samples: number): IdTaker => {
  const taking: Taking = {
    base,
    own,
    start: own.taken,
    again: createKeyTable({ expected: 0, fold: false }),
    twice: { count: 0, samples: [] },
  };
  return {
    take: async (ids, words) => take(taking, ids, words, samples),
    repeated: () => taking.twice,
  };
};

interface Taking {
  readonly base: KeyIndex;
  readonly own: OwnIds;
  /** How many were taken before this import. */
  readonly start: number;
  /** Of this import those that are stored, as they may come twice as well. */
  readonly again: KeyTable;
  readonly twice: { count: number; readonly samples: RepeatedIds["samples"][number][] };
}

// At the top level, for a session has many imports: functions made anew with each would have to be compiled anew with each.

const take = (taking: Taking, ids: Utf8Column, words: Int32Array, samples: number): Int32Array | undefined => {
  const { base, own, start, again, twice } = taking;
  const { data, offsets, length } = ids;
  const first = own.taken;
  own.taken += length;
  const stored = base.numRows === 0 ? new Int32Array(length).fill(-1) : base.lookupEach(ids);
  const met = addNew(own.ids, ids, stored, first);
  let some = false;
  for (let i = 0; i < length; i++) {
    let earlier = met[i]!;
    if (stored[i]! < 0 && earlier >= 0 && earlier < start) stored[i] = earlier;
    if (stored[i]! >= 0) {
      some = true;
      earlier = again.add(data, offsets[i]!, offsets[i + 1]!, first + i);
    }
    if (earlier < 0) continue;
    if (++twice.count <= samples)
      twice.samples.push({ words: words.slice(i * 5, i * 5 + 5), places: [earlier - start, first + i - start] });
  }
  return some ? stored : undefined;
};

/** Adds the ids that are not stored, numbered from `first` on in the order of all; the number of an equal one, or -1, of each. */
const addNew = (
  own: KeyTable,
  { data, offsets, length }: Utf8Column,
  stored: Int32Array,
  first: number,
): Int32Array => {
  const met = new Int32Array(length).fill(-1);
  for (let i = 0; i < length; ) {
    let end = i;
    while (end < length && stored[end]! < 0) end++;
    // Ids of new rows are made here: 40 hex digits, none of which is left to be added alone.
    own.addEach(data, offsets, i, end, first, met);
    for (i = end; i < length && stored[i]! >= 0; ) i++;
  }
  return met;
};
