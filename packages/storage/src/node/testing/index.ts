/**
 * A disk for tests of what a power cut leaves.
 *
 * ```ts
 * import { diskStorage } from "@usr/storage/node";
 * import { powerCutDisk } from "@usr/storage/node-testing";
 *
 * const disk = powerCutDisk();
 * await diskStorage("/data", { fs: disk.fs }).put("a", new TextEncoder().encode("kept"));
 * const later = disk.afterCut((n) => Math.floor(Math.random() * n));
 * const kept = await diskStorage("/data", { fs: later.fs }).open("a"); // what `put` returned from is there
 * ```
 *
 * @module
 */
export type { Choose } from "./inode.ts";
export { PowerCut, type PowerCutDisk, type PowerCutOptions, powerCutDisk } from "./power-cut.ts";
