import {
  ARCHIVED_DIR,
  EVENTS_LOG,
  frozenRegistryHash,
  META_NOTES,
  overlayName,
  RECORDS,
  SNAPSHOTS_DIR,
  STATE_FILE,
  TOMBSTONE_FILE,
} from "../layout.ts";

/**
 * What a file of a dataset is to somebody who keeps two copies equal. `part` files are immutable, and so are frozen `registry` copies and
 * what lies `archived`; the base grows or is written anew; `overlay` is the single-file form, which is written anew.
 */
export type FileClass =
  | {
      readonly kind:
        | "base"
        | "tombstones"
        | "state"
        | "registry"
        | "events"
        | "snapshot"
        | "archived"
        | "notes"
        | "other";
    }
  | { readonly kind: "part" | "overlay"; readonly place: string };

/** The class of a file, told from its path alone. `place` is the stem of the file or the folder: mostly, but not always, the namespace. */
export const fileClass = (path: string): FileClass => {
  if (path === RECORDS) return { kind: "base" };
  if (path === EVENTS_LOG) return { kind: "events" };
  if (path === META_NOTES) return { kind: "notes" };
  if (path === TOMBSTONE_FILE) return { kind: "tombstones" };
  if (path === STATE_FILE) return { kind: "state" };
  if (path.startsWith(SNAPSHOTS_DIR)) return { kind: "snapshot" };
  if (path.startsWith(ARCHIVED_DIR)) return { kind: "archived" };
  if (frozenRegistryHash(path) !== undefined) return { kind: "registry" };
  if (/^_derived\/[^/]+\/part-[^/]*\.parquet$/.test(path)) return { kind: "part", place: overlayName(path) };
  if (/^_derived\/[^/]+\.parquet$/.test(path)) return { kind: "overlay", place: overlayName(path) };
  return { kind: "other" };
};
