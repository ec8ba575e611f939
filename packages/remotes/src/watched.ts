import { type ReadHandle, StorageError, type StorageErrorCode } from "@usr/storage";
import { SourceMoved } from "./stage.ts";
import type { Site } from "./types.ts";

/**
 * The source of a transfer, whose files may be replaced while they are read: what its storage then says (`CONFLICT`; of a digest also `NOT_FOUND`
 * and `RANGE`) is a `SourceMoved`, after which the transfer is planned anew. Anything else passes through. Only for reading.
 */
export const watched = (site: Site): Site => {
  const { storage } = site;
  const { digest } = storage;
  return {
    label: site.label,
    root: site.root,
    storage: {
      list: (prefix, o) => storage.list(prefix, o),
      async open(path, o): Promise<ReadHandle | undefined> {
        const handle = await moving(path, REPLACED, storage.open(path, o));
        return (
          handle && {
            meta: handle.meta,
            read: (offset, length, s) => moving(path, REPLACED, handle.read(offset, length, s)),
            [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose](),
          }
        );
      },
      ...(digest && { digest: (path, o) => moving(path, REPLACED, digest.call(storage, path, o)) }),
    },
    datasets: (o) => site.datasets(o),
    inventory: (dataset, o) => moving(dataset, REPLACED, site.inventory(dataset, o)),
    digestRanges: (path, ranges, o) => moving(path, GONE, site.digestRanges(path, ranges, o)),
    copyPrefix: (from, length, to) => site.copyPrefix(from, length, to),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
};

const REPLACED: ReadonlySet<StorageErrorCode> = new Set(["CONFLICT"]);
const GONE: ReadonlySet<StorageErrorCode> = new Set(["CONFLICT", "NOT_FOUND", "RANGE"]);

const moving = async <T>(path: string, codes: ReadonlySet<StorageErrorCode>, work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof StorageError && codes.has(cause.code)) throw new SourceMoved(path, { cause });
    throw cause;
  }
};
