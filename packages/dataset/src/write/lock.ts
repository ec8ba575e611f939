import type { Storage } from "@usr/storage";
import { readAll, StorageError } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { EVENTS_LOCK } from "../layout.ts";
import type { WritableRoot } from "./types.ts";

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Takes the kernel lock at `path` and leaves an owner record beside it while it is held. The record explains a wait to people; it
 * never decides anything. Throws `LOCKED` with the owner when the time is up.
 */
export const takeLock = async (storage: Storage, path: string, root: WritableRoot): Promise<AsyncDisposable> => {
  const held = await acquire(storage, path, root);
  const ownerPath = `${path}.owner`;
  const record = { ...root.owner, since: new Date(Number(root.clock() / 1000n)).toISOString() };
  try {
    await storage.put(ownerPath, new TextEncoder().encode(`${JSON.stringify(record)}\n`));
  } catch (cause) {
    await held[Symbol.asyncDispose]();
    throw cause;
  }
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      // A record that stays behind is harmless: it is shown only while the kernel lock is held, and the next owner replaces it. A lock
      // that cannot be released ends with the process. Neither may make a finished commit look failed.
      await Promise.allSettled([storage.delete(ownerPath)]);
      await Promise.allSettled([held[Symbol.asyncDispose]()]);
    },
  };
};

/**
 * Takes the lock of the event log, which every program holds for the moment of an append; it has no owner record. A commit takes it before
 * its first step: past that, a log that cannot be had would leave a change without its event.
 */
export const takeEventsLock = (storage: Storage, root: WritableRoot): Promise<AsyncDisposable> =>
  acquire(storage, EVENTS_LOCK, root);

const acquire = async (storage: Storage, path: string, root: WritableRoot): Promise<AsyncDisposable> => {
  if (storage.lock === undefined) {
    throw new DatasetError(
      "NOT_SUPPORTED",
      `the store of ${root.label} has no locks, so nothing may be written to it`,
      {
        hint: "Open the root through a storage with locks (a local disk), or copy it there.",
        details: { path },
      },
    );
  }
  const timeoutMs = root.lockTimeoutMs ?? DEFAULT_TIMEOUT_MS;
  try {
    return await storage.lock(path, { timeoutMs });
  } catch (cause) {
    if (!(cause instanceof StorageError) || cause.code !== "LOCKED") throw cause;
    const owner = await readOwner(storage, `${path}.owner`);
    throw new DatasetError("LOCKED", `${path} is held by ${owner ?? "another process"}; waited ${timeoutMs / 1000} s`, {
      hint: "Wait for that command to end, or give more time with --lock-timeout.",
      details: { path, owner, timeoutMs },
      cause,
    });
  }
};

const readOwner = async (storage: Storage, path: string): Promise<string | undefined> => {
  const handle = await storage.open(path);
  if (handle === undefined) return undefined;
  await using opened = handle;
  return new TextDecoder().decode(await readAll(opened)).trim();
};
