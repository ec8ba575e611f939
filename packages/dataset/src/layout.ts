/**
 * Where everything lies, and the only place that spells it. Names are relative to the dataset unless the comment says root.
 */

/** In the root: the namespace registry. */
export const REGISTRY_FILE = "registry.yaml";

export const BASE_FILE = "records.parquet";
export const DERIVED_DIR = "_derived/";
export const ARCHIVED_DIR = "_derived/_archived/";
export const REGISTRY_DIR = "_registry/";
export const SNAPSHOTS_DIR = "_snapshots/";
export const PINS_FILE = "_snapshots/pins.json";
export const STAGING_DIR = ".staging/";
export const PENDING_FILE = ".staging/pending.json";
export const EVENTS_FILE = ".events.log";
export const NOTES_FILE = "meta.md";

/** The file whose kernel lock (flock) makes one writer; never deleted. Also in the root, where it guards the registry. */
export const LOCK_FILE = ".usr.lock";
export const LOCK_OWNER_FILE = ".usr.lock.owner";
export const EVENTS_LOCK_FILE = ".events.lock";

/** The namespace of tombstones; never registered. */
export const TOMBSTONE_NAMESPACE = "usr";
export const TOMBSTONE_FILE = "_derived/usr.parquet";
/** The namespace of record state; registered by every registry. */
export const STATE_NAMESPACE = "usr_state";
export const STATE_FILE = "_derived/usr_state.parquet";

/** Path in the root of something inside a dataset. */
export function inDataset(id: string, path: string): string {
  return `${id}/${path}`;
}

export function frozenRegistryFile(hash: string): string {
  return `${REGISTRY_DIR}registry.${hash}.yaml`;
}

/** The hash a frozen registry's name carries; `undefined` for any other file. */
export function frozenRegistryHash(path: string): string | undefined {
  return /^_registry\/registry\.([0-9a-f]{64})\.yaml$/.exec(path)?.[1];
}

export function overlayFile(namespace: string): string {
  return `${DERIVED_DIR}${namespace}.parquet`;
}

export function overlayDir(namespace: string): string {
  return `${DERIVED_DIR}${namespace}/`;
}

/** Whether a path is a snapshot of the base: `_snapshots/records-<stamp>.parquet`. */
export function isSnapshotFile(path: string): boolean {
  return /^_snapshots\/records-[^/]+\.parquet$/.test(path) && !path.endsWith(".tmp.parquet");
}

/** Whether a path is a runtime file: locks, their owner records and everything staged. No part of the dataset. */
export function isRuntimeFile(path: string): boolean {
  return path.startsWith(LOCK_FILE) || path === EVENTS_LOCK_FILE || path.startsWith(STAGING_DIR);
}

/** Base metadata keys and the values this program understands. */
export const BASE_METADATA = {
  schemaVersion: "usr:schema_version",
  idHash: "usr:id_hash",
  createdAt: "usr:dataset_created_at",
  registryHash: "usr:registry_hash",
} as const;
export const SCHEMA_VERSION = "1";
export const ID_HASH = "sha1_utf8_pipe";
