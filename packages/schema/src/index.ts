/**
 * The vocabulary of tables: column types in the spelling of the namespace registry, columns in Arrow's memory layout, batches of columns.
 *
 * ```ts
 * import { formatType, parseType } from "@usr/schema";
 * import { columnOf, valueAt } from "@usr/schema/columns";
 *
 * const type = parseType("list<struct<start:int32,at:timestamp[us,UTC]>>");
 * const column = columnOf(type, [[{ start: 1, at: 0n }], null, []]);
 * formatType(column.type); // "list<struct<start:int32,at:timestamp[us, UTC]>>"
 * valueAt(column, 0); // [{ start: 1, at: 0n }]
 * ```
 *
 * @module
 */
export { byteSize } from "./byte-size.ts";
export { allocateFixed } from "./columns/layout.ts";
export { SchemaError, type SchemaErrorCode, type SchemaErrorOptions } from "./error.ts";
export { formatType, sameType } from "./format-type.ts";
export { parseType } from "./parse-type.ts";
export { formatTimestamp, parseTimestamp } from "./timestamp.ts";
export type * from "./types.ts";
