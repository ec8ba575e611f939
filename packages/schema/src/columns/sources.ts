import { SchemaError } from "../error.ts";
import { formatType, sameType } from "../format-type.ts";
import type { Column, DataType } from "../types.ts";
import { nullColumn } from "./null-column.ts";

/**
 * The column as one of `type`: itself, or missing rows for a column of Arrow's null type, which files use for columns that are empty throughout.
 *
 * @throws SchemaError `TYPE_MISMATCH`.
 */
export function conform(type: DataType, column: Column): Column {
  if (column.type === type || sameType(column.type, type)) {
    return column;
  }
  if (column.layout === "null") {
    return nullColumn(type, column.length);
  }
  throw new SchemaError(
    "TYPE_MISMATCH",
    `A column of ${formatType(column.type)} stands where ${formatType(type)} is expected.`,
    {
      details: { expected: formatType(type), found: formatType(column.type) },
    },
  );
}

/** Narrows columns to one layout. @throws SchemaError `CORRUPT` if a column is not laid out as its type says. */
export function layouts<L extends Column["layout"]>(
  columns: readonly Column[],
  layout: L,
): Extract<Column, { readonly layout: L }>[] {
  return columns.map((column) => {
    if (!hasLayout(column, layout)) {
      throw new SchemaError(
        "CORRUPT",
        `A column of ${formatType(column.type)} has the layout ${column.layout}, not ${layout}.`,
        {
          details: { expected: layout, found: column.layout },
        },
      );
    }
    return column;
  });
}

export function hasLayout<L extends Column["layout"]>(
  column: Column,
  layout: L,
): column is Extract<Column, { readonly layout: L }> {
  return column.layout === layout;
}
