import { discoverOverlays } from "@usr/overlay";
import {
  ARCHIVED_DIR,
  EVENTS_LOG,
  frozenRegistryHash,
  isRuntimeFile,
  META_NOTES,
  PINS_FILE,
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
        /** Which snapshots are kept, and why. */
        | "pins"
        | "archived"
        | "notes"
        | "other"
        /** Locks, what is staged, and other debris: no part of the dataset. */
        | "runtime";
    }
  | { readonly kind: "part" | "overlay"; readonly place: string };

/** The class of a file, told from its path alone. `place` is the stem of the file or the folder: mostly, but not always, the namespace. */
export const fileClass = (path: string): FileClass => {
  if (isRuntimeFile(path)) return { kind: "runtime" };
  if (path === RECORDS) return { kind: "base" };
  if (path === EVENTS_LOG) return { kind: "events" };
  if (path === META_NOTES) return { kind: "notes" };
  if (path === TOMBSTONE_FILE) return { kind: "tombstones" };
  if (path === STATE_FILE) return { kind: "state" };
  if (path === PINS_FILE) return { kind: "pins" };
  if (path.startsWith(SNAPSHOTS_DIR)) return { kind: "snapshot" };
  if (path.startsWith(ARCHIVED_DIR)) return { kind: "archived" };
  if (frozenRegistryHash(path) !== undefined) return { kind: "registry" };
  const [overlay] = discoverOverlays([{ path, size: 0, etag: "" }]);
  if (overlay === undefined) return { kind: "other" };
  return { kind: overlay.form === "file" ? "overlay" : "part", place: overlay.name };
};
