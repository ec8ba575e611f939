/**
 * Everything that changes a dataset. Each verb is one transaction: it holds the dataset's kernel lock, and it either leaves the dataset
 * as it was or commits atomically and leaves one event.
 *
 * @module
 */
export { attach, type AttachOptions, type AttachResult } from "./attach.ts";
export { type ImportOptions, type ImportResult, importRows } from "./import.ts";
export { initDataset, type InitOptions, type InitResult } from "./init.ts";
export { materialize, type MaterializeOptions, type MaterializeResult } from "./materialize.ts";
export { registerNamespace, type RegisterOptions, type RegisterResult } from "./register.ts";
export { freezeRegistry, type FreezeResult } from "./registry-freeze.ts";
export { type Commit, type Staged, transact, type TransactOptions, type Transaction } from "./transaction.ts";
export type { LockOwner, Step, WritableRoot } from "./types.ts";
