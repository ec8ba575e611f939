import type { OverlayEntry } from "@usr/overlay";
import type { DataType, Field } from "@usr/schema";

/**
 * Where everything lies, and the only place that spells it. Names are relative to the dataset unless the comment says root.
 */

/** In the root: the namespace registry. */
export const REGISTRY_FILE = "registry.yaml";

export const RECORDS = "records.parquet";
export const DERIVED_DIR = "_derived/";
export const ARCHIVED_DIR = "_derived/_archived/";
export const REGISTRY_DIR = "_registry/";
export const SNAPSHOTS_DIR = "_snapshots/";
export const PINS_FILE = "_snapshots/pins.json";
export const STAGING = ".staging/";
export const PENDING = ".staging/pending.json";
/** Lines of another site's log on their way into this one. */
export const MERGED_LINES = ".staging/events.jsonl";
/** What a sync has brought and not published yet, by digest. It outlives the command that brought it, so that the next one can go on. */
export const INCOMING = ".incoming/";
export const EVENTS_LOG = ".events.log";
/** Lines that were cut off the log, in files of their own. */
export const EVENTS_ARCHIVE = ".events.archive/";
export const META_NOTES = "meta.md";

/** The file whose kernel lock (flock) makes one writer; never deleted. Also in the root, where it guards the registry. */
export const LOCK = ".usr.lock";
export const EVENTS_LOCK = ".events.lock";

/** The namespace of tombstones; never registered. */
export const TOMBSTONE_NAMESPACE = "usr";
export const TOMBSTONE_FILE = "_derived/usr.parquet";
/** The namespace of record state; registered by every registry. */
export const STATE_NAMESPACE = "usr_state";
export const STATE_FILE = "_derived/usr_state.parquet";

/** Whether a folder of a dataset is that of overlays that were taken out, which no reader looks at. */
export function isArchive(folder: string): boolean {
  return folder === ARCHIVED_DIR;
}

/** Whether a namespace is one of the two that the program keeps itself, each in a single file. */
export function isKeptWhole(namespace: string): boolean {
  return namespace === TOMBSTONE_NAMESPACE || namespace === STATE_NAMESPACE;
}

/** Whether a name is spelled as the registry wants namespaces spelled. */
export function isNamespaceName(name: string): boolean {
  return /^[a-z][a-z0-9_]*$/.test(name);
}

/** The record of who holds a lock, beside it. */
export function ownerOfLock(lock: string): string {
  return `${lock}.owner`;
}

/** How the temporaries of an object begin: storages write beside it. */
export function temporariesOf(path: string): string {
  const at = path.lastIndexOf("/") + 1;
  return `${path.slice(0, at)}.${path.slice(at)}.`;
}

/** Path in the root of something inside a dataset. */
export function inDataset(id: string, path: string): string {
  return `${id}/${path}`;
}

export function frozenRegistryPath(hash: string): string {
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

/** Where an overlay lies: its file, or its folder. */
export function overlayPlace({ name, form }: OverlayEntry): string {
  return form === "file" ? overlayFile(name) : overlayDir(name);
}

/** The name of the overlay that a path below `_derived/` belongs to: the stem of the file or the folder. */
export function overlayName(path: string): string {
  return path.slice(DERIVED_DIR.length).replace(/(\/.*|\.parquet)$/, "");
}

/** Whether a path is a snapshot of the base: `_snapshots/records-<stamp>.parquet`. */
export function isSnapshotFile(path: string): boolean {
  return /^_snapshots\/records-[^/]+\.parquet$/.test(path) && !path.endsWith(".tmp.parquet");
}

/**
 * Whether a path is a runtime file: locks, their owner records, everything staged, what the Python program keeps of that kind, the side
 * files of its SQLite index included, and what NFS calls a deleted file that somebody has open (`.nfs…`). No part of the dataset.
 */
export function isRuntimeFile(path: string): boolean {
  if (path.startsWith(LOCK) || path.startsWith(STAGING) || path.startsWith(INCOMING)) return true;
  const segments = path.split("/");
  const name = segments.at(-1) ?? "";
  return (
    path === EVENTS_LOCK ||
    path === ".usr.transfer.lock" ||
    path.startsWith(".usr.lease.") ||
    name === ".sidecar.lock" ||
    segments.some((segment) => segment === ".~tmp~" || segment.startsWith(".usr-pull-")) ||
    /\.tmp(\.parquet)?$|\.(sqlite|db)\d*-(wal|shm|journal)$|^\.nfs[0-9a-f]{16,}$/.test(name)
  );
}

/** Keys of the base table's metadata, and the values this program understands. */
export const SCHEMA_VERSION = "usr:schema_version";
export const SCHEMA_VERSION_VALUE = "1";
export const ID_HASH = "usr:id_hash";
export const ID_HASH_VALUE = "sha1_utf8_pipe";
export const DATASET_CREATED_AT = "usr:dataset_created_at";
export const REGISTRY_HASH = "usr:registry_hash";

const STRING: DataType = { kind: "string" };

/** The seven columns of every base table, in the order they are written. Readers take them in any order. */
export const BASE_FIELDS: readonly Field[] = [
  { name: "id", type: STRING, nullable: true },
  { name: "bio_type", type: STRING, nullable: true },
  { name: "sequence", type: STRING, nullable: true },
  { name: "alphabet", type: STRING, nullable: true },
  { name: "length", type: { kind: "int32" }, nullable: true },
  { name: "source", type: STRING, nullable: true },
  { name: "created_at", type: { kind: "timestamp", unit: "us", timezone: "UTC" }, nullable: true },
];
