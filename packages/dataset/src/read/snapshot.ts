import { assembleOverlay, discoverOverlays, type Overlay, type OverlayEntry, openPart, type Part } from "@usr/overlay";
import { openParquet } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import type { ObjectMeta, ReadHandle } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { overlayName, RECORDS, TOMBSTONE_FILE, TOMBSTONE_NAMESPACE } from "../layout.ts";
import type { BaseTable, Root, Snapshot, SnapshotOptions, TombstoneTable } from "../types.ts";
import { baseTable } from "./base.ts";
import { byCodeUnits } from "./list.ts";
import { mapBounded } from "./objects.ts";
import { baseFrozenRegistry, requireRegistry } from "./registry.ts";
import { type Handles, MOVED, type Opened, openStable } from "./stable.ts";

const OPEN_WIDTH = 16;

/**
 * Opens one state of a dataset: lists, opens what is asked for, lists again, and starts over when what matters changed in between.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_ID_INVALID`, `UNSUPPORTED_VERSION`, `CORRUPT`, `TYPE_MISMATCH`; `NO_REGISTRY` when an overlay
 * is opened; `CONFLICT` when the dataset never stood still. Errors of a broken overlay only when that overlay is asked for.
 */
export async function openSnapshot(root: Root, id: string, o: SnapshotOptions): Promise<Snapshot> {
  parseDatasetId(id);
  const open = (objects: readonly ObjectMeta[], handles: Handles): Promise<Opened<Content> | typeof MOVED> =>
    openAll(root, id, objects, handles, o);
  const { value, handles } = await openStable(root.storage, id, open, o);
  return { root, id, ...value, [Symbol.asyncDispose]: handles.close };
}

type Content = Omit<Snapshot, "root" | "id" | typeof Symbol.asyncDispose>;

async function openAll(
  root: Root,
  id: string,
  objects: readonly ObjectMeta[],
  handles: Handles,
  o: SnapshotOptions,
): Promise<Opened<Content> | typeof MOVED> {
  const baseHandle = await handles.open(RECORDS);
  if (baseHandle === undefined) return MOVED;
  const base = baseTable(baseHandle.meta, await openParquet(baseHandle, { signal: o.signal, counted: o.counted }), id);
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
  let registry: Registry | undefined;
  let watched: "all" | readonly string[] = [];
  if (o.namespaces === "all") {
    watched = "all";
    if (!(await openAllOf(candidates))) return MOVED;
  } else if (o.namespaces !== "none") {
    const asked = o.namespaces.filter((namespace) => namespace !== TOMBSTONE_NAMESPACE);
    watched = asked;
    if (!(await openAllOf(candidates.filter((entry) => asked.includes(entry.name))))) return MOVED;
    const others = candidates.filter((entry) => !asked.includes(entry.name));
    const isMissing = asked.some((namespace) => !candidates.some((entry) => entry.name === namespace));
    // A folder may be named unlike the namespace its parts declare. Looking costs one footer each, and a broken stranger is no concern here:
    // while every namespace asked for has a place, those that bear the name of another registered one are taken at their word.
    if (others.length > 0 && opened.size > 0) registry = await chooseRegistry(root, id, base, o);
    const strangers = isMissing ? others : others.filter((entry) => registry?.namespaces.has(entry.name) === false);
    if (strangers.length > 0) {
      watched = "all";
      const declared = await mapBounded(strangers, OPEN_WIDTH, (entry) => declaredNamespace(entry, handles));
      const found = strangers.filter((_, i) => asked.includes(declared[i] ?? ""));
      if (!(await openAllOf(found))) return MOVED;
    }
  }

  if (opened.size > 0) registry ??= await chooseRegistry(root, id, base, o);
  const overlays = assembleAll(opened, registry, o.namespaces);
  const tombstones = o.tombstones ? await openTombstones(entries, handles) : undefined;
  if (tombstones === MOVED) return MOVED;
  return {
    value: { base, entries, overlays, tombstones, registry },
    matters: (path) =>
      path === RECORDS ||
      (path === TOMBSTONE_FILE ? o.tombstones : watched === "all" || watched.includes(overlayName(path))),
    registry: registry !== undefined,
  };
}

async function chooseRegistry(root: Root, id: string, base: BaseTable, o: SnapshotOptions): Promise<Registry> {
  return o.registryMode === "frozen"
    ? await baseFrozenRegistry(root.storage, id, base.registryHash, o)
    : await requireRegistry(root.storage, o);
}

/** Footers that an attempt to open a state has read already: a handle keeps its bytes. */
const footers = new WeakMap<ReadHandle, Part>();

async function footerOf(handle: ReadHandle, like?: Part): Promise<Part> {
  const part = footers.get(handle) ?? (await openPart(handle, { like }));
  footers.set(handle, part);
  return part;
}

/** The parts of an entry, opened. */
async function openEntry(entry: OverlayEntry, handles: Handles): Promise<readonly Part[] | typeof MOVED> {
  let like: Part | undefined;
  const opened = await mapBounded(entry.objects, OPEN_WIDTH, async ({ path }) => {
    const handle = await handles.open(path);
    const part = handle && (await footerOf(handle, like));
    like ??= part;
    return part;
  });
  const parts = opened.filter((part) => part !== undefined);
  return parts.length === opened.length ? parts : MOVED;
}

/** The namespace that the first part of an entry declares; `undefined` where it cannot be told. */
async function declaredNamespace(entry: OverlayEntry, handles: Handles): Promise<string | undefined> {
  try {
    const handle = await handles.open(entry.objects[0]!.path);
    return handle && (await footerOf(handle)).namespace;
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
async function openTombstones(
  entries: readonly OverlayEntry[],
  handles: Handles,
): Promise<TombstoneTable | undefined | typeof MOVED> {
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
