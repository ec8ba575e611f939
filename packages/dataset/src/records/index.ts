/**
 * What is said about single rows: deleted or live, and their state (masked, QC, split, lineage). The base table is not touched; each verb
 * is one transaction that writes one small file anew, and one that changes nothing writes and logs nothing.
 *
 * ```ts
 * import { deleteRows, readState, restoreRows, setState } from "@usr/dataset/records";
 * import type { WritableRoot } from "@usr/dataset/write";
 * import { jsonRow } from "@usr/formats";
 *
 * export async function review(root: WritableRoot, good: readonly string[], bad: readonly string[]): Promise<void> {
 *   await setState(root, "demo", { ids: good, qcStatus: "pass", split: "train" });
 *   console.log((await deleteRows(root, "demo", { ids: bad, reason: "wrong plate" })).rows);
 *   await restoreRows(root, "demo", { ids: bad });
 *   for await (const batch of readState(root, "demo", { ids: good })) {
 *     for (let row = 0; row < batch.numRows; row++) console.log(jsonRow(batch, row));
 *   }
 * }
 * ```
 *
 * @module
 */

export type { RecordOptions, RecordResult } from "./change.ts";
export type { RowChoice } from "./choice.ts";
export { type DeleteOptions, deleteRows, type RestoreOptions, restoreRows } from "./delete.ts";
export { readState, type StateReadOptions } from "./read-state.ts";
export { clearState, type QcStatus, type SetStateOptions, type Split, setState } from "./state.ts";
