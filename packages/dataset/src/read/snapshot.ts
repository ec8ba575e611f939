import { assembleOverlay, discoverOverlays, openPart, type Overlay, type OverlayEntry, type Part } from "@usr/overlay";
import { openParquet } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import { scopedStorage, type ObjectMeta, type ReadableStorage, type ReadHandle, type Signal } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { ARCHIVED_DIR, DERIVED_DIR, RECORDS, REGISTRY_FILE, TOMBSTONE_FILE, TOMBSTONE_NAMESPACE } from "../layout.ts";
import type { BaseTable, Root, Snapshot, SnapshotOptions, TombstoneTable } from "../types.ts";
import { baseTable } from "./base.ts";
import { byCodeUnits, datasetNotFound } from "./list.ts";
import { listAll, mapBounded } from "./objects.ts";
import { baseFrozenRegistry, requireRegistry } from "./registry.ts";

const ATTEMPTS = 8;
const OPEN_WIDTH = 16;

/** Something vanished between listing and opening: the view is between two commits. */
const MOVED: unique symbol = Symbol("moved");

/**
 * Opens one state of a dataset: lists, opens what is asked for, lists again, and starts over when what matters changed in between.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_ID_INVALID`, `UNSUPPORTED_VERSION`, `CORRUPT`, `TYPE_MISMATCH`; `NO_REGISTRY` when an overlay
 * is opened; `CONFLICT` when the dataset never stood still. Errors of a broken overlay only when that overlay is asked for.
 */
export async function openSnapshot(root: Root, id: string, o: SnapshotOptions): Promise<Snapshot> {
  parseDatasetId(id);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    o.signal?.throwIfAborted();
    if (attempt > 0) await pause(2 ** attempt * 5);
    const before = await listing(root.storage, id, o);
    if (!before.objects.some((meta) => meta.path === RECORDS)) throw await datasetNotFound(root.storage, id, o);
    const handles = openHandles(scopedStorage(root.storage, id), o);
    let opened: Opened | typeof MOVED;
    let failure: { readonly error: unknown } | undefined;
    try {
      opened = await openAll(root, id, before.objects, handles, o);
    } catch (error) {
      // What looks broken may be half of a commit: an error counts only when nothing moved.
      failure = { error };
      opened = MOVED;
    }
    let keep = false;
    try {
      const still = sameState(before, await listing(root.storage, id, o), failure === undefined && opened !== MOVED ? opened : undefined);
      if (failure !== undefined && still) throw failure.error;
      if (opened !== MOVED && still) {
        keep = true;
        return { root, id, ...opened.snapshot, [Symbol.asyncDispose]: handles.close };
      }
    } finally {
      if (!keep) await handles.close();
    }
  }
  throw new DatasetError("CONFLICT", `${id} changed during each of ${ATTEMPTS} attempts to read it.`, {
    hint: "Try again when fewer writers are at work.",
    details: { dataset: id, attempts: ATTEMPTS },
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Listing {
  readonly objects: readonly ObjectMeta[];
  readonly registry: string | undefined;
}

/** What may matter to a reader: the base, the overlays, the root's registry. */
async function listing(storage: ReadableStorage, id: string, o: Signal): Promise<Listing> {
  const dataset = scopedStorage(storage, id);
  const [base, derived, registry] = await Promise.all([
    listAll(dataset, RECORDS, o),
    listAll(dataset, DERIVED_DIR, o),
    listAll(storage, REGISTRY_FILE, o),
  ]);
  return {
    objects: [
      ...base.filter((meta) => meta.path === RECORDS),
      ...derived.filter((meta) => !meta.path.startsWith(ARCHIVED_DIR)),
    ],
    registry: registry.find((meta) => meta.path === REGISTRY_FILE)?.etag,
  };
}

/** Whether nothing that `opened` rests on differs; without it, whether nothing at all does. */
function sameState(before: Listing, after: Listing, opened: Opened | undefined): boolean {
  const matters = (path: string): boolean => opened === undefined || path === RECORDS || opened.entries === "all" || rests(path, opened);
  const state = (listing: Listing): string =>
    listing.objects
      .filter((meta) => matters(meta.path))
      .map((meta) => `${meta.path}\n${meta.etag}`)
      .join("\n");
  if ((opened === undefined || opened.snapshot.registry !== undefined) && before.registry !== after.registry) return false;
  return state(before) === state(after);
}

function rests(path: string, opened: Opened): boolean {
  if (path === TOMBSTONE_FILE) return opened.tombstones;
  const name = path.slice(DERIVED_DIR.length).replace(/(\/.*|\.parquet)$/, "");
  return opened.entries !== "all" && opened.entries.includes(name);
}

interface Handles {
  /** Opens a path of the dataset; `undefined` = gone. Closed with the others. */
  open(path: string): Promise<ReadHandle | undefined>;
  close(): Promise<void>;
}

function openHandles(storage: ReadableStorage, o: Signal): Handles {
  const opened: ReadHandle[] = [];
  return {
    open: async (path) => {
      const handle = await storage.open(path, o);
      if (handle !== undefined) opened.push(handle);
      return handle;
    },
    close: async () => {
      for (const handle of opened.splice(0)) await handle[Symbol.asyncDispose]();
    },
  };
}

interface Opened {
  readonly snapshot: Omit<Snapshot, "root" | "id" | typeof Symbol.asyncDispose>;
  /** Names of the overlays whose coming, going or changing would make another snapshot. */
  readonly entries: "all" | readonly string[];
  readonly tombstones: boolean;
}

async function openAll(
  root: Root,
  id: string,
  objects: readonly ObjectMeta[],
  handles: Handles,
  o: SnapshotOptions,
): Promise<Opened | typeof MOVED> {
  const baseHandle = await handles.open(RECORDS);
  if (baseHandle === undefined) return MOVED;
  const base = baseTable(baseHandle.meta, await openParquet(baseHandle, { signal: o.signal }), id);
  const entries = discoverOverlays(objects);
  const candidates = entries.filter((entry) => entry.name !== TOMBSTONE_NAMESPACE);

  const opened = new Map<OverlayEntry, readonly Part[]>();
  const openAllOf = async (wanted: readonly OverlayEntry[]): Promise<boolean> => {
    for (const entry of wanted) {
      const parts = await openEntry(entry, handles);
      if (parts === MOVED) return false;
      opened.set(entry, parts);
    }
    return true;
  };
  let watched: "all" | readonly string[] = [];
  if (o.namespaces === "all") {
    watched = "all";
    if (!(await openAllOf(candidates))) return MOVED;
  } else if (o.namespaces !== "none") {
    const asked = o.namespaces.filter((namespace) => namespace !== TOMBSTONE_NAMESPACE);
    watched = asked;
    if (!(await openAllOf(candidates.filter((entry) => asked.includes(entry.name))))) return MOVED;
    const missing = asked.filter((namespace) => !candidates.some((entry) => entry.name === namespace));
    const strangers = missing.length === 0 ? [] : candidates.filter((entry) => !asked.includes(entry.name));
    if (strangers.length > 0) {
      // A folder may be named unlike the namespace its parts declare. Looking costs one footer each, and a broken stranger is no concern here.
      watched = "all";
      const declared = await mapBounded(strangers, OPEN_WIDTH, (entry) => declaredNamespace(entry, handles));
      const found = strangers.filter((_, i) => missing.includes(declared[i] ?? ""));
      if (!(await openAllOf(found))) return MOVED;
    }
  }

  const registry = opened.size > 0 ? await chooseRegistry(root, id, base, o) : undefined;
  const overlays = assembleAll(opened, registry, o.namespaces);
  const tombstones = o.tombstones ? await openTombstones(entries, handles) : undefined;
  if (tombstones === MOVED) return MOVED;
  return { snapshot: { base, entries, overlays, tombstones, registry }, entries: watched, tombstones: o.tombstones };
}

async function chooseRegistry(root: Root, id: string, base: BaseTable, o: SnapshotOptions): Promise<Registry> {
  return o.registryMode === "frozen"
    ? await baseFrozenRegistry(root.storage, id, base.registryHash, o)
    : await requireRegistry(root.storage, o);
}

/** The parts of an entry, opened. */
async function openEntry(entry: OverlayEntry, handles: Handles): Promise<readonly Part[] | typeof MOVED> {
  const opened = await mapBounded(entry.objects, OPEN_WIDTH, async ({ path }) => {
    const handle = await handles.open(path);
    return handle === undefined ? undefined : await openPart(handle);
  });
  const parts = opened.filter((part) => part !== undefined);
  return parts.length === opened.length ? parts : MOVED;
}

/** The namespace that the first part of an entry declares; `undefined` where it cannot be told. */
async function declaredNamespace(entry: OverlayEntry, handles: Handles): Promise<string | undefined> {
  try {
    const handle = await handles.open(entry.objects[0]!.path);
    return handle && (await openPart(handle)).namespace;
  } catch {
    return undefined;
  }
}

/** The overlays of opened entries. Throws every refusal of `assembleOverlay`, two entries that declare one namespace among them. */
function assembleAll(
  opened: ReadonlyMap<OverlayEntry, readonly Part[]>,
  registry: Registry | undefined,
  asked: SnapshotOptions["namespaces"],
): readonly Overlay[] {
  const sources = new Map<string, { readonly entries: OverlayEntry[]; readonly parts: readonly Part[] }>();
  for (const [entry, parts] of opened) {
    const { namespace } = parts[0]!;
    // An entry may be named like a namespace that was asked for and hold another.
    if (asked !== "all" && !asked.includes(namespace)) continue;
    const source = sources.get(namespace);
    if (source === undefined) sources.set(namespace, { entries: [entry], parts });
    else source.entries.push(entry);
  }
  return [...sources]
    .sort(([a], [b]) => byCodeUnits(a, b))
    .map(([namespace, { entries, parts }]) => assembleOverlay(entries, parts, registry?.namespaces.get(namespace)));
}

/** The tombstone file as a table. Only the single file counts; a folder of parts called `usr` is a stranger's. */
async function openTombstones(entries: readonly OverlayEntry[], handles: Handles): Promise<TombstoneTable | undefined | typeof MOVED> {
  const entry = entries.find(({ name, form }) => name === TOMBSTONE_NAMESPACE && form === "file");
  if (entry === undefined) return undefined;
  const parts = await openEntry(entry, handles);
  if (parts === MOVED) return MOVED;
  const overlay = assembleOverlay([entry], parts, undefined);
  if (overlay.namespace !== TOMBSTONE_NAMESPACE || !overlay.fields.some(({ name }) => name === "usr__deleted")) {
    throw new DatasetError("CORRUPT", `${TOMBSTONE_FILE} does not say which rows are deleted.`, {
      hint: "Put back the file of another copy of the dataset.",
      details: { path: TOMBSTONE_FILE, namespace: overlay.namespace },
    });
  }
  return { file: parts[0]!.file, overlay };
}
