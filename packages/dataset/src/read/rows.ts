import { type ParquetFile, readBatches } from "@usr/parquet";
import type { Batch, Utf8Column } from "@usr/schema";
import type { Signal } from "@usr/storage";
import { DatasetError } from "../error.ts";

/** Stored rows `[start, end)`. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** A batch of stored rows; `row` is the number of its first row in the file. */
export interface PlacedBatch {
  readonly batch: Batch;
  readonly row: number;
}

/** Rows of a batch that only counts: what is merged along with it has to fit in memory however large a row group is. */
const COUNTED_ROWS = 65_536;

/** The rows of ascending `ranges`, batch by batch. `columns` may be empty: then the batches only count rows. */
export async function* readRanges(
  file: ParquetFile,
  ranges: readonly RowRange[],
  columns: readonly string[],
  o: Signal & { readonly batchRows?: number | undefined } = {},
): AsyncGenerator<PlacedBatch, void, undefined> {
  for (const { start, end } of ranges) {
    let row = start;
    if (columns.length === 0) {
      for (const group of file.rowGroups) {
        const stop = Math.min(group.startRow + group.numRows, end);
        while (row >= group.startRow && row < stop) {
          const numRows = Math.min(stop - row, o.batchRows ?? COUNTED_ROWS);
          yield { batch: { schema: { fields: [], metadata: new Map() }, columns: [], numRows }, row };
          row += numRows;
        }
      }
      continue;
    }
    if (end <= start) continue;
    for await (const batch of readBatches(file, { ...o, columns, start, end })) {
      if (batch.numRows === 0) continue;
      yield { batch, row };
      row += batch.numRows;
    }
  }
}

/** A text column of a batch. Throws `CORRUPT` for any other. */
export function utf8Column(batch: Batch, index: number): Utf8Column {
  const column = batch.columns[index];
  if (column?.layout === "utf8") return column;
  throw new DatasetError("CORRUPT", `Column '${batch.schema.fields[index]?.name}' does not hold text.`);
}

/** The text of a row; NULL rows are the caller's to keep out. */
export function textAt(column: Utf8Column, row: number): string {
  return decoder.decode(column.data.subarray(column.offsets[row]!, column.offsets[row + 1]!));
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Ascending rows as ranges; rows nearer than `gap` share one, since a page is decoded as a whole anyway. */
export function rangesOf(rows: readonly number[], gap: number): readonly RowRange[] {
  const ranges: RowRange[] = [];
  for (const row of rows) {
    const last = ranges.at(-1);
    if (last !== undefined && row - last.end < gap) ranges[ranges.length - 1] = { start: last.start, end: row + 1 };
    else ranges.push({ start: row, end: row + 1 });
  }
  return ranges;
}
