import { writeParquet } from "@usr/parquet";
import { type Batch, byteSize, type Schema } from "@usr/schema";
import { concatColumns, sliceColumn } from "@usr/schema/columns";
import type { WriteTableOptions } from "../types.ts";

const GROUP_ROWS = 65_536;
/** Wide rows make smaller row groups. */
const GROUP_BYTES = 64 * 1024 * 1024;

/** Parquet with zstd and row groups of 65,536 rows or 64 MiB and a batch. */
export function writeParquetTable(
  schema: Schema,
  batches: AsyncIterable<Batch>,
  o: WriteTableOptions,
): AsyncIterable<Uint8Array> {
  return writeParquet(schema, rowGroups(schema, batches), { signal: o.signal });
}

/** Arrow IPC in the file form. */
export async function* writeArrowTable(
  schema: Schema,
  batches: AsyncIterable<Batch>,
  o: WriteTableOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { writeArrow } = await import("@usr/schema/arrow");
  yield* writeArrow(schema, batches, { form: "file", signal: o.signal });
}

async function* rowGroups(schema: Schema, batches: AsyncIterable<Batch>): AsyncGenerator<Batch, void, undefined> {
  let held: Batch[] = [];
  let rows = 0;
  let bytes = 0;
  for await (const batch of batches) {
    const rowBytes = batch.columns.reduce((sum, column) => sum + byteSize(column), 0) / Math.max(1, batch.numRows);
    for (let start = 0; start < batch.numRows; ) {
      const end = Math.min(batch.numRows, start + GROUP_ROWS - rows);
      held.push(slice(batch, start, end));
      rows += end - start;
      bytes += (end - start) * rowBytes;
      start = end;
      if (rows < GROUP_ROWS && bytes < GROUP_BYTES) continue;
      yield joined(schema, held, rows);
      held = [];
      rows = 0;
      bytes = 0;
    }
  }
  if (rows > 0) yield joined(schema, held, rows);
}

function slice(batch: Batch, start: number, end: number): Batch {
  if (start === 0 && end === batch.numRows) return batch;
  return {
    schema: batch.schema,
    numRows: end - start,
    columns: batch.columns.map((column) => sliceColumn(column, start, end)),
  };
}

function joined(schema: Schema, batches: readonly Batch[], numRows: number): Batch {
  const [first] = batches;
  if (batches.length === 1 && first !== undefined) return first;
  const columns = schema.fields.map((field, i) =>
    concatColumns(
      field.type,
      batches.map((batch) => batch.columns[i]!),
    ),
  );
  return { schema, numRows, columns };
}
