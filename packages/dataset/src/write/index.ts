/**
 * Everything that changes a dataset. Each verb is one transaction: it holds the dataset's kernel lock, and it either leaves the dataset
 * as it was or commits atomically and leaves one event.
 *
 * @module
 */
export { type AttachOptions, type AttachResult, attach } from "./attach.ts";
export { type ImportOptions, type ImportResult, importRows } from "./import.ts";
export { type InitOptions, type InitResult, initDataset } from "./init.ts";
export { lockOwner } from "./lock.ts";
export { type MaterializeOptions, type MaterializeResult, materialize } from "./materialize.ts";
export { type RegisterOptions, type RegisterResult, registerNamespace } from "./register.ts";
export { type FreezeResult, freezeRegistry } from "./registry-freeze.ts";
export { transact } from "./transaction.ts";
export type { Commit, LockOwner, Staged, Step, Transaction, TransactOptions, WritableRoot } from "./types.ts";
