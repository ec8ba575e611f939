import type { ReadableStorage, Storage } from "@usr/storage";
import { StorageError } from "@usr/storage";
import { DatasetError } from "../../error.ts";
import { EVENTS_LOCK, LOCK, ownerOfLock, REGISTRY_FILE, temporariesOf } from "../../layout.ts";
import { readText } from "../../read/objects.ts";
import type { WritableRoot } from "../types.ts";

const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Takes the kernel lock of a dataset (or of the root, its folder), and leaves an owner record beside it while it is held. The record explains a wait to
 * people; it never decides anything. Records that a killed owner did not finish are removed. Throws `LOCKED` with the owner when the time
 * is up.
 *
 * @param what what the lock guards, for the message
 */
export const takeLock = async (storage: Storage, what: string, root: WritableRoot): Promise<AsyncDisposable> => {
  const held = await acquire(storage, LOCK, what, root);
  const ownerPath = ownerOfLock(LOCK);
  const record = { ...root.owner, since: new Date(Number(root.clock() / 1000n)).toISOString() };
  try {
    await sweepTemporaries(storage, ownerPath);
    // What a loss of power undoes is of no use to anyone: with the power the lock is gone.
    await storage.put(ownerPath, new TextEncoder().encode(`${JSON.stringify(record)}\n`), { durable: false });
  } catch (cause) {
    await held[Symbol.asyncDispose]();
    throw cause;
  }
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      // A record that stays behind is harmless: it is shown only while the kernel lock is held, and the next owner replaces it. A lock
      // that cannot be released ends with the process. Neither may make a finished commit look failed.
      await Promise.allSettled([storage.delete(ownerPath, { durable: false })]);
      await Promise.allSettled([held[Symbol.asyncDispose]()]);
    },
  };
};

/** Takes the lock of the root, under which its registry is written, and removes what interrupted writes of it left. */
export const takeRegistryLock = async (root: WritableRoot): Promise<AsyncDisposable> => {
  const held = await takeLock(root.storage, `the registry of ${root.label}`, root);
  try {
    await sweepTemporaries(root.storage, REGISTRY_FILE);
  } catch (cause) {
    await held[Symbol.asyncDispose]();
    throw cause;
  }
  return held;
};

/** Removes what interrupted writes of an object left. Call it under the lock that keeps its other writers out. */
const sweepTemporaries = async (storage: Storage, path: string): Promise<void> => {
  if (storage.debris === undefined) return;
  const left: string[] = [];
  for await (const meta of storage.debris(temporariesOf(path))) left.push(meta.path);
  for (const name of left) await storage.delete(name);
};

/**
 * Takes the lock of the event log, which every program holds for the moment of an append; it has no owner record. A commit takes it before
 * its first step: past that, a log that cannot be had would leave a change without its event.
 */
export const takeEventsLock = (storage: Storage, id: string, root: WritableRoot): Promise<AsyncDisposable> =>
  acquire(storage, EVENTS_LOCK, `the event log of ${id}`, root);

const acquire = async (storage: Storage, path: string, what: string, root: WritableRoot): Promise<AsyncDisposable> => {
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
    const owner = await lockOwner(storage, path);
    throw new DatasetError("LOCKED", `${what} is being written by ${owner}; waited ${timeoutMs / 1000} s`, {
      hint: "Wait for that command to end, or give more time with --lock-timeout.",
      details: { path, owner, timeoutMs },
      cause,
    });
  }
};

/** Who holds the lock at `path`, for people: as its owner record says, which may be out of date. */
export const lockOwner = async (storage: ReadableStorage, path: string): Promise<string> => {
  const text = (await readText(storage, ownerOfLock(path)))?.trim() ?? "";
  const record = parsed(text);
  if (record === undefined) return text === "" ? "another process" : text;
  const { command, pid, host, since } = record;
  return `usr ${command} (process ${pid} on ${host}, since ${since})`;
};

/** An owner record as this program writes it; others write what they like. */
const parsed = (text: string): Readonly<Record<"command" | "pid" | "host" | "since", unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    if (!("command" in value && "pid" in value && "host" in value && "since" in value)) return undefined;
    return { command: value.command, pid: value.pid, host: value.host, since: value.since };
  } catch {
    return undefined;
  }
};
