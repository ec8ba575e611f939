import { columnBounds, type ParquetFile } from "@usr/parquet";
import { rowGroupFilter } from "@usr/parquet/lookup";
import type { Signal } from "@usr/storage";
import { type Bounds, TRUE } from "../filter/logic.ts";
import type { Snapshot } from "../types.ts";
import { keyIndexes, type MergedBatch, mergerOf } from "./merged-view.ts";
import { type PlacedBatch, type RowRange, readRanges } from "./rows.ts";
import type { ViewColumn } from "./view.ts";
import type { BoundWhere } from "./where.ts";

/**
 * The chosen columns of the rows that a filter is true for, batch by batch, as `mergedView` gives them. Row groups that the statistics of the
 * base, or the bloom filters of its ids, rule out are not read at all; of the others the columns of the filter come first, and the rest only where it is true for a row.
 */
export async function* filteredView(
  snapshot: Snapshot,
  chosen: readonly ViewColumn[],
  { columns, predicate }: BoundWhere,
  hides: boolean,
  o: Signal,
): AsyncGenerator<MergedBatch, void, undefined> {
  const { file } = snapshot.base;
  const names = columns.map(({ field }) => field.name);
  const rest = chosen.filter(({ field }) => !names.includes(field.name));
  const ranges = await possibleRanges(file, { columns, predicate }, o);
  const indexes = keyIndexes(snapshot, ranges, o);
  await using tested = mergerOf(snapshot, columns, hides, indexes, o);
  await using others = mergerOf(snapshot, rest, false, indexes, o);
  await using follower = followerOf(file, others.stored, o);
  const readsOverlays = columns.some(({ overlays }) => overlays.length > 0);
  /** As in `mergedView`: the keys are let go of before parts in no order are sorted. */
  const openAll = async (): Promise<void> => {
    await tested.open();
    await others.open();
    indexes.forget();
  };
  for await (const placed of readRanges(file, ranges, tested.stored, o)) {
    // A filter of base columns may be true for no row at all: then the other overlays need not be opened.
    if (readsOverlays) await openAll();
    const early = await tested.merge(placed);
    const byName = new Map(names.map((name, i) => [name, early.columns[i]!]));
    const keep = trueRows(predicate.test(byName, early.numRows), early.keep);
    if (keep.length === 0) continue;
    await openAll();
    const late = await others.merge(await follower.batchAt(placed.row, early.numRows));
    yield {
      columns: chosen.map((column) => byName.get(column.field.name) ?? late.columns[rest.indexOf(column)]!),
      numRows: early.numRows,
      row: early.row,
      keep,
    };
  }
}

function trueRows(values: Uint8Array, visible: Int32Array | undefined): Int32Array {
  const rows = new Int32Array(visible?.length ?? values.length);
  let kept = 0;
  for (let k = 0; k < rows.length; k++) {
    const row = visible?.[k] ?? k;
    if (values[row] === TRUE) rows[kept++] = row;
  }
  return rows.subarray(0, kept);
}

/** The row groups that may hold a row for which the filter is true. A column that an overlay may change is bound by nothing. */
async function possibleRanges(
  file: ParquetFile,
  { columns, predicate }: BoundWhere,
  o: Signal,
): Promise<readonly RowRange[]> {
  const bounded = new Set(
    columns.filter(({ stored, overlays }) => stored && overlays.length === 0).map(({ field }) => field.name),
  );
  const ranges: RowRange[] = [];
  for (const [index, { startRow, numRows }] of file.rowGroups.entries()) {
    const ids = bounded.has("id") ? await rowGroupFilter(file, index, "id", o) : undefined;
    const boundsOf = (name: string): Bounds | undefined => {
      if (!bounded.has(name)) return undefined;
      const bounds = columnBounds(file, index, name);
      return name === "id" && ids !== undefined
        ? { ...bounds, mayHold: (text) => ids.mayHold(text, 0, text.length) }
        : bounds;
    };
    if (numRows === 0 || (predicate.possible(boundsOf, numRows) & (1 << TRUE)) === 0) continue;
    const last = ranges.at(-1);
    if (last?.end === startRow) ranges[ranges.length - 1] = { start: last.start, end: startRow + numRows };
    else ranges.push({ start: startRow, end: startRow + numRows });
  }
  return ranges;
}

/** Other columns of batches that were read: a row group is opened at the first batch asked for, and read on for the next ones. */
interface Follower extends AsyncDisposable {
  batchAt(row: number, numRows: number): Promise<PlacedBatch>;
}

function followerOf(file: ParquetFile, columns: readonly string[], o: Signal): Follower {
  let group: RowRange = { start: 0, end: 0 };
  let batches: AsyncGenerator<PlacedBatch, void, undefined> | undefined;
  const close = async (): Promise<void> => {
    await batches?.return();
    batches = undefined;
  };
  return {
    batchAt: async (row, numRows) => {
      if (columns.length === 0)
        return { batch: { schema: { fields: [], metadata: new Map() }, columns: [], numRows }, row };
      if (batches === undefined || row >= group.end) {
        await close();
        group = groupOf(file, row);
        batches = readRanges(file, [{ start: row, end: group.end }], columns, o);
      }
      // Both readers cut a row group into batches of the same rows.
      for (;;) {
        const next = await batches.next();
        if (next.done === true) throw new RangeError(`no batch begins at row ${row}`);
        if (next.value.row === row) return next.value;
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

function groupOf(file: ParquetFile, row: number): RowRange {
  const { startRow, numRows } = file.rowGroups.find((group) => row < group.startRow + group.numRows)!;
  return { start: startRow, end: startRow + numRows };
}
