import type { Batch, DataType } from "@usr/schema";
import { checkColumn } from "@usr/schema/check";
import { columnsByName, convertedRows } from "../columns/convert-rows.ts";
import { FormatError } from "../error.ts";
import { readOnce } from "../read-once.ts";
import type { TableBatch, TableReader, TableRows } from "../types.ts";

/** Rows in order: columns by name, or batches such as `scan` and `fromArrow` give. Pulled one at a time, as they are needed. */
export type RowsSource = Iterable<TableRows | Batch> | AsyncIterable<TableRows | Batch>;

export interface MemoryTableOptions {
  /** What errors call the table. */
  readonly name: string;
  /** Floats may lose digits on the way to a narrower float. Default false. */
  readonly allowRounding?: boolean | undefined;
}

/**
 * A table of columns in memory. As of typed files, columns become the type that is asked for only where every value survives; what already has it is
 * passed on without a copy. Columns are asked for when they are met first; rows that lack a column have no value in it.
 *
 * Reading throws FormatError `TYPE_MISMATCH` with column, row and value, SchemaError `CORRUPT` for a column that is not what it says, and what the
 * source throws, which ends the reader without a row more.
 */
export function tableOf(source: RowsSource, o: MemoryTableOptions): TableReader {
  return readOnce({ columns: undefined, batches: (resolve) => batchesOf(source, o, resolve) }, o.name);
}

async function* batchesOf(
  source: RowsSource,
  o: MemoryTableOptions,
  resolve: (name: string, type: DataType | undefined) => DataType | undefined,
): AsyncGenerator<TableBatch, void, undefined> {
  const asked = new Map<string, DataType | undefined>();
  let firstRow = 1;
  for await (const given of source) {
    const rows = "schema" in given ? columnsByName(given) : given;
    const wanted = [];
    for (const [name, column] of rows.columns) {
      if (!asked.has(name)) asked.set(name, resolve(name, column.type));
      const type = asked.get(name);
      if (type === undefined) continue;
      if (column.length !== rows.numRows) {
        const rule = `has ${column.length} rows, the batch ${rows.numRows}`;
        throw new FormatError("USAGE", { file: o.name, column: name, rule });
      }
      checkColumn(column, name);
      wanted.push({ name, type });
    }
    if (rows.numRows > 0) yield convertedRows(rows, wanted, firstRow, o);
    firstRow += rows.numRows;
  }
}
