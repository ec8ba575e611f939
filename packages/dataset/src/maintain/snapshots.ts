import { openParquet, ParquetError } from "@usr/parquet";
import { type ObjectMeta, type ReadableStorage, type Signal, scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { PINS_FILE, RECORDS, SNAPSHOTS_DIR } from "../layout.ts";
import { baseTable } from "../read/base.ts";
import { datasetNotFound } from "../read/list.ts";
import { requireRegistry } from "../read/registry.ts";
import { encodeMarks, readMarks, type SnapshotMarks } from "../read/snapshot-marks.ts";
import type { Root } from "../types.ts";
import {
  freeSnapshotPath,
  planSnapshot,
  snapshotObjects,
  snapshotTime,
  stageTwin,
} from "../write/commit/auto-snapshot.ts";
import { transact } from "../write/commit/transaction.ts";
import { requireKeys } from "../write/import/sequence-keys.ts";
import type { Commit, Publish, Transaction, WritableRoot } from "../write/types.ts";

/** A copy of the base as it once was. */
export interface SnapshotEntry {
  /** The name of the file, which begins with a stamp. */
  readonly name: string;
  /** Relative to the dataset. */
  readonly path: string;
  /** What the name says; `null` where it says no time. */
  readonly created_at: string | null;
  /** Stored rows; `null` where the file cannot be read. */
  readonly rows: number | null;
  readonly size_bytes: number;
  readonly pinned: boolean;
  /** Made before a rewrite of the base, and removed when five newer ones are there; `false` = somebody asked for it. */
  readonly automatic: boolean;
}

export interface CreateSnapshotOptions {
  /** Becomes part of the name: `records-<stamp>-<label>.parquet`. */
  readonly label?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface NamedSnapshotOptions {
  readonly name: string;
  readonly dryRun?: boolean | undefined;
}

/** The snapshots of a dataset, oldest first. Reads footers. Throws `DATASET_NOT_FOUND`; `CORRUPT` where pins.json cannot be read. */
export const listSnapshots = async (root: Root, id: string, o: Signal = {}): Promise<readonly SnapshotEntry[]> => {
  const storage = scopedStorage(root.storage, parseDatasetId(id));
  await requireDataset(root, storage, id);
  return entriesOf(storage, o);
};

/**
 * Keeps the base as it is now, by hard link where the store has them. It is never removed by itself. Overlays are no part of it.
 *
 * @throws DatasetError `USAGE` for a label that is no plain word
 */
export const createSnapshot = async (
  root: WritableRoot,
  id: string,
  o: CreateSnapshotOptions = {},
): Promise<SnapshotEntry> => {
  if (o.label !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(o.label)) {
    throw new DatasetError("USAGE", `${JSON.stringify(o.label)} cannot be part of a snapshot's name`, {
      hint: "Up to 64 letters, digits, _ and -, the first one no sign.",
      details: { label: o.label },
    });
  }
  return change(root, id, "snapshot create", o, async (look) => {
    const path = freeSnapshotPath(look, await snapshotObjects(look.storage), o.label);
    await using handle = await look.storage.open(RECORDS);
    if (handle === undefined) throw new DatasetError("CONFLICT", `${look.id} has lost its base`);
    const rows = (await openParquet(handle)).numRows;
    const marks = await readMarks(look.storage);
    const name = nameOf(path);
    const result = entryOf({ path, size: handle.meta.size }, rows, { pinned: [], manual: [name] });
    return {
      result,
      commit: async (tx) => ({
        publish: { kind: "publish", from: await stageTwin(tx, RECORDS), to: path },
        finish: [await marking(tx, marks, [name])],
        action: "snapshot",
        args: { name },
        metrics: { rows },
        artifacts: { snapshot: { path } },
      }),
    };
  });
};

/**
 * Makes a snapshot the base again, byte for byte. The base before is kept as an automatic snapshot, so this can be undone. Overlays stay as
 * they are. A snapshot that is the base already changes nothing.
 *
 * @returns the snapshot
 * @throws DatasetError `SNAPSHOT_NOT_FOUND`; `CORRUPT`, `UNSUPPORTED_VERSION`, `TYPE_MISMATCH` where it is no base this program can read;
 *   `MULTIPLE_BIO_TYPES`, `NOT_SUPPORTED`, OverlayError `AMBIGUOUS_BASE_KEY` where an overlay keyed by sequence could not be read beside its rows
 */
export const restoreSnapshot = async (
  root: WritableRoot,
  id: string,
  o: NamedSnapshotOptions,
): Promise<SnapshotEntry> =>
  change(root, id, "snapshot restore", o, async (look) => {
    const result = await found(look, o.name);
    const [handle, base] = [await look.storage.open(result.path), await look.storage.open(RECORDS)];
    await using opened = handle;
    await using current = base;
    if (opened === undefined || current === undefined)
      throw new DatasetError("CONFLICT", `${result.path} has gone`, { details: { path: result.path } });
    const { file } = baseTable(opened.meta, await openParquet(opened), look.id);
    if (opened.meta.etag === current.meta.etag) return { result, commit: undefined };
    await requireKeys(look.storage, look.id, file, result.path);
    const rowsBefore = (await openParquet(current)).numRows;
    return {
      result,
      commit: async (tx) => {
        const from = await stageTwin(tx, result.path);
        const kept = await planSnapshot(tx);
        return {
          prepare: [kept.first],
          publish: { kind: "publish", from, to: RECORDS },
          finish: kept.last,
          action: "snapshot_restore",
          args: { name: o.name, maintenance_reason: "snapshot_restore" },
          metrics: { rows: file.numRows, rows_before: rowsBefore },
          artifacts: { snapshot: { path: result.path }, kept: { path: kept.path } },
          maintenance: { reason: "snapshot_restore" },
          target: from,
        };
      },
    };
  });

/** Marks a snapshot to be kept for ever. A pinned one changes nothing. Throws `SNAPSHOT_NOT_FOUND`. */
export const pinSnapshot = async (root: WritableRoot, id: string, o: NamedSnapshotOptions): Promise<SnapshotEntry> =>
  change(root, id, "snapshot pin", o, async (look) => {
    const entry = await found(look, o.name);
    const marks = await readMarks(look.storage);
    if (entry.pinned) return { result: entry, commit: undefined };
    return {
      result: { ...entry, pinned: true },
      commit: async (tx) => ({
        publish: await marking(tx, { ...marks, pinned: [...marks.pinned, entry.name] }),
        action: "snapshot_pin",
        args: { name: entry.name },
        artifacts: { snapshot: { path: entry.path } },
      }),
    };
  });

/** What a verb may look at before it knows whether it changes anything. */
type Look = Pick<Transaction, "id" | "nowUs"> & { readonly storage: ReadableStorage };

interface Change {
  readonly result: SnapshotEntry;
  readonly commit: ((tx: Transaction) => Promise<Commit>) | undefined;
}

/** Runs a verb: all of it under the lock, or for a dry run what it looks at. The base is not stamped: a snapshot is the base as it is. */
const change = async (
  root: WritableRoot,
  id: string,
  command: string,
  o: { readonly dryRun?: boolean | undefined },
  work: (look: Look) => Promise<Change>,
): Promise<SnapshotEntry> => {
  if (o.dryRun === true) {
    const storage = scopedStorage(root.storage, parseDatasetId(id));
    await requireRegistry(root.storage);
    await requireDataset(root, storage, id);
    return (await work({ id, storage, nowUs: root.clock() })).result;
  }
  return transact(root, id, { command, freeze: "none" }, async (tx) => {
    const { result, commit } = await work(tx);
    return { result, commit: await commit?.(tx) };
  });
};

const requireDataset = async (root: Root, storage: ReadableStorage, id: string): Promise<void> => {
  const handle = await storage.open(RECORDS);
  if (handle === undefined) throw await datasetNotFound(root.storage, id);
  await handle[Symbol.asyncDispose]();
};

/** Puts the marks on disk; names of manual snapshots that are gone are left out. */
const marking = async (tx: Transaction, marks: SnapshotMarks, added: readonly string[] = []): Promise<Publish> => {
  const there = new Set((await snapshotObjects(tx.storage)).map(({ path }) => nameOf(path)));
  const manual = [...marks.manual.filter((name) => there.has(name)), ...added];
  const { path } = await tx.stage(encodeMarks({ pinned: marks.pinned, manual }));
  return { kind: "publish", from: path, to: PINS_FILE };
};

const found = async ({ storage, id }: Look, name: string): Promise<SnapshotEntry> => {
  const entries = await entriesOf(storage, {});
  const entry = entries.find((other) => other.name === name);
  if (entry !== undefined) return entry;
  throw new DatasetError("SNAPSHOT_NOT_FOUND", `${id} has no snapshot ${JSON.stringify(name)}`, {
    hint: `Its snapshots are: ${entries.map((other) => other.name).join(", ") || "none"}.`,
    details: { dataset: id, name },
  });
};

const entriesOf = async (storage: ReadableStorage, o: Signal): Promise<readonly SnapshotEntry[]> => {
  const marks = await readMarks(storage);
  const entries: SnapshotEntry[] = [];
  for (const meta of await snapshotObjects(storage)) {
    o.signal?.throwIfAborted();
    entries.push(entryOf(meta, await rowsOf(storage, meta.path, o), marks));
  }
  return entries;
};

/** A broken snapshot is listed all the same. */
const rowsOf = async (storage: ReadableStorage, path: string, o: Signal): Promise<number | null> => {
  await using handle = await storage.open(path, o);
  if (handle === undefined) return null;
  try {
    return (await openParquet(handle, o)).numRows;
  } catch (error) {
    if (error instanceof ParquetError) return null;
    throw error;
  }
};

const entryOf = (
  { path, size }: Pick<ObjectMeta, "path" | "size">,
  rows: number | null,
  marks: SnapshotMarks,
): SnapshotEntry => {
  const name = nameOf(path);
  return {
    name,
    path,
    created_at: snapshotTime(name) ?? null,
    rows,
    size_bytes: size,
    pinned: marks.pinned.includes(name),
    automatic: !marks.manual.includes(name),
  };
};

const nameOf = (path: string): string => path.slice(SNAPSHOTS_DIR.length);
