import { describe, expect, test } from "vitest";
import { memoryStorage, type ReadHandle, type Storage, StorageError } from "../src/index.ts";
import { DeadError, type FaultPlan, faultStorage, storageConformance } from "../src/testing/index.ts";
import { utf8 } from "./folder.ts";

// What a plan of faults means, call by call; and that the conformance suite finds storages that break the law.

describe("of three calls with the second to fail", () => {
  test.each<readonly [FaultPlan, string, string]>([
    [{ kind: "error-once" }, "done failed done", "a c"],
    [{}, "done failed done", "a c"],
    [{ kind: "error-forever" }, "done failed failed", "a"],
    [{ kind: "die" }, "done dead dead", "a"],
    [{ kind: "error-once", on: "after" }, "done failed done", "a b c"],
    [{ kind: "error-forever", on: "after" }, "done failed failed", "a b"],
    [{ kind: "die", on: "after" }, "done dead dead", "a b"],
    [{ kind: "error-once", shortWrite: true }, "done failed done", "a b c"],
    [{ kind: "die", shortWrite: true }, "done dead dead", "a b"],
  ])("by %o: %s", async (plan, answers, objects) => {
    const inner = memoryStorage();
    const { storage, calls } = faultStorage(inner, { failAt: 2, ...plan });
    const ends: string[] = [];
    for (const path of ["a", "b", "c"])
      ends.push(
        await (storage.append?.(path, utf8("bytes")) ?? Promise.resolve()).then(
          () => "done",
          (error: unknown) => (error instanceof DeadError ? "dead" : error instanceof StorageError ? "failed" : "?"),
        ),
      );
    const left: string[] = [];
    for await (const { path, size } of inner.list("")) {
      left.push(path);
      expect([path, size]).toEqual([path, plan.shortWrite && path === "b" ? 2 : 5]);
    }
    expect([ends.join(" "), left.join(" ")]).toEqual([answers, objects]);
    // A dead process calls nothing.
    expect(calls).toEqual(["append a", "append b", ...(plan.kind === "die" ? [] : ["append c"])]);
  });
});

test("each call is told by its name, and by the dead too", async () => {
  const inner = memoryStorage();
  const { storage, calls } = faultStorage(inner, { failAt: 6, kind: "die" });
  await storage.put("a", utf8("abc"));
  const handle = await storage.open("a");
  await handle?.read(0, 1);
  for await (const _ of storage.list("a")) break;
  expect(await storage.open("none")).toBe(undefined);
  const death = await storage.delete("a").catch((error: unknown) => error);
  expect(String(death)).toBe("DeadError: The process died at or before delete a.");
  expect(calls).toEqual(["put a", "open a", "read a", "list a", "open none", "delete a"]);
});

test("a handle is given back once: by who opened it, or by the death of the process", async () => {
  const memory = memoryStorage();
  await memory.put("a", utf8("abc"));
  const given: string[] = [];
  const inner: Storage = {
    ...memory,
    async open(path): Promise<ReadHandle | undefined> {
      const handle = await memory.open(path);
      return handle && { ...handle, [Symbol.asyncDispose]: async () => void given.push(path) };
    },
  };
  const living = await faultStorage(inner).storage.open("a");
  expect(given).toEqual([]);
  for (let n = 0; n < 2; n++) await living?.[Symbol.asyncDispose]();
  expect(given).toEqual(["a"]);
  const { storage } = faultStorage(inner, { failAt: 2, kind: "die" });
  const orphan = await storage.open("a");
  await expect(storage.delete("b")).rejects.toThrow(DeadError);
  expect(given).toEqual(["a", "a"]);
  await orphan?.[Symbol.asyncDispose]();
  expect(given).toEqual(["a", "a"]);
});

describe("the suite finds a storage", () => {
  const refusing = (error: (path: string) => Error, storage: Storage): Storage => ({
    ...storage,
    open: (path, o) => storage.open(path, o).catch(() => Promise.reject(error(path))),
  });
  test.each<readonly [string, (storage: Storage) => Storage, RegExp]>([
    [
      "that throws errors of its own",
      (s) => refusing(() => new Error("no"), s),
      /throws a StorageError \(got Error: no\)/,
    ],
    [
      "that says nothing",
      (s) => refusing(() => new StorageError("PATH_INVALID", ""), s),
      /a readable message \(got \)/,
    ],
    [
      "that says undefined",
      (s) => refusing(() => new StorageError("PATH_INVALID", "undefined is no path"), s),
      /a readable message \(got undefined is no path\)/,
    ],
    [
      "that gives another code",
      (s) => refusing(() => new StorageError("IO", "No."), s),
      /: code: expected "PATH_INVALID", got "IO"/,
    ],
    ["without what it promises", ({ link: _, ...s }) => s, /the storage has the capability link its flags promise/],
    ["whose appends are lost", (s) => ({ ...s, append: async () => undefined }), /content: expected "one/],
    [
      "whose locks are free",
      (s) => ({ ...s, lock: async () => ({ [Symbol.asyncDispose]: async () => undefined }) }),
      /one try throws a StorageError \(got undefined\)/,
    ],
    [
      "whose names tell the same however they change",
      (s) => ({ ...s, put: async (...args) => ({ ...(await s.put(...args)), etag: "1" }) }),
      /content and etags: expected \["three",4\], got \["three",1\]/,
    ],
    [
      "whose extensions keep the tag",
      (s) => ({
        ...s,
        extend: async (path, from, body) => ({ ...(await s.extend!(path, from, body)), etag: from.etag }),
      }),
      /does not hold: the etag changes/,
    ],
  ])("%s", async (_, broken, message) => {
    const flags = { write: true, digest: true, extend: true, link: true, append: true, lock: true, calls: 1 };
    const cases = storageConformance("it", async () => ({ storage: broken(memoryStorage()) }), flags);
    const said: string[] = [];
    for (const { name, run } of cases) {
      expect(name).toMatch(/^it: ..../);
      await run().catch((error: unknown) => said.push(String(error)));
    }
    expect(said.find((text) => message.test(text)) ?? said).toMatch(message);
  });
});
