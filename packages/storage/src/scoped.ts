import { parsePath } from "./path.ts";
import type {
  Durability,
  ListOptions,
  ObjectMeta,
  Placement,
  Prefix,
  ReadableStorage,
  ReadHandle,
  Signal,
  Storage,
} from "./types.ts";

/**
 * The objects under the folder `prefix`, with paths relative to it. `""` is the storage itself. Capabilities the storage lacks are absent from
 * the view too. Errors name the full path.
 */
export function scopedStorage(storage: Storage, prefix: string): Storage;
export function scopedStorage(storage: ReadableStorage, prefix: string): ReadableStorage;
export function scopedStorage(storage: Storage | ReadableStorage, prefix: string): Storage | ReadableStorage {
  if (prefix === "") return storage;
  const base = `${parsePath(prefix)}/`;
  // The relative path is parsed before it is joined: `..` must not climb out, nor an empty path name the folder itself.
  const full = (path: string): string => base + parsePath(path);
  return "put" in storage ? writable(storage, base, full) : readable(storage, base, full);
}

function readable(storage: ReadableStorage, base: string, full: (path: string) => string): ReadableStorage {
  const { digest } = storage;
  return {
    async open(path: string, o?: Signal): Promise<ReadHandle | undefined> {
      const handle = await storage.open(full(path), o);
      return handle === undefined ? undefined : relativeHandle(handle, base);
    },
    async *list(prefix: string, o: ListOptions = {}): AsyncGenerator<ObjectMeta, void, undefined> {
      const leave = o.except;
      const except: ListOptions["except"] = leave && ((at) => at.length > base.length && leave(at.slice(base.length)));
      const tell = o.onUnreachable;
      const onUnreachable: ListOptions["onUnreachable"] = tell && ((at, error) => tell(at.slice(base.length), error));
      const inside = storage.list(base + prefix, { ...o, except, onUnreachable });
      for await (const meta of inside) yield relative(meta, base);
    },
    ...(digest && { digest: async (path: string, o?: Signal) => await digest.call(storage, full(path), o) }),
  };
}

function writable(storage: Storage, base: string, full: (path: string) => string): Storage {
  const { extend, link, append, lock, debris, prune } = storage;
  return {
    ...readable(storage, base, full),
    put: async (path, body, o) => relative(await storage.put(full(path), body, o), base),
    delete: async (path, o) => await storage.delete(full(path), o),
    rename: async (from, to) => await storage.rename(full(from), full(to)),
    ...(extend && {
      extend: async (
        path: string,
        from: Prefix,
        body: Uint8Array | AsyncIterable<Uint8Array>,
        o?: Signal & Placement,
      ) => relative(await extend.call(storage, full(path), { ...from, path: full(from.path) }, body, o), base),
    }),
    ...(link && { link: async (from: string, to: string) => await link.call(storage, full(from), full(to)) }),
    ...(append && {
      append: async (path: string, body: Uint8Array, o?: Durability) => await append.call(storage, full(path), body, o),
    }),
    ...(lock && {
      lock: async (path: string, o?: Signal & { readonly timeoutMs?: number | undefined }) =>
        await lock.call(storage, full(path), o),
    }),
    ...(debris && {
      async *debris(prefix: string, o?: Signal): AsyncGenerator<ObjectMeta, void, undefined> {
        for await (const meta of debris.call(storage, base + prefix, o)) yield relative(meta, base);
      },
    }),
    ...(prune && { prune: async (folder: string) => await prune.call(storage, full(folder)) }),
  };
}

function relative(meta: ObjectMeta, base: string): ObjectMeta {
  return { ...meta, path: meta.path.slice(base.length) };
}

function relativeHandle(handle: ReadHandle, base: string): ReadHandle {
  return {
    meta: relative(handle.meta, base),
    read: (offset, length, o) => handle.read(offset, length, o),
    [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose](),
  };
}
