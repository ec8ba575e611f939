/**
 * Keeping two copies of a dataset equal: what a site is, what differs between two of them, and moving only that.
 *
 * @module
 */
export { RemoteError, type RemoteErrorCode, type RemoteErrorOptions } from "./error.ts";
export { type StorageSiteOptions, storageSite } from "./storage-site.ts";
export type * from "./types.ts";
