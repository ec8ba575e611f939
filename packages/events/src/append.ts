import type { Signal, Storage } from "@usr/storage";
import { readAll } from "@usr/storage";
import { NEWLINE } from "./decode.ts";
import { encodeEvent } from "./encode.ts";
import type { LoggedEvent } from "./types.ts";

/** Appending takes milliseconds: whoever holds the lock for a minute is stuck. */
const LOCK_TIMEOUT_MS = 60_000;

export interface AppendOptions extends Signal {
  /** Default 60 s. */
  readonly lockTimeoutMs?: number | undefined;
  /** The caller holds `.events.lock` already. Default false. */
  readonly locked?: boolean | undefined;
}

/**
 * Appends an event to the log at `path`, made if absent, and returns when it is on stable storage. Holds `.events.lock` beside the log
 * where the store can lock (`StorageError` `LOCKED` after `lockTimeoutMs`). A torn last line is ended first and otherwise left
 * as it is. A store that cannot append gets the whole log put anew, on condition that it has not changed meanwhile (`CONFLICT`).
 */
export async function appendEvent(
  storage: Storage,
  path: string,
  event: LoggedEvent,
  o: AppendOptions = {},
): Promise<void> {
  const line = encodeEvent(event);
  const lockPath = `${path.slice(0, path.lastIndexOf("/") + 1)}.events.lock`;
  const lock =
    o.locked === true
      ? undefined
      : await storage.lock?.(lockPath, { signal: o.signal, timeoutMs: o.lockTimeoutMs ?? LOCK_TIMEOUT_MS });
  try {
    await append(storage, path, line, o);
  } finally {
    await lock?.[Symbol.asyncDispose]();
  }
}

const append = async (storage: Storage, path: string, line: Uint8Array, o: Signal): Promise<void> => {
  const opened = await storage.open(path, o);
  if (opened === undefined) {
    if (storage.append !== undefined) return storage.append(path, line);
    await storage.put(path, line, { ...o, mode: "create" });
    return;
  }
  await using handle = opened;
  const { size, etag } = handle.meta;
  const torn = size > 0 && (await handle.read(size - 1, 1, o))[0] !== NEWLINE;
  // One write for both, so that no other writer's line comes between.
  const body = torn ? Uint8Array.of(NEWLINE, ...line) : line;
  if (storage.append !== undefined) return storage.append(path, body);
  const whole = new Uint8Array(size + body.length);
  whole.set(await readAll(handle, o));
  whole.set(body, size);
  await storage.put(path, whole, { ...o, mode: { ifMatch: etag } });
};
