import { type ObjectMeta, parsePath, type ReadHandle, type Signal, type Storage } from "@usr/storage";
import { checkRange, lockedError, parseTarget } from "@usr/storage/adapter";
import { RemoteError } from "../error.ts";
import { digestFiles } from "./far-digest.ts";
import { okText } from "./far-error.ts";
import { listFar } from "./far-list.ts";
import type { FarOptions } from "./far-options.ts";
import { startPut, temporaryFor } from "./far-put.ts";
import { type FarMeta, parseMeta } from "./meta.ts";

/** A wait for a lock that someone at the other end holds asks this often: seldom enough to be no burden. */
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1_000;
/** One request for data asks for no more, so that it can be stopped and others get their turn. */
const LONGEST_READ = 4 * 2 ** 20;

/** A storage whose root lies at the other end of a connection. `digest` is absent where the other end has no program for it. */
export type FarStorage = Omit<Required<Storage>, "digest" | "extend"> & Pick<Storage, "digest">;

/**
 * The storage at the other end. Two weaknesses against a disk storage, both where the other end is the helper: a handle fails with `CONFLICT` when
 * its file is replaced or removed meanwhile (it does not keep the old bytes), and there are at most five locks at once.
 */
export function farStorage(o: FarOptions): FarStorage {
  const { connection, peer, label } = o;

  /** A request whose only news is that it worked. */
  const order = async (verb: "delete" | "rename" | "link" | "prune", ...paths: readonly string[]): Promise<void> => {
    okText(await connection.ask(verb, paths), label, paths[0]!);
  };

  const find = async (path: string, id: number, s: Signal): Promise<FarMeta | undefined> => {
    const reply = await connection.ask("open", [path, id], s);
    return reply.code === "NOT_FOUND" ? undefined : parseMeta(path, okText(reply, label, path));
  };

  const storage: FarStorage = {
    async open(path, s = {}): Promise<ReadHandle | undefined> {
      parsePath(path);
      const id = o.handles.next();
      const found = await find(path, id, s);
      return found && handleOf(o, found, id);
    },

    async *list(prefix, s = {}): AsyncGenerator<ObjectMeta, void, undefined> {
      for (const { meta } of (await listFar(o, prefix, s)).files) {
        s.signal?.throwIfAborted();
        yield meta;
      }
    },

    async *debris(prefix, s = {}): AsyncGenerator<ObjectMeta, void, undefined> {
      for (const { meta } of (await listFar(o, prefix, s)).temporaries) {
        s.signal?.throwIfAborted();
        yield meta;
      }
    },

    async put(path, body, s = {}): Promise<ObjectMeta> {
      parseTarget(path);
      s.signal?.throwIfAborted();
      const put = await startPut(o, path, temporaryFor(path, o.random), s.mode ?? "overwrite");
      return parseMeta(path, await put.all(body, s)).meta;
    },

    async delete(path): Promise<void> {
      await order("delete", parsePath(path));
    },

    async rename(from, to): Promise<void> {
      await order("rename", parsePath(from), parseTarget(to));
    },

    async link(from, to): Promise<void> {
      await order("link", parsePath(from), parseTarget(to));
    },

    async prune(folder): Promise<void> {
      await order("prune", parsePath(folder));
    },

    async append(path, body): Promise<void> {
      parseTarget(path);
      const put = await startPut(o, path, temporaryFor(path, o.random), "append");
      await put.all(body, {});
    },

    async lock(path, s = {}): Promise<AsyncDisposable> {
      parseTarget(path);
      const started = performance.now();
      for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
        s.signal?.throwIfAborted();
        // Not given up half way: nobody would give back a lock that came after the signal.
        const reply = await connection.ask("lock", [path]);
        if (reply.code !== "LOCKED") return heldLock(o, path, okText(reply, label, path));
        const left = s.timeoutMs === undefined ? LONGEST_WAIT_MS : s.timeoutMs - (performance.now() - started);
        if (left <= 0) throw lockedError(path, s.timeoutMs ?? 0);
        await pause(Math.min(wait, left), s.signal);
      }
    },
  };

  const digest = async (path: string, s: Signal = {}): Promise<string | undefined> => {
    const found = await find(parsePath(path), 0, s);
    return found && (await digestFiles(o, [found], s))[0]?.sha256;
  };

  return peer.tools.get("sha256") === "none" ? storage : { ...storage, digest };
}

function handleOf({ connection, label, tails }: FarOptions, { identity, meta }: FarMeta, id: number): ReadHandle {
  const { path, etag, size } = meta;
  let open = true;
  return {
    meta,
    async read(offset, length, s = {}): Promise<Uint8Array> {
      s.signal?.throwIfAborted();
      checkRange(meta, offset, length);
      const end = tails.endOf(path, etag, offset, length);
      const bytes = new Uint8Array(length);
      bytes.set(end, length - end.length);
      for (let done = 0; done < length - end.length; ) {
        const expected = Math.min(length - end.length - done, LONGEST_READ);
        const reply = await connection.ask("read", [path, identity, offset + done, expected, id], { ...s, expected });
        okText(reply, label, path);
        bytes.set(reply.data, done);
        done += expected;
      }
      if (length > 0 && offset + length === size) tails.keep(path, etag, offset, bytes);
      return bytes;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      if (!open) return;
      open = false;
      // Nothing depends on the answer, and a broken connection has closed it anyway.
      await connection.post("close", [id]).catch(() => undefined);
    },
  };
}

function heldLock({ connection, label }: FarOptions, path: string, slot: string): AsyncDisposable {
  let held = true;
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      if (!held) return;
      held = false;
      const reply = await connection.ask("unlock", [slot]).catch((error: unknown) => {
        // Whoever lost the connection lost the lock with it.
        if (error instanceof RemoteError && error.code === "UNREACHABLE") return undefined;
        throw error;
      });
      if (reply !== undefined) okText(reply, label, path);
    },
  };
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
