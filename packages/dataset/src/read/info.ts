import { countKeys, discoverOverlays, type Overlay } from "@usr/overlay";
import { formatTimestamp } from "@usr/schema";
import { type ObjectMeta, type ReadableStorage, type Signal, type StorageError, scopedStorage } from "@usr/storage";
import { isDatasetId, parseDatasetId } from "../dataset-id.ts";
import { EVENTS_LOG, inDataset, isKeptWhole, isSnapshotFile, RECORDS, SNAPSHOTS_DIR } from "../layout.ts";
import type { DatasetInfo, DatasetSummary, NamespaceInfo, ReadOptions, Root, Snapshot } from "../types.ts";
import { byCodeUnits, groupDatasets, hasNoData } from "./list.ts";
import { bytesOf, listAll } from "./objects.ts";
import { schemaColumns } from "./schema.ts";
import { openSnapshot } from "./snapshot.ts";

/**
 * Every dataset of a root, by id. Reads footers, which are counted (`OpenOptions.counted` of `@usr/parquet`), and the ids where rows were
 * deleted. A dataset that cannot be read is listed with `problem` set and its row counts `null`: one broken dataset does not hide the others. So
 * is a folder that may be a dataset or hold one and cannot be looked into: the store refuses, or it is a link that leaves the root.
 */
export async function listDatasets(root: Root, o: Signal = {}): Promise<readonly DatasetSummary[]> {
  const closed = new Map<string, StorageError>();
  const onUnreachable = (folder: string, error: StorageError): void => void closed.set(folder, error);
  const datasets = groupDatasets(await listAll(root.storage, "", { ...o, except: hasNoData, onUnreachable }));
  const summaries: DatasetSummary[] = [];
  for (const [folder, error] of closed) {
    const around = folder.includes("/") ? folder.slice(0, folder.indexOf("/")) : undefined;
    // What is inside a dataset is found by whoever needs it.
    if (!isDatasetId(folder) || datasets.has(folder)) continue;
    if (around !== undefined && (datasets.has(around) || closed.has(around))) continue;
    summaries.push({
      dataset: folder,
      ...UNREAD,
      namespaces: [],
      size_bytes: 0,
      updated_at: null,
      problem: problemOf(error),
    });
  }
  for (const [dataset, objects] of datasets) {
    const entries = discoverOverlays(objects);
    const data = [...objects.filter(({ path }) => path === RECORDS), ...entries.flatMap((entry) => entry.objects)];
    const { problem, ...counts } = await countRows(root, dataset, o);
    summaries.push({
      dataset,
      ...counts,
      namespaces: [...new Set(entries.map(({ name }) => name))],
      size_bytes: data.reduce((sum, meta) => sum + meta.size, 0),
      updated_at: newestChange(data),
      ...(problem === undefined ? {} : { problem }),
    });
  }
  return summaries.sort((a, b) => byCodeUnits(a.dataset, b.dataset));
}

const UNREAD = { rows: null, rows_deleted: null, rows_base: null } as const;

async function countRows(
  root: Root,
  dataset: string,
  o: Signal,
): Promise<Pick<DatasetSummary, "rows" | "rows_deleted" | "rows_base" | "problem">> {
  try {
    await using snapshot = await openSnapshot(root, dataset, {
      namespaces: "none",
      tombstones: true,
      counted: true,
      signal: o.signal,
    });
    const rows_base = snapshot.base.file.numRows;
    const rows_deleted = await deletedIn(snapshot, o);
    return { rows: rows_base - rows_deleted, rows_deleted, rows_base };
  } catch (error) {
    o.signal?.throwIfAborted();
    return { ...UNREAD, problem: problemOf(error) };
  }
}

/** How many base rows are deleted. What merges columns is loaded only where the dataset has tombstones. */
async function deletedIn(snapshot: Snapshot, o: Signal): Promise<number> {
  return snapshot.tombstones === undefined ? 0 : await (await import("./merged-view.ts")).countDeleted(snapshot, o);
}

function newestChange(objects: readonly ObjectMeta[]): string | null {
  const newest = objects.reduce((max, meta) => Math.max(max, meta.modifiedMs ?? 0), 0);
  return newest === 0 ? null : formatTimestamp(BigInt(Math.trunc(newest * 1000)), "us", true);
}

function problemOf(error: unknown): { readonly code: string; readonly message: string } {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "CORRUPT";
  return { code, message: error instanceof Error ? error.message : String(error) };
}

/**
 * What a dataset holds. Reads every footer, that of the base as far as it counts rows, all keys of the overlays, of which those that parts share
 * in the same bytes are decoded at most once, and, where rows were deleted, the ids.
 *
 * @throws what `openSnapshot` throws for all overlays
 */
export async function info(root: Root, id: string, o: ReadOptions = {}): Promise<DatasetInfo> {
  parseDatasetId(id);
  await using snapshot = await openSnapshot(root, id, { namespaces: "all", tombstones: true, counted: true, ...o });
  const storage = scopedStorage(root.storage, id);
  const rowsBase = snapshot.base.file.numRows;
  const deleted = await deletedIn(snapshot, o);
  const overlays = [...snapshot.overlays, ...(snapshot.tombstones === undefined ? [] : [snapshot.tombstones.overlay])];
  const namespaces: NamespaceInfo[] = [];
  for (const overlay of overlays.sort((a, b) => byCodeUnits(a.namespace, b.namespace)))
    namespaces.push(await namespaceInfo(id, overlay, o));
  const snapshots = (await listAll(storage, SNAPSHOTS_DIR, o)).filter((meta) => isSnapshotFile(meta.path));
  return {
    dataset: id,
    path: inDataset(id, RECORDS),
    rows: rowsBase - deleted,
    rows_deleted: deleted,
    rows_base: rowsBase,
    columns: schemaColumns(snapshot).map((column) => column.field.name),
    namespaces,
    snapshots: snapshots.length,
    registry_hash: snapshot.base.registryHash ?? null,
    events: await countLines(storage, EVENTS_LOG, o),
  };
}

/**
 * Compacting pays where a read meets each key twice or more often, or opens that many files. The files of `usr` and `usr_state` are kept whole by
 * the program itself.
 */
const MANY_PARTS = 64;
const MUCH_AMPLIFIED = 2;

function compactCommand(id: string, { namespace, parts }: Overlay, amplification: number): string | null {
  const reserved = isKeptWhole(namespace);
  if (reserved || parts.length < 2 || (parts.length < MANY_PARTS && amplification < MUCH_AMPLIFIED)) return null;
  return `usr maintenance overlay-compact ${id} --namespace ${namespace}`;
}

async function namespaceInfo(id: string, overlay: Overlay, o: Signal): Promise<NamespaceInfo> {
  const { rows, distinct, blank } = await countKeys(overlay, { signal: o.signal });
  const newest = overlay.parts[0];
  return {
    namespace: overlay.namespace,
    key: overlay.key,
    parts: overlay.parts.length,
    rows,
    distinct_keys: distinct,
    columns: overlay.fields.map((field) => field.name),
    size_bytes: overlay.parts.reduce((sum, part) => sum + part.file.source.meta.size, 0),
    newest_created_at: newest === undefined ? null : formatTimestamp(newest.createdAt / 1000n, "us", true),
    overlap: rows - blank - distinct,
    read_amplification: distinct === 0 ? null : (rows - blank) / distinct,
    compact: compactCommand(id, overlay, distinct === 0 ? 0 : (rows - blank) / distinct),
  };
}

/** Terminated lines of an object; 0 where there is none. */
async function countLines(storage: ReadableStorage, path: string, o: Signal): Promise<number> {
  await using handle = await storage.open(path, o);
  if (handle === undefined) return 0;
  let lines = 0;
  for await (const bytes of bytesOf(handle, o)) for (const byte of bytes) if (byte === 10) lines++;
  return lines;
}
