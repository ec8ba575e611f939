/**
 * Which rows the base holds. Each verb is one transaction, as in `@usr/dataset/write`; the base before is kept as a snapshot.
 *
 * @module
 */
export { type DedupeOptions, type DedupeResult, type DroppedRow, dedupe } from "./dedupe.ts";
export type { DedupeKey } from "./duplicates.ts";
export { type MergeOptions, type MergeResult, mergeDatasets } from "./merge.ts";
