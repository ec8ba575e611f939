/**
 * Bytes under paths: the port that the rest is written against, with an implementation in memory.
 *
 * ```ts
 * import { memoryStorage, readAll } from "@usr/storage";
 *
 * const storage = memoryStorage();
 * await storage.put("demo/hello.txt", new TextEncoder().encode("hello"));
 *
 * await using handle = await storage.open("demo/hello.txt");
 * if (handle) console.log(new TextDecoder().decode(await readAll(handle))); // hello
 * for await (const meta of storage.list("demo/")) console.log(meta.path, meta.size); // demo/hello.txt 5
 * ```
 *
 * @module
 */
export { readAll } from "./body.ts";
export { StorageError, type StorageErrorCode, type StorageErrorOptions } from "./error.ts";
export { type MemoryOptions, memoryStorage } from "./memory.ts";
export { comparePaths, parsePath } from "./path.ts";
export { scopedStorage } from "./scoped.ts";
export type * from "./types.ts";
