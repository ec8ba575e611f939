import type { Column, DataType } from "../types.ts";
import { collectRuns, copyRanges } from "./copy-ranges.ts";
import { conform } from "./sources.ts";

/**
 * The rows of all columns, one after the other. A single column is returned as it is. Columns of Arrow's null type count as missing rows.
 *
 * @throws SchemaError `TYPE_MISMATCH` for a column of another type, `TOO_LARGE` past 2^31 - 1 rows, text bytes or list elements.
 */
export function concatColumns(type: DataType, columns: readonly Column[]): Column {
  if (columns.length === 1) {
    return conform(type, columns[0]!);
  }
  const runs = collectRuns(columns.length);
  for (const [source, column] of columns.entries()) {
    runs.add(source, 0, column.length);
  }
  return copyRanges(type, columns, runs.finish());
}
