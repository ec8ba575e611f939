import { discoverOverlays } from "@usr/overlay";
import { type ObjectMeta, type ReadableStorage, type ReadHandle, type Signal, scopedStorage } from "@usr/storage";
import { checkRange } from "@usr/storage/adapter";
import { DatasetError } from "../error.ts";
import { DERIVED_DIR, isArchive, RECORDS, REGISTRY_FILE } from "../layout.ts";
import { datasetNotFound } from "./list.ts";
import { listAll } from "./objects.ts";

const ATTEMPTS = 100;
/** So many attempts follow at once, as each opens only what the last one missed; then writers get time to come to rest. */
const HASTY = 8;
const PAUSE_MS = 20;

/**
 * Objects of this size are read whole at once and closed, as long as there is room in memory: a thousand small parts are then a thousand reads,
 * not a thousand open files with a read for each column.
 */
const SMALL = 128 * 1024;
const ROOM = 64 * 1024 * 1024;
/** They lie side by side in pieces of memory of this size: to take some for each costs as much as to read it. */
const SLAB = 1024 * 1024;

/** Something vanished between listing and opening: the view is between two commits. */
export const MOVED: unique symbol = Symbol("moved");

/** Handles on the objects of one dataset that are closed together. */
export interface Handles {
  /** Opens a path of the dataset, or gives the handle it has on it; `undefined` = gone. */
  open(path: string): Promise<ReadHandle | undefined>;
  close(): Promise<void>;
}

/** What was opened, and what would make it another state. */
export interface Opened<T> {
  readonly value: T;
  /** Whether the object at a path of the dataset is part of the state. */
  matters(path: string): boolean;
  /** Whether the root's registry is. */
  readonly registry: boolean;
}

/**
 * Opens one state: lists the base and the overlays, lets `open` open what it needs, lists again, and starts over when anything that matters
 * differs. An error of `open` counts only when nothing moved meanwhile. The handles stay open with the result; they are closed otherwise.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`; `CONFLICT` when the dataset never stood still; what `open` throws
 */
export async function openStable<T>(
  storage: ReadableStorage,
  id: string,
  open: (objects: readonly ObjectMeta[], handles: Handles) => Promise<Opened<T> | typeof MOVED>,
  o: Signal = {},
): Promise<{ readonly value: T; readonly handles: Handles }> {
  const handles = openHandles(scopedStorage(storage, id), o);
  let kept = false;
  try {
    let before = await listing(storage, id, o);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      o.signal?.throwIfAborted();
      if (!before.objects.some((meta) => meta.path === RECORDS)) throw await datasetNotFound(storage, id, o);
      await handles.keep(before.objects);
      const outcome = await attemptTo(() => open(before.objects, handles));
      const after = await listing(storage, id, o);
      // What looks broken may be half of a commit.
      if ("error" in outcome) {
        if (sameState(before, after, undefined)) throw outcome.error;
      } else if (outcome.result !== MOVED && sameState(before, after, outcome.result)) {
        kept = true;
        return { value: outcome.result.value, handles };
      }
      before = after;
      if (attempt >= HASTY) {
        await pause(PAUSE_MS);
        before = await listing(storage, id, o);
      }
    }
  } finally {
    if (!kept) await handles.close();
  }
  throw new DatasetError("CONFLICT", `${id} changed during each of ${ATTEMPTS} attempts to read it.`, {
    hint: "Try again when fewer writers are at work.",
    details: { dataset: id, attempts: ATTEMPTS },
  });
}

async function attemptTo<R>(act: () => Promise<R>): Promise<{ readonly result: R } | { readonly error: unknown }> {
  try {
    return { result: await act() };
  } catch (error) {
    return { error };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Listing {
  readonly objects: readonly ObjectMeta[];
  readonly registry: string | undefined;
}

/**
 * What may matter to a reader: the base, the overlays, the root's registry. The base comes last: where it was still the one that had been opened
 * before, no part had come and gone in between by way of a newer base.
 */
async function listing(storage: ReadableStorage, id: string, o: Signal): Promise<Listing> {
  const dataset = scopedStorage(storage, id);
  const [derived, registry] = await Promise.all([
    // What was archived only grows; a reader that looked at it would be slower with every compaction.
    listAll(dataset, DERIVED_DIR, { ...o, except: isArchive }),
    listAll(storage, REGISTRY_FILE, o),
  ]);
  // Strangers may lie there, but not links out of the root: what they hold would be missing without a word.
  for (const { path } of derived) {
    if (path.endsWith(".parquet") || path.includes("/", DERIVED_DIR.length)) continue;
    await using _stranger = await dataset.open(path, o);
  }
  const base = await listAll(dataset, RECORDS, o);
  return {
    // What is no overlay (temporaries, archives, notes of strangers) may come and go.
    objects: [
      ...base.filter(({ path }) => path === RECORDS),
      ...discoverOverlays(derived).flatMap((entry) => entry.objects),
    ],
    registry: registry.find(({ path }) => path === REGISTRY_FILE)?.etag,
  };
}

/** Whether nothing that `opened` rests on differs; without it, whether nothing at all does. */
function sameState(before: Listing, after: Listing, opened: Omit<Opened<unknown>, "value"> | undefined): boolean {
  if ((opened?.registry ?? true) && before.registry !== after.registry) return false;
  const state = (listing: Listing): string =>
    listing.objects
      .filter(({ path }) => opened?.matters(path) ?? true)
      .map(({ path, etag }) => `${path}\n${etag}`)
      .join("\n");
  return state(before) === state(after);
}

/** Handles outlive an attempt: what is still the same object is not opened again. */
function openHandles(
  storage: ReadableStorage,
  o: Signal,
): Handles & { keep(objects: readonly ObjectMeta[]): Promise<void> } {
  const opened = new Map<string, ReadHandle>();
  let room = ROOM;
  let slab = new Uint8Array(0);
  const memoryFor = (size: number): Uint8Array => {
    if (slab.length < size) slab = new Uint8Array(SLAB);
    const memory = slab.subarray(0, size);
    slab = slab.subarray(size);
    return memory;
  };
  const closeAll = async (handles: readonly (readonly [string, ReadHandle])[]): Promise<void> => {
    for (const [path, handle] of handles) {
      opened.delete(path);
      await handle[Symbol.asyncDispose]();
    }
  };
  return {
    open: async (path) => {
      const known = opened.get(path);
      if (known !== undefined) return known;
      const handle = await storage.open(path, o);
      if (handle === undefined) return undefined;
      const { size } = handle.meta;
      const held = size <= SMALL && size <= room ? await intoMemory(handle, memoryFor(size), o) : handle;
      if (held !== handle) room -= size;
      opened.set(path, held);
      return held;
    },
    keep: async (objects) => {
      const etags = new Map(objects.map(({ path, etag }) => [path, etag]));
      await closeAll([...opened].filter(([path, { meta }]) => etags.get(path) !== meta.etag));
    },
    close: () => closeAll([...opened]),
  };
}

/** The bytes of an object, in memory that it may have, under its handle, which is closed. */
async function intoMemory(handle: ReadHandle, into: Uint8Array, o: Signal): Promise<ReadHandle> {
  await using closing = handle;
  const { meta } = closing;
  const bytes = await closing.read(0, meta.size, { ...o, into });
  return {
    meta,
    read: async (offset, length, s = {}) => {
      s.signal?.throwIfAborted();
      checkRange(meta, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
