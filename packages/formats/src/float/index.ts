/**
 * Decimal text as floating point numbers of any width, rounded once, as every text format of this package reads it.
 *
 * ```ts
 * import { parseFloatText } from "@usr/formats/float";
 *
 * parseFloatText("0.1", "float32"); // 0.10000000149011612
 * parseFloatText("1e39", "float32"); // undefined: beyond the largest
 * ```
 *
 * @module
 */
export { parseFloatText } from "./float.ts";
