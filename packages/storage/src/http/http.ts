import { checkRange } from "../body.ts";
import { StorageError } from "../error.ts";
import { comparePaths, parsePath, prefixFolder } from "../path.ts";
import type { ObjectMeta, ReadableStorage, ReadHandle, Signal } from "../types.ts";
import { parseIndex } from "./http-index.ts";
import { bodyUpTo, contentRange, refusal, request, sameVersion, type Version, versionOf } from "./response.ts";

export interface HttpOptions {
  /** What is there: HTTP cannot list. Given as entries, or as the URL path (relative to the base) of a JSON array of them, fetched by `list`. */
  readonly index: readonly ObjectMeta[] | string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/** A server that ignores ranges sends the whole object; up to this size that is taken, beyond it the read is refused. */
const LARGEST_WHOLE = 8 * 2 ** 20;

/**
 * Objects under `baseUrl`, read only. `open` asks for the first byte, which tells size and version and whether ranges work. Every read asks for
 * that version: a replaced object is a `CONFLICT`. 404 and 410 = no such object. An entry of the index gives the `etag` of the handle, so that
 * both can be compared; an entry whose size is not the server's is a `CONFLICT`.
 */
export function httpStorage(baseUrl: string | URL, o: HttpOptions): ReadableStorage {
  if (o?.index === undefined) throw new TypeError("HTTP cannot list: give httpStorage an index.");
  const base = new URL(baseUrl);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const ask = o.fetch ?? fetch;
  let known = typeof o.index === "string" ? new Map<string, ObjectMeta>() : byPath(o.index);

  const loadIndex = async (signal: AbortSignal | undefined): Promise<ReadonlyMap<string, ObjectMeta>> => {
    if (typeof o.index !== "string") return known;
    const url = new URL(o.index, base);
    const response = await request(ask, url, o.index, { signal: signal ?? null, cache: "no-cache" });
    if (!response.ok) throw await refusal(response, o.index);
    known = byPath(await parseIndex(response, o.index));
    return known;
  };

  return {
    async open(path: string, { signal }: Signal = {}): Promise<ReadHandle | undefined> {
      const url = urlOf(base, parsePath(path));
      const first = await request(ask, url, path, { signal: signal ?? null, headers: { Range: "bytes=0-0" } });
      if (first.status === 404 || first.status === 410) {
        await first.body?.cancel();
        return undefined;
      }
      const version = await firstVersion(first, path);
      const entry = known.get(path);
      if (entry !== undefined && entry.size !== version.size) throw replaced(path, "since the index was written");
      return handleOf(ask, url, entry ?? metaOf(path, version), version);
    },

    async *list(prefix: string, { signal }: Signal = {}): AsyncGenerator<ObjectMeta, void, undefined> {
      prefixFolder(prefix);
      const entries = await loadIndex(signal);
      for (const path of [...entries.keys()].sort(comparePaths)) {
        signal?.throwIfAborted();
        const entry = entries.get(path);
        if (entry !== undefined && path.startsWith(prefix)) yield entry;
      }
    },
  };
}

function handleOf(ask: typeof fetch, url: URL, meta: ObjectMeta, version: Version): ReadHandle {
  const { path } = meta;
  let whole: Promise<Uint8Array> | undefined;

  const readRange = async (offset: number, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> => {
    const headers = { Range: `bytes=${offset}-${offset + length - 1}`, ...version.ifMatch };
    const response = await request(ask, url, path, { signal: signal ?? null, headers });
    if (response.status === 412 || response.status === 416 || response.status === 404 || response.status === 410) {
      await response.body?.cancel();
      throw replaced(path, "while it was open");
    }
    if (response.status !== 206) throw await refusal(response, path);
    const range = contentRange(response);
    if (!sameVersion(version, versionOf(response, range?.total)) || range?.start !== offset) {
      await response.body?.cancel();
      throw replaced(path, "while it was open");
    }
    return await bytesOf(response, path, length, signal);
  };

  // A range is asked for here too: it keeps the answer free of content encodings, whose length is another.
  const readWhole = async (): Promise<Uint8Array> => {
    const response = await request(ask, url, path, { headers: { Range: "bytes=0-", ...version.ifMatch } });
    if (response.status === 412 || response.status === 404 || response.status === 410)
      throw replaced(path, "while it was open");
    if (!response.ok) throw await refusal(response, path);
    if (!sameVersion(version, versionOf(response, undefined))) throw replaced(path, "while it was open");
    return await bytesOf(response, path, meta.size);
  };

  return {
    meta,
    async read(offset: number, length: number, { signal }: Signal = {}): Promise<Uint8Array> {
      signal?.throwIfAborted();
      checkRange(meta, offset, length);
      if (length === 0) return new Uint8Array(0);
      if (version.ranges) return await readRange(offset, length, signal);
      if (meta.size > LARGEST_WHOLE) throw noRanges(path, meta.size);
      // One download serves all reads of the handle, so no single reader's signal may end it.
      whole ??= readWhole().catch((error: unknown) => {
        whole = undefined;
        throw error;
      });
      return (await whole).slice(offset, offset + length);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      whole = undefined;
    },
  };
}

/** What the answer to a request for the first byte tells about the object. */
async function firstVersion(response: Response, path: string): Promise<Version> {
  const range = contentRange(response);
  const { status } = response;
  if (status !== 200 && status !== 206 && status !== 416) throw await refusal(response, path);
  await response.body?.cancel();
  if (status !== 200) {
    if (range?.total !== undefined && (status === 206 || range.total === 0)) return versionOf(response, range.total);
    throw new StorageError("NOT_SUPPORTED", `The server does not tell the size of ${path}.`, {
      hint: "Let it send (and, across origins, expose) the header Content-Range.",
      details: { path, status },
    });
  }
  const { size } = versionOf(response, undefined);
  if (Number.isSafeInteger(size) && !response.headers.has("content-encoding"))
    return { ...versionOf(response, size), ranges: false };
  throw new StorageError("NOT_SUPPORTED", `The server ignores ranges and does not tell the size of ${path}.`, {
    hint: "Use a server that answers Range requests.",
    details: { path },
  });
}

async function bytesOf(
  response: Response,
  path: string,
  length: number,
  signal?: AbortSignal | undefined,
): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await bodyUpTo(response, length);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new StorageError("IO", `The connection broke while reading ${path}.`, {
      hint: "Try again.",
      details: { path },
      cause: error,
    });
  }
  if (bytes?.length === length) return bytes;
  const sent = bytes === undefined ? `more than the ${length} bytes` : `${bytes.length} of the ${length} bytes`;
  throw new StorageError("IO", `The server sent ${sent} asked from ${path}.`, {
    hint: "Try again; if it happens again, something between here and the server alters answers.",
    details: { path, length, ...(bytes && { received: bytes.length }) },
  });
}

function metaOf(path: string, version: Version): ObjectMeta {
  const modifiedMs = Date.parse(version.lastModified ?? "");
  return {
    path,
    size: version.size,
    etag: version.etag ?? `${version.size}-${version.lastModified ?? ""}`,
    ...(Number.isNaN(modifiedMs) ? {} : { modifiedMs }),
  };
}

function urlOf(base: URL, path: string): URL {
  return new URL(path.split("/").map(encodeURIComponent).join("/"), base);
}

function byPath(entries: readonly ObjectMeta[]): Map<string, ObjectMeta> {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

function replaced(path: string, when: string): StorageError {
  return new StorageError("CONFLICT", `${path} was replaced on the server ${when}.`, {
    hint: "Open it again.",
    details: { path },
  });
}

function noRanges(path: string, size: number): StorageError {
  return new StorageError(
    "NOT_SUPPORTED",
    `The server ignores ranges, and ${path} is too large (${size} bytes) to be read whole.`,
    {
      hint: "Use a server that answers Range requests.",
      details: { path, size, limit: LARGEST_WHOLE },
    },
  );
}
