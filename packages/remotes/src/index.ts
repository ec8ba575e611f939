/**
 * Keeping two copies of a dataset equal: what a site is, what differs between two of them, and moving only that.
 *
 * ```ts
 * import { storageSite, syncDataset } from "@usr/remotes";
 * import { diskStorage } from "@usr/storage/node";
 *
 * const local = storageSite(diskStorage("/data/usr"), { label: "laptop" });
 * const remote = storageSite(diskStorage("/mnt/share/usr"), { label: "share" });
 * const who = { tool: "example", run_id: "1" };
 * const { state, files } = await syncDataset(
 *   { dataset: "demo", local, remote, direction: "pull" },
 *   {
 *     clock: () => BigInt(Date.now()) * 1000n,
 *     random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
 *     actor: who,
 *     owner: { host: "laptop", pid: 1, command: "pull" },
 *   },
 *   { verify: "hash" },
 * );
 * console.log(state, files.length);
 * ```
 *
 * @module
 */
export { type Audit, type AuditFacts, auditOf, type Changes, changesOf } from "./audit.ts";
export { type DatasetDiff, diffDataset } from "./diff.ts";
export { RemoteError, type RemoteErrorCode, type RemoteErrorOptions } from "./error.ts";
export type { Evidence, ProvedMode } from "./evidence.ts";
export type { Progress } from "./stage.ts";
export { type StorageSiteOptions, storageSite } from "./storage-site.ts";
export { type SyncContext, type SyncPair, type SyncResult, syncDataset } from "./sync.ts";
export type * from "./types.ts";
export { type VerifyOptions, type VerifyReport, verifyDataset } from "./verify.ts";
