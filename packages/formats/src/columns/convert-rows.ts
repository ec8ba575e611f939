import type { Batch, Column, DataType } from "@usr/schema";
import { FormatError, placed } from "../error.ts";
import type { TableBatch, TableRows } from "../types.ts";
import { castColumn } from "./cast.ts";

/** A column that is wanted, and as what. */
export interface WantedColumn {
  readonly name: string;
  readonly type: DataType;
}

/** The rows of a batch, its columns by name. */
export function columnsByName({ schema, columns, numRows }: Batch): TableRows {
  return { numRows, columns: new Map(schema.fields.map(({ name }, i): [string, Column] => [name, columns[i]!])) };
}

/** The wanted columns of some rows, converted where every value survives; errors name file, column and row. */
export function convertedRows(
  rows: TableRows,
  wanted: readonly WantedColumn[],
  firstRow: number,
  o: { readonly name: string; readonly allowRounding?: boolean | undefined },
): TableBatch {
  const columns = new Map<string, Column>();
  for (const { name, type } of wanted) {
    const column = rows.columns.get(name);
    if (column === undefined)
      throw new FormatError("CORRUPT", { file: o.name, column: name, rule: "is missing from the data" });
    try {
      columns.set(name, castColumn(column, type, firstRow, { allowRounding: o.allowRounding === true }));
    } catch (error) {
      throw placed(error, { file: o.name, column: name });
    }
  }
  return { firstRow, numRows: rows.numRows, columns };
}
