import type { Column } from "./types.ts";

/** Bytes that the rows of a column take, NULL masks aside; of a view, those of its rows alone. */
export function byteSize(column: Column): number {
  switch (column.layout) {
    case "fixed":
    case "bool":
      return column.values.byteLength;
    case "utf8":
      return column.offsets.byteLength + column.offsets[column.length]! - column.offsets[0]!;
    case "list": {
      const { offsets, child, length } = column;
      const share = child.length === 0 ? 0 : (offsets[length]! - offsets[0]!) / child.length;
      return offsets.byteLength + share * byteSize(child);
    }
    case "fixed_list":
      return byteSize(column.child);
    case "struct":
      return column.children.reduce((sum, child) => sum + byteSize(child), 0);
    case "null":
      return 0;
  }
}
