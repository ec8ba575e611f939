import { buildKeyIndex, type KeyBatch, type KeyIndex } from "@usr/overlay";
import { normalizeKeys } from "@usr/overlay/write";
import { type ParquetFile, readBatches } from "@usr/parquet";
import { rowGroupsWith, type searchCandidates, writtenHere } from "@usr/parquet/lookup";
import type { Column, Utf8Column } from "@usr/schema";
import { columnOf, gatherColumns, isValid, sliceColumn } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { idMarks } from "./id-marks.ts";
import { type RowRange, readRanges, textAt, utf8Column } from "./rows.ts";

/**
 * As many ids are looked for on their own where the table of all ids is kept for whoever comes next; of more, nearly every row group holds one or is
 * let through by its filter.
 */
const FEW = 4096;
/** Where it is not kept, once: a row of the table costs about three times what it costs to read an id and pass it by those that are looked for. */
const FEW_OF_BASE = 1 / 4;
/** And as many times: without filters each time reads every id. */
const OFTEN = 2;

/**
 * The stored rows of each id, ascending; ids without a row are absent. Reads the ids of the row groups whose bloom filter does not rule all of
 * them out, those of a file without filters once, and decodes only what may be a hit.
 */
export async function findRows(
  file: ParquetFile,
  ids: Iterable<string>,
  o: Signal = {},
): Promise<ReadonlyMap<string, readonly number[]>> {
  const wanted = new Set(ids);
  const found = new Map<string, number[]>();
  if (wanted.size === 0) return found;
  for await (const { ids: column, row, at } of rowsWith(file, columnOf({ kind: "string" }, wanted), true, o)) {
    for (const i of at) {
      const id = textAt(column, i);
      if (!wanted.has(id)) continue;
      const rows = found.get(id);
      if (rows === undefined) found.set(id, [row + i]);
      else rows.push(row + i);
    }
  }
  return found;
}

export interface LookupOptions extends Signal {
  /** Answers where the whole base is worth reading. Default: reads its ids. */
  readonly whole?: IdLookup | undefined;
  /** Rules out more of the row groups that filters let through, for who expects most ids not to be stored. */
  readonly narrow?: typeof searchCandidates | undefined;
}

/** Answers which base rows have some ids: an index that knows these ids as one of the whole base does. Others may be unknown to it. */
export type IdLookup = (ids: Column) => Promise<KeyIndex>;

/**
 * Looks for ids of a base as they come, column by column. Few are looked for in the row groups that may hold them; once more were asked
 * for, or often, the ids of the whole base are read and kept. Memory: what is asked for; then about 45 bytes a row of the base.
 */
export function idLookup(file: ParquetFile, o: LookupOptions = {}): IdLookup {
  let asked = 0;
  let times = 0;
  let whole = o.whole;
  let settled = false;
  const fewAtOnce = o.whole === undefined ? Math.max(FEW, file.numRows * FEW_OF_BASE) : FEW;
  const wholeIndex = (): IdLookup => {
    const index = buildKeyIndex("id", readBatches(file, { columns: ["id"], signal: o.signal }), {
      signal: o.signal,
      rows: file.numRows,
      expected: file.numRows,
    });
    return () => index;
  };
  return async (ids) => {
    asked += ids.length;
    times++;
    settled ||= times > OFTEN || asked > (times === 1 ? fewAtOnce : FEW);
    if (!settled) return indexOf(file, ids, o);
    whole ??= wholeIndex();
    return whole(ids);
  };
}

async function indexOf(file: ParquetFile, ids: Column, o: LookupOptions): Promise<KeyIndex> {
  const held: KeyBatch[] = [];
  // A filter knows ids as they were stored; those that others stored may have white space around them, which is no part of a key.
  for await (const { ids: column, row, at } of rowsWith(file, normalizeKeys("id", ids), writtenHere(file), o)) {
    const found = gatherColumns(column.type, [column], undefined, at);
    for (const [i, place] of at.entries()) held.push(idBatch(sliceColumn(found, i, i + 1), row + place));
  }
  const index = await buildKeyIndex("id", held, { signal: o.signal, rows: file.numRows });
  return { ...index, keys: undefined, complete: true };
}

/** A lookup under one index, as `matchKeys` wants it: the index knows the ids that were asked for last. */
export interface IdIndex {
  readonly index: KeyIndex;
  ask(ids: Column): Promise<void>;
}

export function idIndex(file: ParquetFile, lookup: IdLookup = idLookup(file)): IdIndex {
  let answer: KeyIndex | undefined;
  const known = (): KeyIndex => {
    if (answer === undefined) throw new RangeError("Ids are asked for before they are looked up.");
    return answer;
  };
  return {
    ask: async (ids) => {
      answer = await lookup(ids);
    },
    index: {
      key: "id",
      numRows: file.numRows,
      complete: true,
      lookup: (bytes, start, end) => known().lookup(bytes, start, end),
      lookupEach: (column) => known().lookupEach(column),
      next: (row) => known().next(row),
      get size() {
        return known().size;
      },
      get repeats() {
        return known().repeats;
      },
    },
  };
}

const idBatch = (ids: Column, startRow?: number): KeyBatch => ({
  schema: { fields: [{ name: "id", type: ids.type, nullable: true }], metadata: new Map() },
  columns: [ids],
  numRows: ids.length,
  startRow,
});

/** Rows `at` of `ids`, ascending and at least one, have an id that is among those asked for; the first row of `ids` is row `row` of the file. */
interface FoundIds {
  readonly ids: Utf8Column;
  readonly row: number;
  readonly at: Int32Array;
}

/**
 * The stored rows whose id, as keys are compared, is among those asked for, found in one pass over the row groups that may hold one. Without the
 * filters every id is read.
 */
async function* rowsWith(
  file: ParquetFile,
  asked: Column,
  byFilters: boolean,
  o: LookupOptions,
): AsyncGenerator<FoundIds, void, undefined> {
  if (asked.layout !== "utf8") return;
  const all = { ranges: [{ start: 0, end: file.numRows }], ids: asked };
  const { ranges, ids: wanted } = byFilters ? await possible(file, asked, o) : all;
  if (ranges.length === 0) return;
  const table = await buildKeyIndex("id", [idBatch(wanted)], o);
  const marks = idMarks(wanted);
  for await (const { batch, row } of readRanges(file, ranges, ["id"], o)) {
    const ids = utf8Column(batch, 0);
    const at = new Int32Array(ids.length);
    const marked = marks.select(ids, at);
    let count = 0;
    for (const i of at.subarray(0, marked))
      if (isValid(ids, i) && table.lookup(ids.data, ids.offsets[i]!, ids.offsets[i + 1]!) >= 0) at[count++] = i;
    if (count > 0) yield { ids, row, at: at.subarray(0, count) };
  }
}

/** The rows of the row groups whose filter lets one of some ids through, and the ids that a filter let through; all of them where one has no filter. */
async function possible(
  file: ParquetFile,
  asked: Utf8Column,
  o: LookupOptions,
): Promise<{ readonly ranges: readonly RowRange[]; readonly ids: Column }> {
  const found = await rowGroupsWith(file, "id", asked, o);
  const candidates = o.narrow === undefined ? found : await o.narrow(file, "id", asked, found, o);
  if (candidates.length === 0) return { ranges: [], ids: sliceColumn(asked, 0, 0) };
  const isPossible = new Uint8Array(asked.length);
  for (const { values } of candidates) {
    if (values === undefined) isPossible.fill(1);
    else for (const i of values) isPossible[i] = 1;
  }
  const rows = Int32Array.from(isPossible.keys()).filter((i) => isPossible[i] === 1);
  const ranges: RowRange[] = [];
  for (const { rowGroup } of candidates) {
    const { startRow: start, numRows } = file.rowGroups[rowGroup]!;
    const before = ranges.at(-1);
    // Neighbours are read ahead of each other.
    if (before?.end === start) ranges[ranges.length - 1] = { start: before.start, end: start + numRows };
    else ranges.push({ start, end: start + numRows });
  }
  return { ranges, ids: gatherColumns(asked.type, [asked], undefined, rows) };
}
