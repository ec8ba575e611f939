/// <reference types="node" />
import { getEventListeners } from "node:events";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { memoryStorage, StorageError } from "../src/index.ts";
import { diskStorage } from "../src/node/index.ts";
import { freshFolder } from "./folder.ts";

// What locks owe to holders within one process; lock.test.ts has those of others.

const codeOf = async (work: Promise<AsyncDisposable>): Promise<string> => {
  try {
    await using lock = await work;
    return lock === undefined ? "nothing" : "held";
  } catch (error) {
    if (error instanceof StorageError) return error.code;
    throw error;
  }
};

const openFiles = async (): Promise<number> => (await readdir("/proc/self/fd").catch(() => [])).length;

test("who names no time waits until the lock is free", async () => {
  await using folder = await freshFolder();
  for (const storage of [diskStorage(folder.path), memoryStorage()]) {
    const first = await storage.lock("l");
    let got = false;
    const second = storage.lock("l").then((lock) => {
      got = true;
      return lock;
    });
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(got).toBe(false);
    await first[Symbol.asyncDispose]();
    expect(await codeOf(second)).toBe("held");
  }
});

test("a wait ends with the reason of its signal, before it or during it, and holds nothing", async () => {
  await using folder = await freshFolder();
  for (const storage of [diskStorage(folder.path), memoryStorage()]) {
    const reason = new Error("enough");
    await expect(storage.lock("l", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const first = await storage.lock("l", { timeoutMs: 0 });
    const controller = new AbortController();
    const waiting = storage.lock("l", { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(await codeOf(storage.lock("l", { timeoutMs: 30 }))).toBe("LOCKED");
    await first[Symbol.asyncDispose]();
    expect(await codeOf(storage.lock("l", { timeoutMs: 0 }))).toBe("held");
  }
});

test("a lock is released once: its second disposal does not free that of another", async () => {
  await using folder = await freshFolder();
  for (const storage of [diskStorage(folder.path), memoryStorage()]) {
    const first = await storage.lock("l");
    await first[Symbol.asyncDispose]();
    await using second = await storage.lock("l", { timeoutMs: 0 });
    await first[Symbol.asyncDispose]();
    expect([second !== undefined, await codeOf(storage.lock("l", { timeoutMs: 0 }))]).toEqual([true, "LOCKED"]);
  }
});

test("the error of a lock that is taken says how long was waited, and waiting takes that long", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  await using held = await storage.lock("d/l");
  for (const timeoutMs of [0, 80]) {
    const started = performance.now();
    const error = await storage.lock("d/l", { timeoutMs }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "LOCKED", details: { path: "d/l", timeoutMs } });
    expect(performance.now() - started).toBeGreaterThanOrEqual(timeoutMs);
  }
  expect(held).toBeDefined();
});

test("tries that fail leave no file open", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  {
    await using held = await storage.lock("l");
    const before = await openFiles();
    for (let n = 0; n < 20; n++) expect(await codeOf(storage.lock("l", { timeoutMs: 0 }))).toBe("LOCKED");
    expect([held !== undefined, await openFiles()]).toEqual([true, before]);
  }
  const before = await openFiles();
  for (let n = 0; n < 20; n++) expect(await codeOf(storage.lock("l"))).toBe("held");
  expect(await openFiles()).toBe(before);
});

test("a lock on a file that lost its name is not the lock of that name", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  const first = await storage.lock("l");
  await rename(join(folder.path, "l"), join(folder.path, "old"));
  await using second = await storage.lock("l", { timeoutMs: 0 });
  await using third = await storage.lock("old", { timeoutMs: 0 }).catch(() => undefined);
  expect([second !== undefined, third]).toEqual([true, undefined]);
  await first[Symbol.asyncDispose]();
});

test("a wait listens to its signal while it waits, hears it at once, and leaves no listener", async () => {
  await using folder = await freshFolder();
  for (const storage of [diskStorage(folder.path), memoryStorage()]) {
    const first = await storage.lock("l");
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = (): number => getEventListeners(signal, "abort").length;
    const ends: unknown[] = [];
    const waiting = storage.lock("l", { signal }).catch((reason: unknown) => void ends.push(reason));
    const patient = storage.lock("l", { timeoutMs: 60_000 });
    while (listeners() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(listeners()).toBe(1);
    controller.abort("enough");
    for (let n = 0; n < 20; n++) await Promise.resolve();
    expect([ends, listeners()]).toEqual([["enough"], 0]);
    await waiting;
    await first[Symbol.asyncDispose]();
    const last = new AbortController();
    await (await patient)[Symbol.asyncDispose]();
    await (await storage.lock("l", { signal: last.signal }))[Symbol.asyncDispose]();
    const held = await storage.lock("l");
    const turn = storage.lock("l", { signal: last.signal });
    while (getEventListeners(last.signal, "abort").length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await held[Symbol.asyncDispose]();
    await (await turn)[Symbol.asyncDispose]();
    expect(getEventListeners(last.signal, "abort")).toEqual([]);
  }
});

test("a folder cannot be locked, and the error says what was tried", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  await storage.put("d/a", new Uint8Array(1));
  const details = { path: "d", action: "lock", errno: "EISDIR" };
  await expect(storage.lock("d")).rejects.toMatchObject({ code: "PATH_INVALID", details });
});
