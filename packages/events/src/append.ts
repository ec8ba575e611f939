import type { Signal, Storage } from "@usr/storage";
import { appendBytes } from "./append-bytes.ts";
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
    await appendBytes(storage, path, line, { signal: o.signal, beginsLine: true });
  } finally {
    await lock?.[Symbol.asyncDispose]();
  }
}
