/**
 * Columns held against what they say of themselves, before bytes are made of them. Types cannot say it: a `Float32Array` under `float64`, or
 * offsets past the end of the data, compile.
 *
 * ```ts
 * import { checkColumn } from "@usr/schema/check";
 *
 * const values = Float32Array.of(0.5, 1);
 * checkColumn({ layout: "fixed", type: { kind: "float64" }, length: 2, values }, "score");
 * // SchemaError CORRUPT: Column "score" is not what it says: float64 lies in a Float64Array, not in a Float32Array.
 * ```
 *
 * @module
 */
export { checkColumn } from "./column.ts";
