import { buildKeyIndex, type KeyBatch, type KeyIndex } from "@usr/overlay";
import { normalizeKeys } from "@usr/overlay/write";
import { type ParquetFile, readBatches } from "@usr/parquet";
import { rowGroupsWith, writtenHere } from "@usr/parquet/lookup";
import type { Column, Utf8Column } from "@usr/schema";
import { columnOf, isValid, sliceColumn } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { readRanges, textAt, utf8Column } from "./rows.ts";

/**
 * As many ids are looked for on their own; of more, nearly every row group holds one or is let through by its filter, and one table of all ids
 * serves every question after.
 */
const FEW = 4096;
/** And as many times: without filters each time reads every id, and twice cost as much as the table does. */
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
  const asked = columnOf({ kind: "string" }, wanted);
  const groups = await rowGroupsWith(file, "id", keysOf(asked), o);
  for await (const { ids: column, at, row } of rowsWith(file, groups, asked, o)) {
    const id = textAt(column, at);
    if (!wanted.has(id)) continue;
    const rows = found.get(id);
    if (rows === undefined) found.set(id, [row]);
    else rows.push(row);
  }
  return found;
}

export interface LookupOptions extends Signal {
  /** Makes the index of the whole base. Default: reads its ids. */
  readonly whole?: (() => Promise<KeyIndex>) | undefined;
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
  let whole: Promise<KeyIndex> | undefined;
  const wholeIndex =
    o.whole ??
    (() =>
      buildKeyIndex("id", readBatches(file, { columns: ["id"], signal: o.signal }), {
        signal: o.signal,
        rows: file.numRows,
        expected: file.numRows,
      }));
  return async (ids) => {
    asked += ids.length;
    times++;
    if (asked > FEW || times > OFTEN) whole ??= wholeIndex();
    return (await whole) ?? (await indexOf(file, ids, o));
  };
}

async function indexOf(file: ParquetFile, ids: Column, o: Signal): Promise<KeyIndex> {
  const asked = normalizeKeys("id", ids);
  // A filter knows ids as they were stored; those that others stored may have white space around them, which is no part of a key.
  const groups = writtenHere(file)
    ? await rowGroupsWith(file, "id", keysOf(asked), o)
    : file.rowGroups.map((_, group) => group);
  const held: KeyBatch[] = [];
  for await (const { ids: column, at, row } of rowsWith(file, groups, asked, o))
    held.push(idBatch(sliceColumn(column, at, at + 1), row));
  const index = await buildKeyIndex("id", held, { signal: o.signal, rows: file.numRows });
  return { ...index, keys: undefined, complete: true };
}

/** A lookup under one index, as `matchKeys` wants it: the index knows the ids that were asked for last. */
export interface IdIndex {
  readonly index: KeyIndex;
  ask(ids: Column): Promise<void>;
}

export function idIndex(file: ParquetFile, o: LookupOptions = {}): IdIndex {
  const lookup = idLookup(file, o);
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

function keysOf(column: Column): readonly Uint8Array[] {
  const keys: Uint8Array[] = [];
  if (column.layout !== "utf8") return keys;
  for (let i = 0; i < column.length; i++)
    if (isValid(column, i)) keys.push(column.data.subarray(column.offsets[i]!, column.offsets[i + 1]!));
  return keys;
}

/** The stored rows of some row groups whose id, as keys are compared, is among those asked for: row `at` of `ids` is row `row` of the file. */
async function* rowsWith(
  file: ParquetFile,
  groups: readonly number[],
  asked: Column,
  o: Signal,
): AsyncGenerator<{ readonly ids: Utf8Column; readonly at: number; readonly row: number }, void, undefined> {
  const wanted = await buildKeyIndex("id", [idBatch(asked)], o);
  const ranges = groups.map((group) => {
    const { startRow, numRows } = file.rowGroups[group]!;
    return { start: startRow, end: startRow + numRows };
  });
  for await (const { batch, row } of readRanges(file, ranges, ["id"], o)) {
    const ids = utf8Column(batch, 0);
    for (let at = 0; at < ids.length; at++) {
      if (isValid(ids, at) && wanted.lookup(ids.data, ids.offsets[at]!, ids.offsets[at + 1]!) >= 0)
        yield { ids, at, row: row + at };
    }
  }
}
