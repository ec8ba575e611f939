/**
 * Everything that changes a dataset. Each verb is one transaction: it holds the dataset's kernel lock, and it either leaves the dataset
 * as it was or commits atomically and leaves one event.
 *
 * @module
 */
export { type AttachOptions, type AttachResult, attach } from "./attach/attach.ts";
export { lockOwner } from "./commit/lock.ts";
export { transact } from "./commit/transaction.ts";
export { type ImportOptions, type ImportResult, importRows } from "./import/import.ts";
export { type InitOptions, type InitResult, initDataset } from "./init.ts";
export { type MaterializeOptions, type MaterializeResult, materialize } from "./materialize.ts";
export { type RegisterOptions, type RegisterResult, registerNamespace } from "./register.ts";
export { type FreezeResult, freezeRegistry } from "./registry-freeze.ts";
export type { Commit, LockOwner, Staged, Step, Transaction, TransactOptions, WritableRoot } from "./types.ts";
