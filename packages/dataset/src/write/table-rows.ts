import type { TableRows } from "@usr/formats";
import { type DataType, formatType, sameType } from "@usr/schema";
import { checkColumn } from "@usr/schema/check";
import { DatasetError } from "../error.ts";

/**
 * Holds rows against what was asked for, before anything is made of them: programs write tables too, and a column that is not what it says would
 * become a file that cannot be read. Columns without a type in `types` are not looked at.
 *
 * @throws DatasetError `TYPE_MISMATCH`, `LENGTH_MISMATCH`, SchemaError `CORRUPT`
 */
export const checkRows = ({ numRows, columns }: TableRows, types: ReadonlyMap<string, DataType>): void => {
  for (const [name, column] of columns) {
    const type = types.get(name);
    if (type === undefined) continue;
    if (!sameType(type, column.type) && column.layout !== "null") {
      throw new DatasetError("TYPE_MISMATCH", `column ${name} is ${formatType(column.type)}, not ${formatType(type)}`, {
        hint: "tableOf of @usr/formats/memory converts columns where every value survives.",
        details: { column: name, type: formatType(column.type), expected: formatType(type) },
      });
    }
    if (column.length !== numRows) {
      throw new DatasetError("LENGTH_MISMATCH", `column ${name} has ${column.length} rows, the batch ${numRows}`, {
        details: { column: name, rows: column.length, expected: numRows },
      });
    }
    checkColumn(column, name);
  }
};
