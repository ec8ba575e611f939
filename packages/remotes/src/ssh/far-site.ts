import { isRuntimeFile, mapBounded, REGISTRY_FILE } from "@usr/dataset/sync";
import { type Signal, StorageError } from "@usr/storage";
import { RemoteError } from "../error.ts";
import { storageSite, textAt } from "../storage-site.ts";
import type { ByteRange, DigestCache, Inventory, InventoryOptions, Site, SiteFile } from "../types.ts";
import type { Connection } from "./connection.ts";
import { okText } from "./far-error.ts";
import { listFar } from "./far-list.ts";
import { startPut, temporaryFor } from "./far-put.ts";
import { digestOf, type FarOptions, farStorage } from "./far-storage.ts";
import { type FarMeta, parseMeta } from "./meta.ts";
import type { Peer } from "./open.ts";

/** So many questions are under way at a time: enough that the distance does not matter. */
const WIDTH = 64;

export interface FarSiteOptions {
  readonly connection: Connection;
  readonly peer: Peer;
  readonly label: string;
  readonly random: (bytes: number) => Uint8Array;
  readonly cache?: DigestCache | undefined;
}

/** A site whose root lies at the other end of a connection, which it closes when it is disposed. */
export interface FarSite extends Site {
  readonly peer: Peer;
  /** Bytes that went over the connection so far. */
  traffic(): { readonly sent: number; readonly received: number };
  /** Bytes that are free at the other end. */
  freeBytes(o?: Signal): Promise<number>;
}

export function farSite(site: FarSiteOptions): FarSite {
  const { connection, peer, label, cache } = site;
  const far: FarOptions = site;
  const storage = farStorage(far);
  const near = storageSite(storage, { label, cache });

  const described = async (path: string, s: Signal): Promise<FarMeta> => {
    const reply = await connection.ask("open", [path, 0], s);
    if (reply.code !== "NOT_FOUND") return parseMeta(path, okText(reply, label, path));
    throw new StorageError("NOT_FOUND", `${label}: ${path} does not exist.`, { details: { remote: label, path } });
  };

  const known = async (one: FarMeta, s: Signal): Promise<string> => {
    const { path, etag, size } = one.meta;
    const before = cache?.get(label, path, etag, size);
    if (before !== undefined) return before;
    const sha256 = await digestOf(far, one, 0, size, s);
    cache?.set(label, path, etag, size, sha256);
    return sha256;
  };

  return {
    label,
    storage,
    peer,
    datasets: near.datasets,
    traffic: connection.traffic,

    async inventory(dataset: string, { digests, signal }: InventoryOptions): Promise<Inventory> {
      const folder = `${dataset}/`;
      const [listing, registry] = await Promise.all([
        listFar(far, folder, { signal }),
        textAt(storage, REGISTRY_FILE, { signal }),
      ]);
      if (listing.unspeakable > 0) throw unspeakable(label, dataset, listing.unspeakable);
      const hashing = digests && storage.digest !== undefined;
      const files = listing.files.filter(({ meta }) => !isRuntimeFile(meta.path.slice(folder.length)));
      const describe = async (one: FarMeta): Promise<SiteFile> => {
        const file = { ...one.meta, path: one.meta.path.slice(folder.length) };
        return hashing ? { ...file, sha256: await known(one, { signal }) } : file;
      };
      return { files: await mapBounded(files, WIDTH, describe), registry };
    },

    async digestRanges(
      path: string,
      ranges: readonly ByteRange[],
      s: Signal = {},
    ): Promise<readonly string[] | undefined> {
      if (storage.digest === undefined) return undefined;
      const one = await described(path, s);
      for (const range of ranges) checkInside(one, range, label);
      return await mapBounded(ranges, WIDTH, ({ offset, length }) => digestOf(far, one, offset, length, s));
    },

    async copyPrefix(from: string, length: number, to: string): Promise<void> {
      checkInside(await described(from, {}), { offset: 0, length }, label);
      const put = await startPut(far, to, temporaryFor(to, site.random), "overwrite");
      await put.copy(from, length);
      await put.all(new Uint8Array(0), {});
    },

    async freeBytes(s: Signal = {}): Promise<number> {
      const text = okText(await connection.ask("space", [], s), label, "the root");
      if (/^-?\d{1,15}$/.test(text)) return Number(text) * 1_024;
      throw new RemoteError("TRANSFER_FAILED", `${label} gave ${JSON.stringify(text)} as its free space.`);
    },

    async [Symbol.asyncDispose](): Promise<void> {
      await connection[Symbol.asyncDispose]();
    },
  };
}

function checkInside({ meta }: FarMeta, { offset, length }: ByteRange, label: string): void {
  if (offset >= 0 && length >= 0 && offset + length <= meta.size) return;
  throw new StorageError(
    "RANGE",
    `${label}: ${meta.path} has ${meta.size} bytes; ${length} bytes from ${offset} are not all in it.`,
    { details: { remote: label, path: meta.path, size: meta.size, offset, length } },
  );
}

function unspeakable(label: string, dataset: string, count: number): RemoteError {
  return new RemoteError(
    "NOT_SUPPORTED",
    `${dataset} on ${label} holds ${count} files or folders whose names no path can spell (control characters, backslashes, or no UTF-8).`,
    { hint: "Rename or remove them there.", details: { remote: label, dataset, count } },
  );
}
