import { type ParquetFile, readBatches } from "@usr/parquet";
import { rowGroupsWith } from "@usr/parquet/lookup";
import type { Batch, Utf8Column } from "@usr/schema";
import { isValid } from "@usr/schema/columns";
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
  o: Signal = {},
): AsyncGenerator<PlacedBatch, void, undefined> {
  for (const { start, end } of ranges) {
    let row = start;
    if (columns.length === 0) {
      for (const group of file.rowGroups) {
        const stop = Math.min(group.startRow + group.numRows, end);
        while (row >= group.startRow && row < stop) {
          const numRows = Math.min(stop - row, COUNTED_ROWS);
          yield { batch: { schema: { fields: [], metadata: new Map() }, columns: [], numRows }, row };
          row += numRows;
        }
      }
      continue;
    }
    if (end <= start) continue;
    for await (const batch of readBatches(file, { columns, start, end, signal: o.signal })) {
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
  const encoder = new TextEncoder();
  const prints = new Set<number>();
  const keys: Uint8Array[] = [];
  for (const id of wanted) {
    const bytes = encoder.encode(id);
    keys.push(bytes);
    prints.add(fingerprint(bytes, 0, bytes.length));
  }
  const ranges = (await rowGroupsWith(file, "id", keys, o)).map((group) => {
    const { startRow, numRows } = file.rowGroups[group]!;
    return { start: startRow, end: startRow + numRows };
  });
  for await (const { batch, row } of readRanges(file, ranges, ["id"], o)) {
    const column = utf8Column(batch, 0);
    for (let i = 0; i < batch.numRows; i++) {
      if (!prints.has(fingerprint(column.data, column.offsets[i]!, column.offsets[i + 1]!)) || !isValid(column, i))
        continue;
      const id = textAt(column, i);
      if (!wanted.has(id)) continue;
      const rows = found.get(id);
      if (rows === undefined) found.set(id, [row + i]);
      else rows.push(row + i);
    }
  }
  return found;
}

/** Enough of the bytes to tell random hex ids apart at the price of a few reads. */
function fingerprint(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  const stop = Math.min(end, start + 12);
  for (let i = start; i < stop; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  return hash;
}

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
