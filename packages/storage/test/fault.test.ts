import { describe, expect, test } from "vitest";
import { memoryStorage, readAll, type Storage, StorageError } from "../src/index.ts";
import { DeadError, type FaultPlan, faultStorage } from "../src/testing/index.ts";
import { textOf, utf8 } from "./folder.ts";

type Memory = ReturnType<typeof memoryStorage>;

async function read(storage: Storage, path: string): Promise<string | undefined> {
  await using handle = await storage.open(path);
  return handle && textOf(await readAll(handle));
}

async function* twoChunks(): AsyncGenerator<Uint8Array, void, undefined> {
  yield utf8("n");
  yield utf8("ew");
}

/** A small commit: stage, log, publish, under a lock. */
async function commit(storage: Storage): Promise<void> {
  await using lock = await storage.lock?.(".lock", { timeoutMs: 0 });
  if (lock === undefined) throw new Error("no lock");
  await storage.put("staged", twoChunks());
  await storage.append?.("log", utf8("new\n"));
  await storage.rename("staged", "data");
}

async function prepared(): Promise<Memory> {
  const inner = memoryStorage();
  await inner.put("data", utf8("old"));
  await inner.append("log", utf8("old\n"));
  return inner;
}

async function outcome(plan: FaultPlan): Promise<{ error: unknown; inner: Memory; calls: readonly string[] }> {
  const inner = await prepared();
  const { storage, calls } = faultStorage(inner, plan);
  const error = await commit(storage).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, inner, calls };
}

const CALLS = [
  "lock .lock",
  "put staged",
  "chunk staged",
  "chunk staged",
  "append log",
  "rename staged data",
  "unlock .lock",
];

test("without a plan every call is counted by name and has its effect", async () => {
  const { error, inner, calls } = await outcome({});
  expect([error, calls]).toEqual([undefined, CALLS]);
  expect([await read(inner, "data"), await read(inner, "log"), await read(inner, "staged")]).toEqual([
    "new",
    "old\nnew\n",
    undefined,
  ]);
});

describe.each(["before", "after"] as const)("death %s call", (on) => {
  test.each(CALLS.map((call, n) => [n + 1, call] as const))(
    "%i (%s) leaves what was done and frees the lock",
    async (failAt, call) => {
      const { error, inner, calls } = await outcome({ failAt, kind: "die", on });
      expect(error).toBeInstanceOf(DeadError);
      // A put that dies after its effect has pulled its chunks.
      expect(calls).toEqual(CALLS.slice(0, call === "put staged" && on === "after" ? 4 : failAt));
      expect(error instanceof DeadError && [call, "put staged"]).toContain(error instanceof DeadError && error.call);
      const done = (step: string): boolean => CALLS.indexOf(step) + (on === "after" ? 0 : 1) < failAt;
      expect(await read(inner, "data")).toBe(done("rename staged data") ? "new" : "old");
      expect(await read(inner, "log")).toBe(done("append log") ? "old\nnew\n" : "old\n");
      const put = on === "after" ? failAt === 2 || failAt >= 5 : failAt >= 5;
      expect(await read(inner, "staged")).toBe(put && !done("rename staged data") ? "new" : undefined);
      await using lock = await inner.lock(".lock", { timeoutMs: 0 });
      expect(lock).toBeDefined();
    },
  );
});

test("the dead stay dead, whatever is called", async () => {
  const inner = await prepared();
  const { storage } = faultStorage(inner, { failAt: 2, kind: "die" });
  const handle = await storage.open("data");
  await expect(storage.delete("data")).rejects.toThrow(DeadError);
  await expect(handle?.read(0, 1)).rejects.toThrow(DeadError);
  await expect(storage.digest?.("data")).rejects.toThrow(DeadError);
  await expect(storage.put("x", utf8("x"))).rejects.toThrow(DeadError);
  await expect(storage.list("")[Symbol.asyncIterator]().next()).rejects.toThrow(DeadError);
  await handle?.[Symbol.asyncDispose]();
  expect(await read(inner, "data")).toBe("old");
});

test("a death in the middle of an append leaves half of the bytes", async () => {
  const { inner } = await outcome({ failAt: CALLS.indexOf("append log") + 1, kind: "die", shortWrite: true });
  expect(await read(inner, "log")).toBe("old\nne");
});

test("an error comes once or for ever, with its code, and frees the lock of the living too", async () => {
  for (const kind of ["error-once", "error-forever"] as const) {
    const { error, inner, calls } = await outcome({ failAt: 5, kind, code: "FULL" });
    const failed = error instanceof SuppressedError ? error.suppressed : error;
    expect(failed instanceof StorageError && failed.code).toBe("FULL");
    expect(calls).toEqual([...CALLS.slice(0, 5), "unlock .lock"]);
    await using lock = await inner.lock(".lock", { timeoutMs: 0 });
    expect([lock !== undefined, await read(inner, "log"), await read(inner, "staged")]).toEqual([true, "old\n", "new"]);
  }
});

test("a lock call that fails after its effect does not leave the lock held", async () => {
  const { error, inner } = await outcome({ failAt: 1, kind: "error-once", on: "after" });
  expect(error instanceof StorageError && error.code).toBe("IO");
  await using lock = await inner.lock(".lock", { timeoutMs: 0 });
  expect(lock).toBeDefined();
});

test("who was at work elsewhere when the process died gets no answer, and what it did stands", async () => {
  const inner = await prepared();
  const { storage } = faultStorage(inner, { failAt: 3, kind: "die" });
  const listing = storage.list("")[Symbol.asyncIterator]();
  expect((await listing.next()).value).toMatchObject({ path: "data" });
  const [put, dying] = await Promise.allSettled([storage.put("new", utf8("x")), storage.delete("data")]);
  for (const end of [put, dying]) expect(end).toMatchObject({ status: "rejected", reason: expect.any(DeadError) });
  await expect(listing.next()).rejects.toThrow(DeadError);
  expect([await read(inner, "new"), await read(inner, "data")]).toEqual(["x", "old"]);
});

test("what the storage can do is counted too, and what it cannot is absent", async () => {
  const memory = memoryStorage();
  const done: string[] = [];
  const inner: Storage = {
    ...memory,
    prune: async (folder) => {
      done.push(`prune ${folder}`);
    },
    async *debris(prefix) {
      done.push(`debris ${prefix}`);
      yield { path: "d/.a.1.tmp", size: 1, etag: "1" };
    },
  };
  const { storage, calls } = faultStorage(inner, { failAt: 9 });
  const { etag } = await storage.put("a", utf8("abc"));
  await storage.extend?.("b", { path: "a", etag, length: 1 }, twoChunks());
  await storage.link?.("a", "c");
  await storage.digest?.("a");
  await storage.prune?.("d");
  for await (const { path } of storage.debris?.("d/") ?? []) expect(path).toBe("d/.a.1.tmp");
  await expect(storage.prune?.("e")).rejects.toMatchObject({ code: "IO", details: { call: "prune e" } });
  expect(calls).toEqual([
    "put a",
    "extend b",
    "chunk b",
    "chunk b",
    "link a c",
    "digest a",
    "prune d",
    "debris d/",
    "prune e",
  ]);
  expect(done).toEqual(["prune d", "debris d/"]);
  expect(await read(inner, "b")).toBe("anew");

  const { open, list, put, rename, delete: remove } = memory;
  const plain = faultStorage({ open, list, put, rename, delete: remove }).storage;
  expect(Object.keys(plain).sort()).toEqual(["delete", "list", "open", "put", "rename"]);
});
