import { type PutMode, parsePath, type ReadHandle, type Storage, StorageError } from "@usr/storage";
import { joinChunks } from "@usr/storage/adapter";
import { sha256Hex } from "../sha256.ts";
import { byteReader } from "./bytes.ts";
import { type Incoming, incoming } from "./incoming.ts";
import { difference, type Listing, pack } from "./listing.ts";
import { formatMeta } from "./meta.ts";
import { LONGEST_BODY, PROTOCOL, type Request, readRequest } from "./wire.ts";

const utf8 = new TextEncoder();

/** What serving needs from its surroundings. */
export interface ServeOptions {
  /** Requests. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Replies; resolves when more may be written. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Marks the first line, so that it is found behind whatever else was printed. */
  readonly marker: string;
  /** The root the other end asks for; a `StorageError` where there is none. */
  readonly open: (root: string) => Promise<ServedRoot>;
}

export interface ServedRoot {
  readonly storage: Required<Storage>;
  /** As the system spells it, with a slash at its end. */
  readonly root: string;
  /** Kilobytes that are free. */
  readonly space: () => Promise<number>;
}

/**
 * Answers the requests of an ssh transport from a storage, one after the other, until they end: what an installed usr does at the far end, in
 * place of the helper. Locks and handles that the other end did not give back are released then. Rejects with a `RemoteError` when the input is
 * no request; the state of the storage is then that of the last answer.
 */
export async function serve(o: ServeOptions): Promise<void> {
  const reader = byteReader(o.input);
  await o.write(utf8.encode(`\n${o.marker} usr-remote ${PROTOCOL} usr\n`));
  const session: Session = {
    write: o.write,
    open: o.open,
    served: undefined,
    handles: new Map(),
    locks: new Map(),
    listings: new Map(),
    lastListing: 0,
    puts: new Map(),
    lastLock: 0,
  };
  try {
    for (let request = await readRequest(reader); request; request = await readRequest(reader)) {
      const line = await answer(session, request);
      await o.write(utf8.encode(`${line.replaceAll("\n", " ").trimEnd()}\n`));
    }
  } finally {
    for (const put of session.puts.values()) await put.abort();
    for (const handle of session.handles.values()) await handle[Symbol.asyncDispose]();
    for (const lock of session.locks.values()) await lock[Symbol.asyncDispose]();
  }
}

interface Session {
  readonly write: ServeOptions["write"];
  readonly open: ServeOptions["open"];
  served: ServedRoot | undefined;
  readonly handles: Map<string, ReadHandle>;
  readonly locks: Map<string, AsyncDisposable>;
  readonly listings: Map<string, Listing>;
  lastListing: number;
  readonly puts: Map<string, Incoming>;
  lastLock: number;
}

/** The last line of the reply; everything before it is written already. */
async function answer(session: Session, request: Request): Promise<string> {
  try {
    if (request.verb === "hello") return await hello(session, request);
    if (session.served === undefined) return "IO no root was opened";
    const action = Object.hasOwn(ACTIONS, request.verb) ? ACTIONS[request.verb] : undefined;
    if (action === undefined) return `NOT_SUPPORTED no request ${request.verb}`;
    return await action(session.served.storage, request, session);
  } catch (error) {
    if (error instanceof StorageError) return `${error.code} ${error.message}`;
    return `IO ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function hello(session: Session, { args: [root = ""] }: Request): Promise<string> {
  const served = await session.open(root);
  session.served = served;
  await session.write(utf8.encode("=sync file\n=sha256 usr\n=lock flock\n=exact usr\n"));
  return `ok ${served.root}`;
}

type Action = (storage: Required<Storage>, request: Request, session: Session) => Promise<string>;

const ACTIONS: Readonly<Record<string, Action>> = {
  /** FOLDER KNOWN: as the helper does it, but every listing has a number, and none is packed when it is small. */
  async list(storage, { args: [folder = ".", known = "0"] }, session) {
    const { write, listings } = session;
    const prefix = folder === "." ? "" : `${parsePath(folder)}/`;
    const now = new Set<string>();
    for (const listing of [storage.list(prefix), storage.debris(prefix)]) {
      for await (const meta of listing) now.add(`~${formatMeta(meta)}|./${meta.path}`);
    }
    const before = listings.get(folder);
    const number = String(++session.lastListing);
    listings.set(folder, { number, lines: now });
    const compared = before !== undefined && before.number === known;
    if (compared) await write(utf8.encode("^\n"));
    for (const line of await pack(compared ? difference(now, before.lines) : [...now])) {
      await write(utf8.encode(`${line}\n`));
    }
    return `ok ${number}`;
  },

  /** PATH HANDLE; the handle 0 is none. */
  async open(storage, { args: [path = "", id = "0"] }, { handles }) {
    const handle = await storage.open(path);
    if (handle === undefined) return "NOT_FOUND";
    if (id === "0") await handle[Symbol.asyncDispose]();
    else handles.set(id, handle);
    return `ok ${formatMeta(handle.meta)}`;
  },

  async close(_storage, { args: [id = ""] }, { handles }) {
    const handle = handles.get(id);
    handles.delete(id);
    await handle?.[Symbol.asyncDispose]();
    return "ok";
  },

  async read(_storage, { args: [path = "", , offset, length, id = ""] }, { handles, write }) {
    const handle = handles.get(id);
    let bytes = new Uint8Array(Number(length));
    let line = "ok";
    try {
      if (handle === undefined) throw new StorageError("CONFLICT", `${path} is not open.`);
      bytes = new Uint8Array(await handle.read(Number(offset), Number(length)));
    } catch (error) {
      // As many bytes as were asked for come in any case.
      if (!(error instanceof StorageError)) throw error;
      line = `${error.code} ${error.message}`;
    }
    await write(utf8.encode(`+${length}\n`));
    await write(bytes);
    return line;
  },

  async digest(_storage, { args: [path = "", , offset, length, id = ""] }, { handles }) {
    const handle = handles.get(id);
    if (handle === undefined) throw new StorageError("CONFLICT", `${path} is not open.`);
    return `ok ${await sha256Hex(piecesOf(handle, Number(offset), Number(length)))}`;
  },

  async digests(storage, { args }, { write }) {
    for (const path of args) {
      await using handle = await storage.open(path);
      const sha256 = handle && (await storage.digest(path));
      if (handle === undefined || sha256 === undefined) continue;
      await write(utf8.encode(`#${sha256}  ./${path}\n~${formatMeta(handle.meta)}|./${path}\n`));
    }
    return "ok";
  },

  async begin(storage, { args: [id = "", path = "", mode = ""] }, { puts }) {
    await puts.get(id)?.abort();
    if (mode === "append") {
      puts.set(id, collected(storage, path));
      return "ok";
    }
    const how: PutMode = mode === "overwrite" || mode === "create" ? mode : { ifMatch: mode };
    puts.set(
      id,
      incoming(async (body) => `ok ${formatMeta(await storage.put(path, body, { mode: how }))}`),
    );
    return "ok";
  },

  async write(_storage, { args: [id = ""], body }, { puts }) {
    await underWay(puts, id).add(body);
    return "ok";
  },

  async copy(storage, { args: [id = "", from = "", length] }, { puts }) {
    const put = underWay(puts, id);
    await using handle = await storage.open(from);
    if (handle === undefined) return "NOT_FOUND";
    for await (const piece of piecesOf(handle, 0, Number(length))) await put.add(piece);
    return "ok";
  },

  async commit(_storage, { args: [id = "", , , size] }, { puts }) {
    return await ended(puts, id, Number(size));
  },

  async append(_storage, { args: [, id = "", size] }, { puts }) {
    return await ended(puts, id, Number(size));
  },

  async abort(_storage, { args: [id = ""] }, { puts }) {
    const put = puts.get(id);
    puts.delete(id);
    await put?.abort();
    return "ok";
  },

  async delete(storage, { args: [path = ""] }) {
    await storage.delete(path);
    return "ok";
  },

  async rename(storage, { args: [from = "", to = ""] }) {
    await storage.rename(from, to);
    return "ok";
  },

  async link(storage, { args: [from = "", to = ""] }) {
    await storage.link(from, to);
    return "ok";
  },

  async lock(storage, { args: [path = ""] }, session) {
    const lock = await storage.lock(path, { timeoutMs: 0 });
    const slot = String(++session.lastLock);
    session.locks.set(slot, lock);
    return `ok ${slot}`;
  },

  async unlock(_storage, { args: [slot = ""] }, { locks }) {
    const lock = locks.get(slot);
    locks.delete(slot);
    await lock?.[Symbol.asyncDispose]();
    return "ok";
  },

  async prune(storage, { args: [folder = ""] }) {
    await storage.prune(folder);
    return "ok";
  },

  async space(_storage, _request, { served }) {
    return `ok ${await served?.space()}`;
  },
};

function collected(storage: Required<Storage>, path: string): Incoming {
  return incoming(async (body) => {
    await storage.append(path, await joinChunks(body));
    return "ok";
  });
}

function underWay(puts: ReadonlyMap<string, Incoming>, id: string): Incoming {
  const put = puts.get(id);
  if (put !== undefined) return put;
  throw new StorageError("IO", "that write was not begun");
}

async function ended(puts: Map<string, Incoming>, id: string, size: number): Promise<string> {
  const put = underWay(puts, id);
  puts.delete(id);
  return await put.end(size);
}

async function* piecesOf(handle: ReadHandle, offset: number, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += LONGEST_BODY) {
    yield await handle.read(offset + at, Math.min(LONGEST_BODY, length - at));
  }
}
