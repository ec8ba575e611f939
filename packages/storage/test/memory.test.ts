/// <reference types="node" />
import { describe, expect, test } from "vitest";
import { isTemporary } from "../src/adapter/index.ts";
import {
  comparePaths,
  memoryStorage,
  type ReadHandle,
  readAll,
  type Storage,
  StorageError,
  scopedStorage,
} from "../src/index.ts";
import { diskStorage } from "../src/node/index.ts";
import { freshFolder, textOf, utf8 } from "./folder.ts";

// What memory, disks and subtrees have in common beyond the conformance suite.

const listed = async (storage: Storage, prefix = "", left?: string): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of storage.list(prefix, { except: (at) => at === left })) found.push(path);
  return found;
};

const codeOf = (work: Promise<unknown> | undefined): Promise<unknown> =>
  (work ?? Promise.resolve()).then(
    () => "done",
    (error: unknown) => (error instanceof StorageError ? error.code : error),
  );

type Whole = Storage & Required<Pick<Storage, "digest" | "extend" | "link" | "append" | "lock">>;

const STORAGES: readonly (readonly [string, (folder: string) => Whole])[] = [
  ["memory", () => memoryStorage()],
  ["a disk", (folder) => diskStorage(folder)],
];

describe.each(STORAGES)("%s", (_, create) => {
  test("writes neither onto a folder nor below an object, by no verb", async () => {
    await using folder = await freshFolder();
    const storage = create(folder.path);
    const { etag } = await storage.put("d/a", utf8("abc"));
    const from = { path: "d/a", etag, length: 1 };
    for (const path of ["d", "d/a/b"]) {
      expect([path, await codeOf(storage.extend(path, from, utf8("x")))]).toEqual([path, "PATH_INVALID"]);
      expect([path, await codeOf(storage.append(path, utf8("x")))]).toEqual([path, "PATH_INVALID"]);
      expect([path, await codeOf(storage.lock(path, { timeoutMs: 0 }))]).toEqual([path, "PATH_INVALID"]);
      expect([path, await codeOf(storage.link("d/a", path))]).not.toEqual([path, "done"]);
    }
    expect(await listed(storage)).toEqual(["d/a"]);
  });

  test("refuses a prefix that is longer than its object before it makes anything", async () => {
    await using folder = await freshFolder();
    const storage = create(folder.path);
    const { etag } = await storage.put("a", utf8("abc"));
    const from = { path: "a", etag, length: 4 };
    expect(await codeOf(storage.extend("new/b", from, utf8("x")))).toBe("RANGE");
    // What is a folder cannot be put: there is none.
    await storage.put("new", utf8("x"));
    expect(await listed(storage)).toEqual(["a", "new"]);
  });

  test("makes what it locks, and leaves what is there as it is", async () => {
    await using folder = await freshFolder();
    const storage = create(folder.path);
    await storage.put("kept", utf8("abc"));
    for (const path of ["new", "kept"]) await (await storage.lock(path))[Symbol.asyncDispose]();
    const sizes: unknown[] = [];
    for await (const { path, size } of storage.list("")) sizes.push([path, size]);
    expect(sizes).toEqual([
      ["kept", 3],
      ["new", 0],
    ]);
  });

  test("keeps what was appended though the caller writes over it, and digests no illegal path", async () => {
    await using folder = await freshFolder();
    const storage = create(folder.path);
    const bytes = utf8("abc");
    await storage.append("log", bytes);
    bytes.fill(0);
    await storage.append("log", utf8("d"));
    expect(textOf(await readAll((await storage.open("log"))!))).toBe("abcd");
    for (const path of ["../log", "", "/log"]) expect(await codeOf(storage.digest(path))).toBe("PATH_INVALID");
  });

  test("lists what is called undefined, and nothing of what it is told to leave out", async () => {
    await using folder = await freshFolder();
    const storage = create(folder.path);
    for (const path of ["a/b", "undefined/x"]) await storage.put(path, utf8("x"));
    expect(await listed(storage)).toEqual(["a/b", "undefined/x"]);
    expect(await listed(storage, "", "a/")).toEqual(["undefined/x"]);
    const sub = scopedStorage(storage, "a");
    await sub.put("undefined/y", utf8("x"));
    expect(await listed(sub)).toEqual(["b", "undefined/y"]);
  });
});

test("a listing of memory is of one moment, whatever comes and goes while it is read", async () => {
  const storage = memoryStorage();
  for (const path of ["a", "b", "c"]) await storage.put(path, utf8("x"));
  const found: string[] = [];
  for await (const { path } of storage.list("")) {
    found.push(path);
    await storage.put("a2", utf8("x"));
    await storage.delete("b");
  }
  expect(found).toEqual(["a", "b", "c"]);
  expect(await listed(storage)).toEqual(["a", "a2", "c"]);
});

test("a handle of a subtree gives back the handle it stands for", async () => {
  const memory = memoryStorage();
  await memory.put("d/a", utf8("x"));
  let given = 0;
  const whole: Storage = {
    ...memory,
    async open(path): Promise<ReadHandle | undefined> {
      const handle = await memory.open(path);
      return handle && { ...handle, [Symbol.asyncDispose]: async () => void given++ };
    },
  };
  await (await scopedStorage(whole, "d").open("a"))?.[Symbol.asyncDispose]();
  expect(given).toBe(1);
});

test.each([
  [".tmp", false],
  ["..tmp", true],
  [".a.tmp", true],
  ["d/.a.1.2.tmp", true],
  ["a.tmp", false],
  ["a.b.tmp", false],
  [".a.tmp.gz", false],
  [".a.tmp/b", false],
  [".atmp", false],
])("%s is the name of a write in flight: %s", (path, expected) => {
  expect(isTemporary(path)).toBe(expected);
});

test("names that share the first half of a pair of surrogates are in the order of the second", () => {
  const [last, before] = ["\u{103ff}", "\u{103fe}"];
  expect([Math.sign(comparePaths(before, last)), Math.sign(comparePaths(last, before))]).toEqual([-1, 1]);
});
