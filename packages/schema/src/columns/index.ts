/**
 * Columns in Arrow's memory layout: build them, read them, and move rows between them without looking at the values.
 *
 * ```ts
 * import { parseType } from "@usr/schema";
 * import { columnBuilder, columnOf, gatherColumns, valueAt } from "@usr/schema/columns";
 *
 * const scores = columnBuilder({ kind: "float64" });
 * scores.append(0.5);
 * scores.append(null);
 * const older = scores.finish();
 * const newer = columnOf(parseType("float64"), [9]);
 *
 * // Row 0 from the newer column, row 1 from the older one, row 2 missing.
 * const merged = gatherColumns(older.type, [newer, older], Int32Array.of(0, 1, -1), Int32Array.of(0, 0, 0));
 * valueAt(merged, 0); // 9
 * ```
 *
 * @module
 */
export { type ColumnBuilder, columnBuilder, columnOf } from "./builder.ts";
export { concatColumns } from "./concat.ts";
export { gatherColumns } from "./gather.ts";
export { nullColumn } from "./null-column.ts";
export { sliceColumn } from "./slice.ts";
export { isValid, valueAt } from "./value.ts";
