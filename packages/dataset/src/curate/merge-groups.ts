import { castColumn, FormatError } from "@usr/formats";
import { chunkOf, type RowGroup } from "@usr/parquet";
import type { Column, DataType, Schema } from "@usr/schema";
import { concatColumns, gatherColumns, isValid, nullColumn } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { type MergedBatch, mergedView } from "../read/merged-view.ts";
import { type RowRange, rangesOf } from "../read/rows.ts";
import type { Snapshot } from "../types.ts";
import { decodedColumns, type Rows, regroup } from "../write/base/row-groups.ts";
import { type MergeColumns, requiredColumns } from "./merge-columns.ts";
import type { MergeRows } from "./merge-rows.ts";

/** Rows of the source nearer than this are read in one go. */
const GAP = 1024;

export interface MergePlan {
  readonly dest: Snapshot;
  readonly src: Snapshot;
  readonly rows: MergeRows;
  readonly columns: MergeColumns;
}

/**
 * The row groups of the merged base. The destination's columns are copied by reference but where rows are replaced; there a value of the
 * source takes the place of the destination's, and a missing one of none. The new rows follow in the order of the source. One row group
 * is in memory at a time. `onAdded` sees the columns of the source for each piece of new rows.
 */
export async function* mergedGroups(
  plan: MergePlan,
  schema: Schema,
  onAdded: (columns: ReadonlyMap<string, Column>, numRows: number) => void,
): AsyncGenerator<RowGroup> {
  const { file } = plan.dest.base;
  const added = new Set(plan.columns.added);
  const required = requiredColumns(file);
  for (const [index, { numRows, startRow }] of file.rowGroups.entries()) {
    if (numRows === 0) continue;
    const replaced = await replacement(plan, startRow, numRows);
    const anew = new Set([...required, ...(replaced === undefined ? [] : plan.columns.overlapping)]);
    const decoded = await decodedColumns(file, [...anew], startRow, startRow + numRows);
    const columnOf = (name: string, type: DataType): RowGroup["columns"][number] => {
      const own = decoded.get(name);
      const values = replaced?.columns.get(name);
      if (replaced !== undefined && values !== undefined)
        return merged(type, own ?? nullColumn(type, numRows), values, replaced.places);
      if (added.has(name)) return nullColumn(type, numRows);
      return own ?? chunkOf(file, index, name);
    };
    yield { numRows, columns: schema.fields.map(({ name, type }) => columnOf(name, type)) };
  }
  if (plan.rows.added.size > 0) yield* regroup(schema, addedRows(plan, schema, onAdded));
}

/** The new rows by columns of the source, in pieces, with none for columns that only the destination has. */
async function* addedRows(
  plan: MergePlan,
  schema: Schema,
  onAdded: (columns: ReadonlyMap<string, Column>, numRows: number) => void,
): AsyncGenerator<Rows> {
  const { added } = plan.rows;
  for await (const batch of sourceRows(plan, [{ start: 0, end: plan.src.base.file.numRows }])) {
    const chosen: number[] = [];
    for (let i = 0; i < batch.numRows; i++) if (added.has(batch.row + i)) chosen.push(i);
    if (chosen.length === 0) continue;
    const columns = taken(plan, batch, Int32Array.from(chosen));
    onAdded(columns, chosen.length);
    yield {
      numRows: chosen.length,
      columns: schema.fields.map(({ name, type }) => columns.get(name) ?? nullColumn(type, chosen.length)),
    };
  }
}

interface Replacement {
  /** For each row of the group its place in `columns`, or -1. */
  readonly places: Int32Array;
  readonly columns: ReadonlyMap<string, Column>;
}

/** The rows of the source that replace rows of a group; `undefined` = none. */
const replacement = async (plan: MergePlan, startRow: number, numRows: number): Promise<Replacement | undefined> => {
  const { replacing } = plan.rows;
  if (replacing === undefined) return undefined;
  const wanted: { readonly source: number; readonly at: number }[] = [];
  for (let i = 0; i < numRows; i++) {
    const source = replacing[startRow + i]! - 1;
    if (source >= 0) wanted.push({ source, at: i });
  }
  if (wanted.length === 0) return undefined;
  wanted.sort((a, b) => a.source - b.source);
  const places = new Int32Array(numRows).fill(-1);
  for (const [place, { at }] of wanted.entries()) places[at] = place;
  const ranges = rangesOf(
    wanted.map(({ source }) => source),
    GAP,
  );
  const pieces: ReadonlyMap<string, Column>[] = [];
  let next = 0;
  for await (const batch of sourceRows(plan, ranges)) {
    const rows: number[] = [];
    while (next < wanted.length && wanted[next]!.source < batch.row + batch.numRows)
      rows.push(wanted[next++]!.source - batch.row);
    if (rows.length > 0) pieces.push(taken(plan, batch, Int32Array.from(rows)));
  }
  const columns = plan.columns.source.map(({ column: { field }, type }): readonly [string, Column] => [
    field.name,
    concatColumns(
      type,
      pieces.map((piece) => piece.get(field.name)!),
    ),
  ]);
  return { places, columns: new Map(columns) };
};

const merged = (type: DataType, own: Column, values: Column, places: Int32Array): Column => {
  const sources = new Int32Array(own.length);
  const rows = new Int32Array(own.length);
  for (let i = 0; i < own.length; i++) {
    const place = places[i]!;
    const replaces = place >= 0 && isValid(values, place);
    sources[i] = replaces ? 1 : 0;
    rows[i] = replaces ? place : i;
  }
  return gatherColumns(type, [own, values], sources, rows);
};

const sourceRows = ({ src, columns }: MergePlan, ranges: readonly RowRange[]): AsyncGenerator<MergedBatch> =>
  mergedView(
    src,
    columns.source.map(({ column }) => column),
    ranges,
    false,
    {},
  );

/** Some rows of a batch of the source, in the types of the new base. */
const taken = (plan: MergePlan, batch: MergedBatch, rows: Int32Array): ReadonlyMap<string, Column> =>
  new Map(
    plan.columns.source.map(({ column: { field }, type }, c) => {
      const column = gatherColumns(field.type, [batch.columns[c]!], undefined, rows);
      return [field.name, cast(plan, column, type, field.name, (i) => batch.row + rows[i]! + 1)];
    }),
  );

/** `rowOf` says which row of the source, counted from 1, a row of the column is. */
const cast = (
  { src }: MergePlan,
  column: Column,
  type: DataType,
  name: string,
  rowOf: (i: number) => number,
): Column => {
  try {
    return castColumn(column, type, 0, { allowRounding: false });
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    const { row: i, ...details } = cause.details;
    const row = typeof i === "number" ? rowOf(i) : undefined;
    const where = row === undefined ? `column ${name}` : `row ${row}, column ${name}`;
    const value = details["value"] === undefined ? "" : `the value ${String(details["value"])} `;
    throw new DatasetError(
      "TYPE_MISMATCH",
      `${src.id} ${where}: ${value}${String(details["rule"] ?? "does not fit")}`,
      {
        hint: cause.hint ?? "Make the values fit, or leave the column out of the source.",
        details: { ...details, dataset: src.id, column: name, row },
        cause,
      },
    );
  }
};
