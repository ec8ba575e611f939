/// <reference types="node" />
import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { dirname, resolve } from "node:path";
import { afterPrefix, checkPrefix, checkRange, chunksOf, lengthOf } from "../body.ts";
import { StorageError } from "../error.ts";
import { parsePath, parseTarget } from "../path.ts";
import type { Durability, ObjectMeta, ReadHandle, ReadOptions, Signal, Storage } from "../types.ts";
import { appendFully } from "./append.ts";
import { attempt, attemptIfPresent, diskError, errnoOf, quietly } from "./error.ts";
import { foldersOf } from "./folders.ts";
import { type DiskFile, type DiskFs, metaOf } from "./fs.ts";
import { lockFile } from "./lock.ts";
import { nodeFs } from "./node-fs.ts";
import { placesOf } from "./place.ts";
import { linkNew, publish, stage, stageCopy } from "./publish.ts";
import { takingTurns } from "./turns.ts";
import { walk } from "./walk.ts";

export interface DiskOptions {
  /** Fresh random bytes, for the names of writes in flight. Default: the system's. */
  readonly random?: ((bytes: number) => Uint8Array) | undefined;
  /** Default: that of Node. */
  readonly fs?: DiskFs | undefined;
}

const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** More than 2 GiB in one read is refused by the system. */
const LONGEST_READ = 2 ** 30;
const DIGEST_CHUNK = 2 ** 20;

/**
 * The files under a folder, which is made by the first write. What a method returned from is flushed: the file and every folder entry up to the
 * root. Symbolic links are followed inside the root, never out of it (`PATH_INVALID`); a listing shows one that leaves the root as an object.
 */
export function diskStorage(rootDir: string, o: DiskOptions = {}): Required<Storage> {
  const root = resolve(rootDir);
  const fs = o.fs ?? nodeFs;
  // Not from the crypto of the web, nor the time from `performance`: to load these takes node 3 ms and 1 ms.
  const random = o.random ?? randomBytes;
  const places = placesOf(fs, root);
  const folders = foldersOf(fs, root);
  const inTurn = takingTurns();

  const token = (): string => `${process.pid}.${Buffer.from(random(8)).toString("hex")}`;

  /** The absolute name of an object about to be written, its folder made. */
  const prepare = async (path: string): Promise<string> => {
    const name = await places.locate(path);
    await folders.ensure(dirname(name), path);
    return name;
  };

  const open = async (path: string, { signal }: Signal = {}): Promise<ReadHandle | undefined> => {
    parsePath(path);
    signal?.throwIfAborted();
    const name = await places.locate(path);
    const file = await openFile(name, path);
    if (file === undefined) return undefined;
    let handle: ReadHandle | undefined;
    try {
      const stats = await attempt("inspect", path, file.stat({ bigint: true }));
      if (stats.isFile()) handle = handleOf(file, metaOf(path, stats));
    } finally {
      if (handle === undefined) await quietly(file.close());
    }
    return handle;
  };

  const openFile = async (name: string, path: string): Promise<DiskFile | undefined> => {
    try {
      return await fs.open(name, READ_FLAGS);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "ENOENT" || errno === "ENOTDIR" || errno === "ENXIO") return undefined;
      if (errno !== "ELOOP") throw diskError(error, "open", path);
    }
    const target = await places.resolve(path);
    return target === undefined ? undefined : await attemptIfPresent("open", path, fs.open(target, READ_FLAGS));
  };

  return {
    open,

    list: (prefix, s = {}) => walk({ ...s, fs, root, places, prefix, temporaries: false }),

    debris: (prefix, s = {}) => walk({ fs, root, places, prefix, temporaries: true, signal: s.signal }),

    async digest(path: string, s: Signal = {}): Promise<string | undefined> {
      await using handle = await open(path, s);
      if (handle === undefined) return undefined;
      const hash = createHash("sha256");
      const { size } = handle.meta;
      for (let at = 0; at < size; at += DIGEST_CHUNK) {
        hash.update(await handle.read(at, Math.min(DIGEST_CHUNK, size - at), s));
      }
      return hash.digest("hex");
    },

    async put(path, body, s = {}): Promise<ObjectMeta> {
      parseTarget(path);
      s.signal?.throwIfAborted();
      const name = await prepare(path);
      const durable = s.durable !== false;
      if (s.fresh === true) {
        const flushName = durable ? () => folders.sync(dirname(name), path) : undefined;
        return (await stage(fs, name, path, chunksOf(body, s.signal), { durable, flushName })).meta;
      }
      const staged = await stage(fs, name, path, chunksOf(body, s.signal), { token: token(), durable });
      await inTurn(name, () => publish(fs, staged, name, s.mode ?? "overwrite"));
      if (durable) await folders.sync(dirname(name), path);
      return staged.meta;
    },

    async extend(path, from, body, s = {}): Promise<ObjectMeta> {
      parseTarget(path);
      // A length that fails while the file is opened fails where it is waited for.
      if (typeof from.length !== "number") from.length.catch(() => {});
      await using source = await open(from.path, s);
      checkPrefix(from, source);
      const name = await prepare(path);
      const length = lengthOf(from, source.meta);
      // It fails where it is waited for.
      length.catch(() => {});
      const where = s.fresh === true ? { flushName: () => folders.sync(dirname(name), path) } : { token: token() };
      // Gone where the name was removed meanwhile; what was opened can still be read.
      const original = await places.resolve(from.path);
      const chunks = chunksOf(body, s.signal);
      try {
        const rest = begun(chunks);
        const copied =
          original === undefined
            ? undefined
            : await stageCopy(fs, name, path, { name: original, meta: source.meta, length }, rest, where);
        const staged = copied ?? (await stage(fs, name, path, afterPrefix(source, await length, rest, s), where));
        if (s.fresh === true) return staged.meta;
        await inTurn(name, () => publish(fs, staged, name, "overwrite"));
        await folders.sync(dirname(name), path);
        return staged.meta;
      } finally {
        await quietly(chunks.return());
      }
    },

    async delete(path: string, s: Durability = {}): Promise<void> {
      const name = await places.locate(parsePath(path));
      try {
        await fs.unlink(name);
      } catch (error) {
        const errno = errnoOf(error);
        const absent = errno === "ENOENT" || errno === "ENOTDIR" || (await isFolder(fs, name, path));
        if (!absent) throw diskError(error, "delete", path);
      }
      // Also where it was gone already: whoever removed it may have died before this.
      if (s.durable !== false) await folders.sync(dirname(name), path);
    },

    async prune(folder: string): Promise<void> {
      await folders.prune(await places.locate(parsePath(folder)), folder);
    },

    async rename(from: string, to: string): Promise<void> {
      const old = await places.locate(parsePath(from));
      parseTarget(to);
      const stats = await attemptIfPresent("rename", from, fs.lstat(old, { bigint: true }));
      if (stats?.isSymbolicLink()) {
        throw new StorageError("PATH_INVALID", `${from} is a symbolic link, which would point elsewhere from ${to}.`, {
          hint: "Replace the link by the file it points to.",
          details: { path: from, to },
        });
      }
      if (!stats?.isFile()) throw notFound(from);
      if (from === to) return;
      const name = await prepare(to);
      await attempt("rename", from, fs.rename(old, name));
      const real = (file: string): Promise<string> => attempt("rename", from, fs.realpath(file));
      // Two names of one file: the system leaves both and calls it done. One name in two spellings, where the file system takes both, stays.
      const left = await attemptIfPresent("rename", from, fs.lstat(old, { bigint: true }));
      const isSame = left?.ino === stats.ino && left.dev === stats.dev;
      if (isSame && left.nlink > 1n && (await real(old)) !== (await real(name)))
        await attempt("rename", from, fs.unlink(old));
      // The folder it leaves needs no flush of its own: a file system does a rename wholly or not at all.
      await folders.sync(dirname(name), to);
    },

    async link(from: string, to: string): Promise<void> {
      parseTarget(to);
      const source = await places.resolve(parsePath(from));
      if (source === undefined || (await isFolder(fs, source, from))) throw notFound(from);
      const name = await prepare(to);
      await linkNew(fs, source, name, to);
      await folders.sync(dirname(name), to);
    },

    async append(path: string, body: Uint8Array, s: Durability = {}): Promise<void> {
      const name = await prepare(parseTarget(path));
      const created = await inTurn(name, () => appendFully(fs, name, path, body, s.durable !== false));
      if (created && s.durable !== false) await folders.sync(dirname(name), path);
    },

    async lock(path, s = {}): Promise<AsyncDisposable> {
      const name = await prepare(parseTarget(path));
      return await lockFile(name, path, s);
    },
  };
}

function handleOf(file: DiskFile, meta: ObjectMeta): ReadHandle {
  return {
    meta,
    async read(offset: number, length: number, { signal, into }: ReadOptions = {}): Promise<Uint8Array> {
      signal?.throwIfAborted();
      checkRange(meta, offset, length);
      const bytes =
        into !== undefined && into.length >= length
          ? into.subarray(0, length)
          : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      for (let done = 0; done < length; ) {
        const ask = Math.min(length - done, LONGEST_READ);
        const { bytesRead } = await attempt("read", meta.path, file.read(bytes, done, ask, offset + done));
        if (bytesRead === 0) throw shortened(meta);
        done += bytesRead;
        signal?.throwIfAborted();
      }
      return bytes;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await quietly(file.close());
    },
  };
}

/** Chunks of which the first is made at once, before anybody asks for it: there is time, and making it may take as long as what is done meanwhile. */
function begun(chunks: AsyncGenerator<Uint8Array, void, undefined>): AsyncGenerator<Uint8Array, void, undefined> {
  const first = chunks.next();
  // It fails where it is waited for.
  first.catch(() => {});
  return (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    const step = await first;
    if (step.done === true) return;
    yield step.value;
    yield* chunks;
  })();
}

async function isFolder(fs: DiskFs, name: string, path: string): Promise<boolean> {
  return (await attemptIfPresent("inspect", path, fs.lstat(name, { bigint: true })))?.isDirectory() === true;
}

function notFound(path: string): StorageError {
  return new StorageError("NOT_FOUND", `${path} does not exist.`, { details: { path } });
}

function shortened(meta: ObjectMeta): StorageError {
  return new StorageError("CONFLICT", `${meta.path} was cut shorter than its ${meta.size} bytes while it was open.`, {
    hint: "Objects are replaced, never changed in place: find the program that does.",
    details: { path: meta.path, size: meta.size },
  });
}
