import { datasetIds, fileClass, mapBounded, PLACES } from "@usr/dataset/sync";
import { type ReadableStorage, type ReadHandle, readAll, type Signal, type Storage, StorageError } from "@usr/storage";
import { RemoteError } from "./error.ts";
import { sha256Hex } from "./sha256.ts";
import type { ByteRange, DigestCache, Inventory, InventoryOptions, Site, SiteFile } from "./types.ts";

const CHUNK = 2 ** 20;
/** Files hashed at a time. */
const WIDTH = 4;

export interface StorageSiteOptions {
  readonly label: string;
  readonly cache?: DigestCache | undefined;
}

/**
 * A site over any storage that is near: memory, a disk, a mounted share, a published root over HTTP. Digests come from the storage's own
 * `digest`, and from `cache` for files that have not changed since; a storage without that capability makes a site without digests.
 */
export const storageSite = (storage: ReadableStorage | Storage, o: StorageSiteOptions): Site => ({
  label: o.label,
  storage,

  datasets: (s = {}) => datasetIds(storage, s),

  async inventory(dataset: string, { digests, signal }: InventoryOptions): Promise<Inventory> {
    const files: SiteFile[] = [];
    const folder = PLACES.dataset(dataset);
    for await (const meta of storage.list(folder, { signal })) {
      const path = meta.path.slice(folder.length);
      if (fileClass(path).kind !== "runtime") files.push({ ...meta, path });
    }
    const withSha256 = async (file: SiteFile): Promise<SiteFile> => {
      const sha256 = await digestOf(storage, o, { ...file, path: folder + file.path }, { signal });
      return sha256 === undefined ? file : { ...file, sha256 };
    };
    return {
      files: digests && storage.digest !== undefined ? await mapBounded(files, WIDTH, withSha256) : files,
      registry: await textAt(storage, PLACES.registry, { signal }),
      digests: digests && storage.digest !== undefined,
    };
  },

  async digestRanges(
    path: string,
    ranges: readonly ByteRange[],
    s: Signal = {},
  ): Promise<readonly string[] | undefined> {
    // A storage that cannot hash where the bytes lie would have to move them, and then whoever asks had better read them.
    if (storage.digest === undefined) return undefined;
    await using handle = await opened(storage, path, s);
    const digests: string[] = [];
    for (const { offset, length } of ranges) digests.push(await sha256Hex(bytesOf(handle, offset, length, s)));
    return digests;
  },

  async copyPrefix(from: string, length: number, to: string): Promise<void> {
    if (!("put" in storage)) throw readOnly(o.label);
    await using handle = await opened(storage, from, {});
    await storage.put(to, bytesOf(handle, 0, length, {}));
  },

  async [Symbol.asyncDispose](): Promise<void> {},
});

/** The bytes of a range, in chunks. */
export async function* bytesOf(
  handle: ReadHandle,
  offset: number,
  length: number,
  o: Signal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (length === 0) return;
  for (let at = 0; at < length; at += CHUNK) yield await handle.read(offset + at, Math.min(CHUNK, length - at), o);
}

/** No registry, diary or list of marks is longer: another site's must not be taken into memory to find that out. */
const LONGEST_TEXT = 16 * 2 ** 20;

/** The whole text of a small file; `undefined` = no such file. Throws RemoteError `TOO_LARGE` beyond 16 MiB. */
export const textAt = async (storage: ReadableStorage, path: string, o: Signal = {}): Promise<string | undefined> => {
  await using handle = await storage.open(path, o);
  const size = handle?.meta.size ?? 0;
  if (size > LONGEST_TEXT) {
    throw new RemoteError("TOO_LARGE", `${path} is ${size} bytes long, and no text of its kind is`, {
      hint: "Look at what it is, and move it out of the dataset or put the right file back.",
      details: { path, size, limit: LONGEST_TEXT },
    });
  }
  return handle === undefined ? undefined : new TextDecoder().decode(await readAll(handle, o));
};

/** The site was opened for reading only. */
export const readOnly = (label: string): RemoteError =>
  new RemoteError("NOT_SUPPORTED", `${label} cannot be written to`, {
    hint: "Pull from it; to send data there, use a remote of the type ssh or file.",
    details: { remote: label },
  });

/** Writers at the other end cannot be kept apart. */
export const noLocks = (label: string, what: string): RemoteError =>
  new RemoteError("NOT_SUPPORTED", `${label} cannot lock ${what}: it has no flock.`, {
    hint: "Install flock (util-linux) or usr there; without locks two writers could lose data. Pulling needs neither.",
    details: { remote: label, path: what, tool: "flock" },
  });

const digestOf = async (
  storage: ReadableStorage,
  { label, cache }: StorageSiteOptions,
  { path, etag, size }: SiteFile,
  o: Signal,
): Promise<string | undefined> => {
  const known = cache?.get(label, path, etag, size);
  if (known !== undefined) return known;
  const sha256 = await storage.digest?.(path, o);
  if (sha256 !== undefined) cache?.set(label, path, etag, size, sha256);
  return sha256;
};

const opened = async (storage: ReadableStorage, path: string, o: Signal): Promise<ReadHandle> => {
  const handle = await storage.open(path, o);
  if (handle !== undefined) return handle;
  throw new StorageError("NOT_FOUND", `${path} does not exist.`, { details: { path } });
};
