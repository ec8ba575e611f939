import type { ParquetFile, RowGroup, WriteOptions } from "@usr/parquet";
import { chunkOf, readBatches } from "@usr/parquet";
import type { Batch, Column, Schema } from "@usr/schema";
import { concatColumns, gatherColumns, sliceColumn } from "@usr/schema/columns";
import { type RowMask, rowsOutside } from "./row-mask.ts";

/** Rows of a row group we write. */
export const ROW_GROUP_ROWS = 65_536;
/**
 * How tables are written. Rows are looked for by id; by sequence keys they are not, which are only sound over a whole base. New rows are held against
 * the filters of a base, thousands at a time: one that is let through costs the ids of a row group, so a base's filters are twice as large.
 */
export const tableOptions = ({ fields }: Schema): WriteOptions => {
  const hasIds = fields.some(({ name, type }) => name === "id" && type.kind === "string");
  const isBase = fields.some(({ name }) => name === "sequence");
  return hasIds ? { bloomFilters: ["id"], falsePositives: isBase ? 0.0001 : 0.01 } : {};
};

export interface Rows {
  readonly numRows: number;
  readonly columns: readonly Column[];
}

/** Joins pieces of rows into row groups of `size` rows; the last one may be smaller. Holds one group in memory. */
export async function* regroup(
  schema: Schema,
  pieces: AsyncIterable<Rows>,
  size: number = ROW_GROUP_ROWS,
): AsyncGenerator<RowGroup> {
  let held: Rows[] = [];
  let rows = 0;
  const take = (count: number): RowGroup => {
    const parts: Rows[] = [];
    const rest: Rows[] = [];
    let missing = count;
    for (const piece of held) {
      const n = Math.min(missing, piece.numRows);
      if (n > 0) parts.push(sliceRows(piece, 0, n));
      if (n < piece.numRows) rest.push(sliceRows(piece, n, piece.numRows));
      missing -= n;
    }
    held = rest;
    rows -= count;
    return {
      numRows: count,
      columns: schema.fields.map(({ type }, i) =>
        concatColumns(
          type,
          parts.map((p) => p.columns[i]!),
        ),
      ),
    };
  };
  for await (const piece of pieces) {
    if (piece.numRows === 0) continue;
    held.push(piece);
    rows += piece.numRows;
    while (rows >= size) yield take(size);
  }
  if (rows > 0) yield take(rows);
}

/** Rows `[start, end)` of a piece, sharing its memory. */
export const sliceRows = (piece: Rows, start: number, end: number): Rows =>
  start === 0 && end === piece.numRows
    ? piece
    : { numRows: end - start, columns: piece.columns.map((column) => sliceColumn(column, start, end)) };

/** Some columns of a range of rows, whole in memory. */
export const decodedColumns = async (
  file: ParquetFile,
  columns: readonly string[],
  start: number,
  end: number,
): Promise<Map<string, Column>> => {
  if (columns.length === 0 || end <= start) return new Map();
  const batches: Batch[] = [];
  for await (const batch of readBatches(file, { columns, start, end })) batches.push(batch);
  return new Map(
    columns.map((name, i) => {
      const type = file.schema.fields.find((field) => field.name === name)!.type;
      return [
        name,
        concatColumns(
          type,
          batches.map((batch) => batch.columns[i]!),
        ),
      ];
    }),
  );
};

/**
 * The row groups of a file without some rows: groups that lose none by reference, the others written anew, one in memory at a time. Groups
 * that lose all are left out. `schema` has columns of the file; those of `changed`, which brings the columns of each group of the file that
 * has rows, take their values from there.
 */
export async function* groupsWithout(
  file: ParquetFile,
  schema: Schema,
  dropped: RowMask,
  changed?: AsyncIterator<ReadonlyMap<string, Column>, undefined>,
): AsyncGenerator<RowGroup> {
  for (const [index, { numRows, startRow }] of file.rowGroups.entries()) {
    // Other writers leave groups without rows; there is nothing to copy nor to merge in them.
    if (numRows === 0) continue;
    const values = (await changed?.next())?.value ?? new Map<string, Column>();
    const keep = rowsOutside(dropped, startRow, numRows);
    if (keep === undefined) {
      yield { numRows, columns: schema.fields.map(({ name }) => values.get(name) ?? chunkOf(file, index, name)) };
      continue;
    }
    if (keep.length === 0) continue;
    const untouched = schema.fields.filter(({ name }) => !values.has(name)).map(({ name }) => name);
    const decoded = await decodedColumns(file, untouched, startRow, startRow + numRows);
    yield {
      numRows: keep.length,
      columns: schema.fields.map(({ name, type }) =>
        gatherColumns(type, [(values.get(name) ?? decoded.get(name))!], undefined, keep),
      ),
    };
  }
}

/**
 * The rows that `groupsWithout` gives where the changed columns are too wide for its row groups: each batch of these columns, which bring all
 * rows of the file, becomes a row group with the other columns decoded. Memory: a batch, and the other columns of one row group of the file.
 */
export async function* smallerGroups(
  file: ParquetFile,
  schema: Schema,
  dropped: RowMask,
  changed: AsyncIterable<Batch>,
): AsyncGenerator<RowGroup> {
  let row = 0;
  let group:
    | { readonly start: number; readonly end: number; readonly columns: ReadonlyMap<string, Column> }
    | undefined;
  for await (const {
    schema: { fields },
    columns,
    numRows,
  } of changed) {
    const values = new Map(fields.map(({ name }, i) => [name, columns[i]!]));
    if (group === undefined || row >= group.end) {
      const { startRow: start, numRows: length } = file.rowGroups.find((g) => row < g.startRow + g.numRows)!;
      const untouched = schema.fields.map(({ name }) => name).filter((name) => !values.has(name));
      group = { start, end: start + length, columns: await decodedColumns(file, untouched, start, start + length) };
    }
    const { start, columns: others } = group;
    const keep = rowsOutside(dropped, row, numRows);
    const from = row - start;
    row += numRows;
    if (keep?.length === 0) continue;
    yield {
      numRows: keep?.length ?? numRows,
      columns: schema.fields.map(({ name, type }) => {
        const column = values.get(name) ?? sliceColumn(others.get(name)!, from, from + numRows);
        return keep === undefined ? column : gatherColumns(type, [column], undefined, keep);
      }),
    };
  }
}
