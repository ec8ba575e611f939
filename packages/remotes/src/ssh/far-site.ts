import { fileClass, mapBounded, PLACES } from "@usr/dataset/sync";
import { comparePaths, type Signal, StorageError } from "@usr/storage";
import { RemoteError } from "../error.ts";
import { storageSite, textAt } from "../storage-site.ts";
import type { ByteRange, DigestCache, Inventory, InventoryOptions, Site, SiteFile } from "../types.ts";
import type { Connection } from "./connection.ts";
import { type Digested, digestFiles, digestPiece } from "./far-digest.ts";
import { okText } from "./far-error.ts";
import { listFar } from "./far-list.ts";
import type { FarOptions } from "./far-options.ts";
import { startPut, temporaryFor } from "./far-put.ts";
import { farStorage } from "./far-storage.ts";
import { type FarMeta, parseMeta } from "./meta.ts";
import type { Peer } from "./open.ts";
import { rememberTails } from "./tails.ts";

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
  let handles = 0;
  const far: FarOptions = {
    ...site,
    tails: rememberTails(),
    listings: new Map(),
    handles: { next: () => ++handles },
  };
  const storage = farStorage(far);
  const near = storageSite(storage, { label, cache });

  const described = async (path: string, handle: number, s: Signal): Promise<FarMeta> => {
    const reply = await connection.ask("open", [path, handle], s);
    if (reply.code !== "NOT_FOUND") return parseMeta(path, okText(reply, label, path));
    throw new StorageError("NOT_FOUND", `${label}: ${path} does not exist.`, { details: { remote: label, path } });
  };

  /** With the digests that the cache knows of these versions, or the other end tells. */
  const digested = async (files: readonly FarMeta[], s: Signal): Promise<readonly Digested[]> => {
    const known = files.flatMap((file): readonly Digested[] => {
      const { path, etag, size } = file.meta;
      const sha256 = cache?.get(label, path, etag, size);
      return sha256 === undefined ? [] : [{ ...file, sha256 }];
    });
    const paths = new Set(known.map(({ meta }) => meta.path));
    const unknown = files.filter(({ meta }) => !paths.has(meta.path));
    const fresh = await digestFiles(far, unknown, s);
    for (const { meta, sha256 } of fresh) cache?.set(label, meta.path, meta.etag, meta.size, sha256);
    return [...known, ...fresh].sort((a, b) => comparePaths(a.meta.path, b.meta.path));
  };

  return {
    label,
    storage,
    locks: peer.tools.get("lock") !== "none",
    peer,
    datasets: near.datasets,
    traffic: connection.traffic,

    async inventory(dataset: string, { digests: hashing, signal }: InventoryOptions): Promise<Inventory> {
      const folder = PLACES.dataset(dataset);
      const registry = textAt(storage, PLACES.registry, { signal });
      // Whoever fails first is heard first, and the other one not as an error of its own.
      registry.catch(() => undefined);
      const listing = await listFar(far, folder, { signal });
      if (listing.unspeakable) throw unspeakable(label, dataset);
      const wanted = listing.files.filter(({ meta }) => fileClass(meta.path.slice(folder.length)).kind !== "runtime");
      const files = hashing && storage.digest !== undefined ? await digested(wanted, { signal }) : wanted;
      return {
        files: files.map(({ meta, ...one }): SiteFile => {
          const file = { ...meta, path: meta.path.slice(folder.length) };
          return "sha256" in one ? { ...file, sha256: one.sha256 } : file;
        }),
        registry: await registry,
        digests: hashing && storage.digest !== undefined,
      };
    },

    async digestRanges(
      path: string,
      ranges: readonly ByteRange[],
      s: Signal = {},
    ): Promise<readonly string[] | undefined> {
      if (storage.digest === undefined) return undefined;
      const handle = far.handles.next();
      const one = await described(path, handle, s);
      try {
        for (const range of ranges) checkInside(one, range, label);
        return await mapBounded(ranges, WIDTH, (range) => digestPiece(far, one, { ...range, handle }, s));
      } finally {
        await connection.post("close", [handle]).catch(() => undefined);
      }
    },

    async copyPrefix(from: string, length: number, to: string): Promise<void> {
      checkInside(await described(from, 0, {}), { offset: 0, length }, label);
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

function unspeakable(label: string, dataset: string): RemoteError {
  return new RemoteError(
    "NOT_SUPPORTED",
    `${dataset} on ${label} holds files or folders whose names no path can spell (control characters, backslashes, or no UTF-8).`,
    { hint: "Rename or remove them there.", details: { remote: label, dataset } },
  );
}
