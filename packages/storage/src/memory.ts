import { afterPrefix, checkPrefix, checkRange, chunksOf, joinChunks, lengthOf } from "./body.ts";
import { conflict, StorageError } from "./error.ts";
import { memoryLocks } from "./memory-lock.ts";
import { comparePaths, parsePath, parseTarget, prefixFolder } from "./path.ts";
import type { ListOptions, ObjectMeta, PutMode, ReadHandle, Signal, Storage } from "./types.ts";

export interface MemoryOptions {
  /** Milliseconds since the epoch, for `modifiedMs`; without it objects have none. */
  readonly clock?: (() => number) | undefined;
}

/** What a name points to. Two names made by `link` share one, as hard links share an inode. */
interface Item {
  bytes: Uint8Array;
  etag: string;
  modifiedMs: number | undefined;
}

/**
 * A storage in a `Map`, with the same refusals as a disk and every capability but `debris` (a put that fails leaves nothing) and `prune` (there are no folders). Opened handles
 * keep their bytes, linked names share them, locks hold within this storage. Every write scans the names once (O(number of objects)).
 */
export function memoryStorage(o: MemoryOptions = {}): Required<Omit<Storage, "debris" | "prune">> {
  const items = new Map<string, Item>();
  const locks = memoryLocks();
  let version = 0;

  const itemOf = (bytes: Uint8Array): Item => ({ bytes, etag: `${++version}`, modifiedMs: o.clock?.() });
  const metaOf = (path: string, item: Item): ObjectMeta => ({
    path,
    size: item.bytes.length,
    etag: item.etag,
    ...(item.modifiedMs === undefined ? {} : { modifiedMs: item.modifiedMs }),
  });

  return {
    async open(path: string, s: Signal = {}): Promise<ReadHandle | undefined> {
      parsePath(path);
      s.signal?.throwIfAborted();
      const item = items.get(path);
      return item === undefined ? undefined : handleOf(metaOf(path, item), item.bytes);
    },

    async *list(prefix: string, s: ListOptions = {}): AsyncGenerator<ObjectMeta, void, undefined> {
      prefixFolder(prefix);
      const isWanted = (path: string): boolean =>
        path.startsWith(prefix) && (s.except === undefined || !foldersAbove(path).some(s.except));
      // All at one moment: who reads the listing slowly would else miss both an object and the one that took its place.
      const found = [...items].filter(([path]) => isWanted(path)).map(([path, item]) => metaOf(path, item));
      for (const meta of found.sort((a, b) => comparePaths(a.path, b.path))) {
        s.signal?.throwIfAborted();
        yield meta;
      }
    },

    async digest(path: string, s: Signal = {}): Promise<string | undefined> {
      parsePath(path);
      s.signal?.throwIfAborted();
      const item = items.get(path);
      if (item === undefined) return undefined;
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", item.bytes.slice()));
      return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
    },

    async put(path, body, s = {}): Promise<ObjectMeta> {
      parseTarget(path);
      const bytes = await joinChunks(chunksOf(body, s.signal));
      checkFolders(items, path);
      checkMode(path, items.get(path), s.mode ?? "overwrite");
      const item = itemOf(bytes);
      items.set(path, item);
      return metaOf(path, item);
    },

    async extend(path, from, body, s = {}): Promise<ObjectMeta> {
      parseTarget(path);
      const source = items.get(parsePath(from.path));
      const handle = source && handleOf(metaOf(from.path, source), source.bytes);
      checkPrefix(from, handle);
      const length = await lengthOf(from, handle.meta);
      const bytes = await joinChunks(afterPrefix(handle, length, chunksOf(body, s.signal), s));
      checkFolders(items, path);
      const item = itemOf(bytes);
      items.set(path, item);
      return metaOf(path, item);
    },

    async delete(path: string): Promise<void> {
      items.delete(parsePath(path));
    },

    async rename(from: string, to: string): Promise<void> {
      const item = found(items, parsePath(from));
      checkFolders(items, parseTarget(to));
      items.delete(from);
      items.set(to, item);
    },

    async link(from: string, to: string): Promise<void> {
      const item = found(items, parsePath(from));
      checkFolders(items, parseTarget(to));
      checkMode(to, items.get(to), "create");
      items.set(to, item);
    },

    async append(path: string, body: Uint8Array): Promise<void> {
      parseTarget(path);
      checkFolders(items, path);
      const former = items.get(path);
      if (former === undefined) {
        items.set(path, itemOf(body.slice()));
        return;
      }
      const joined = new Uint8Array(former.bytes.length + body.length);
      joined.set(former.bytes);
      joined.set(body, former.bytes.length);
      Object.assign(former, itemOf(joined));
    },

    async lock(path, s = {}): Promise<AsyncDisposable> {
      parseTarget(path);
      checkFolders(items, path);
      const lock = await locks.acquire(path, s);
      if (!items.has(path)) items.set(path, itemOf(new Uint8Array(0)));
      return lock;
    },
  };
}

function handleOf(meta: ObjectMeta, bytes: Uint8Array): ReadHandle {
  return {
    meta,
    async read(offset: number, length: number, o: Signal = {}): Promise<Uint8Array> {
      o.signal?.throwIfAborted();
      checkRange(meta, offset, length);
      return bytes.slice(offset, offset + length);
    },
    async [Symbol.asyncDispose](): Promise<void> {},
  };
}

function found(items: ReadonlyMap<string, Item>, path: string): Item {
  const item = items.get(path);
  if (item !== undefined) return item;
  throw new StorageError("NOT_FOUND", `${path} does not exist.`, { details: { path } });
}

function checkMode(path: string, item: Item | undefined, mode: PutMode): void {
  if (mode === "overwrite") return;
  if (mode === "create") {
    if (item !== undefined) throw new StorageError("EXISTS", `${path} exists already.`, { details: { path } });
  } else if (item?.etag !== mode.ifMatch) {
    throw conflict(path, mode.ifMatch, item?.etag);
  }
}

/** A disk cannot hold an object and a folder under one name, so neither does memory. */
function checkFolders(items: ReadonlyMap<string, Item>, path: string): void {
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const parent = path.slice(0, at);
    if (items.has(parent)) {
      throw new StorageError("PATH_INVALID", `${path} cannot be written: ${parent} is an object.`, {
        details: { path },
      });
    }
  }
  const folder = `${path}/`;
  for (const other of items.keys()) {
    if (other.startsWith(folder)) {
      throw new StorageError("PATH_INVALID", `${path} cannot be written: it is a folder.`, { details: { path } });
    }
  }
}

/** The folders a path lies in, with their slash, from the top down. */
function foldersAbove(path: string): readonly string[] {
  return path
    .split("/")
    .slice(0, -1)
    .map((_, depth, names) => `${names.slice(0, depth + 1).join("/")}/`);
}
