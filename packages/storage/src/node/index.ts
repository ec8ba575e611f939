/**
 * Objects as files under a folder: atomic and durable writes, and the kernel's file locks.
 *
 * ```ts
 * import { diskStorage } from "@usr/storage/node";
 *
 * const storage = diskStorage("./data");
 * await using lock = await storage.lock("demo/.usr.lock", { timeoutMs: 60_000 });
 * await storage.put("demo/records.txt", new TextEncoder().encode("one\n"), { mode: "create" });
 * await storage.append("demo/.events.log", new TextEncoder().encode("made records\n"));
 * ```
 *
 * @module
 */
export { type DiskOptions, diskStorage } from "./disk.ts";
export { flusher } from "./flusher.ts";
export type { DiskFile, DiskFs } from "./fs.ts";
export { nodeFs } from "./node-fs.ts";
