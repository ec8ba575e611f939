/**
 * The rules of the port that every adapter keeps, for those who write one.
 *
 * ```ts
 * import { isTemporary, parseTarget } from "@usr/storage/adapter";
 *
 * parseTarget("demo/hello.txt"); // a StorageError PATH_INVALID for anything that may not be written
 * isTemporary("demo/.hello.txt.1f3a.tmp"); // true: a write in flight, which no listing shows
 * ```
 *
 * @module
 */
export { checkRange, chunksOf, joinChunks } from "../body.ts";
export { lockedError } from "../memory-lock.ts";
export { isTemporary, parseTarget, prefixFolder } from "../path.ts";
