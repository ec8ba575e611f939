import { ParquetError } from "./error.ts";
import type { SchemaNode } from "./footer/format.ts";
import type { ParquetFile } from "./types.ts";
import { nodeOf } from "./write/passthrough.ts";

/** The leaf of a column that holds text. Throws `COLUMN_NOT_FOUND`, and `NOT_SUPPORTED` or `INVALID` for other columns. */
export function textLeaf(file: ParquetFile, column: string): SchemaNode {
  const node = nodeOf(file, column);
  if (file.shapes.get(column)?.type.kind === "string") return node;
  throw new ParquetError("INVALID", `Column "${column}" does not hold text.`, { details: { column } });
}
