/**
 * Looks into a dataset: what each column holds, and where each value comes from.
 *
 * ```ts
 * import { describe, origins } from "@usr/dataset/inspect";
 *
 * for (const { column, non_null, distinct, mean } of await describe(root, "demo")) console.log(column, non_null, distinct, mean);
 * const cells = await origins(root, "demo", { ids: ["ee93db6725ec05c3d18249d7fdba5d36a6a695cd"] });
 * ```
 *
 * @module
 */
export { describe } from "./describe.ts";
export type { Histogram } from "./histogram.ts";
export { type CellOrigin, origins } from "./origins.ts";
export type { ColumnSummary, Json, Lengths, NumberSummary } from "./summary.ts";
