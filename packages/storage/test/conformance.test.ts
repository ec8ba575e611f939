/// <reference types="node" />
import { expect, it } from "vitest";
import { httpStorage } from "../src/http/index.ts";
import { memoryStorage, type ObjectMeta, readAll, scopedStorage } from "../src/index.ts";
import { diskStorage } from "../src/node/index.ts";
import { faultStorage, storageConformance } from "../src/testing/index.ts";
import { EVERYTHING, register } from "./conformance.ts";
import { type ServerHabits, serve } from "./server.ts";

register(
  "memory",
  storageConformance("memory", async () => ({ storage: memoryStorage() }), EVERYTHING),
  44,
);

register(
  "subtree",
  storageConformance(
    "subtree",
    async () => {
      const whole = memoryStorage();
      await whole.put("beside", new Uint8Array(1));
      await whole.put("in/side-by-side", new Uint8Array(1));
      return { storage: scopedStorage(whole, "in/side") };
    },
    EVERYTHING,
  ),
  44,
);

register(
  "storage without faults",
  storageConformance("faultless", async () => ({ storage: faultStorage(memoryStorage()).storage }), EVERYTHING),
  44,
);

/** The read half over HTTP: the objects lie on a disk, whose listing is the index. */
function overHttp(name: string, habits: ServerHabits, indexAsFile: boolean): void {
  const cases = storageConformance(name, async (seed) => {
    const memory = memoryStorage({ clock: () => 1_700_000_000_000 });
    for (const [path, bytes] of seed) await memory.put(path, bytes);
    const index: ObjectMeta[] = [];
    for await (const meta of memory.list("")) index.push(meta);
    const objects = new Map(seed);
    objects.set("index.json", new TextEncoder().encode(JSON.stringify(index)));
    const server = await serve(objects, habits);
    return {
      storage: httpStorage(server.url, { index: indexAsFile ? "index.json" : index }),
      dispose: () => server[Symbol.asyncDispose](),
    };
  });
  register(name, cases, 12);
}

overHttp("http", {}, false);
overHttp("http with an index file", {}, true);
overHttp("http with weak tags", { tags: "weak" }, false);
overHttp("http without tags", { tags: "none" }, false);
overHttp("http without ranges", { ranges: false }, false);

register(
  "storage that can no more than it must",
  storageConformance(
    "plain",
    async () => {
      const { open, list, put, rename, delete: remove } = memoryStorage();
      return { storage: { open, list, put, rename, delete: remove } };
    },
    { write: true },
  ),
  28,
);

it("a storage that cannot write, and is said to, fails every case", async () => {
  const { open, list } = memoryStorage();
  const cases = storageConformance("reader", async () => ({ storage: { open, list } }), { write: true });
  for (const { run } of cases) await expect(run()).rejects.toThrow("no put");
});

it("what a case was run on is disposed of, whether the law holds or not", async () => {
  let disposed = 0;
  const dispose = async (): Promise<void> => void disposed++;
  const none = storageConformance("none", async () => ({ storage: memoryStorage(), dispose }));
  const ends = await Promise.allSettled(none.map(({ run }) => run()));
  expect(ends.some((end) => end.status === "rejected")).toBe(true);
  expect(disposed).toBe(none.length);
});

it("the suite finds a storage that forgets", async () => {
  const forgetful = async (): Promise<{ storage: ReturnType<typeof memoryStorage> }> => {
    const storage = memoryStorage();
    return { storage: { ...storage, rename: async () => undefined } };
  };
  const ends = await Promise.allSettled(storageConformance("forgetful", forgetful, EVERYTHING).map(({ run }) => run()));
  expect(ends.filter((end) => end.status === "rejected").length).toBeGreaterThan(3);
});

it("the subtree of no folder is the storage itself", () => {
  const storage = memoryStorage();
  expect(scopedStorage(storage, "")).toBe(storage);
});

it("a subtree shows the debris under it, and prunes there", async () => {
  const asked: unknown[] = [];
  const whole = {
    ...memoryStorage(),
    async *debris(prefix: string, o?: object): AsyncGenerator<ObjectMeta, void, undefined> {
      asked.push(prefix, o);
      yield { path: "in/side/d/.a.1.tmp", size: 1, etag: "1" };
    },
    prune: async (folder: string): Promise<void> => void asked.push(folder),
  };
  const sub = scopedStorage(whole, "in/side");
  const o = { signal: new AbortController().signal };
  for await (const meta of sub.debris?.("d/", o) ?? [])
    expect(meta).toEqual({ path: "d/.a.1.tmp", size: 1, etag: "1" });
  await sub.prune?.("d");
  expect(asked).toEqual(["in/side/d/", o, "in/side/d"]);
  await expect(sub.prune?.("../d")).rejects.toMatchObject({ code: "PATH_INVALID" });
});

it("the folder that a listing leaves out is one of the subtree", async () => {
  const whole = memoryStorage();
  for (const path of ["s/a/x", "s/b", "a/x"]) await whole.put(path, new Uint8Array(1));
  const found: string[] = [];
  for await (const { path } of scopedStorage(whole, "s").list("", { except: (at) => at === "a/" })) found.push(path);
  expect(found).toEqual(["b"]);
});

it("a subtree has only the capabilities of its storage", async () => {
  const { open, list, put, rename, delete: remove } = memoryStorage();
  const plain = scopedStorage({ open, list, put, rename, delete: remove }, "a");
  expect(Object.keys(plain).sort()).toEqual(["delete", "list", "open", "put", "rename"]);
  expect(Object.keys(scopedStorage({ open, list }, "a")).sort()).toEqual(["list", "open"]);
  expect(Object.keys(scopedStorage(diskStorage("/nowhere"), "a")).sort()).toEqual(
    Object.keys(diskStorage("/nowhere")).sort(),
  );
  await plain.put("b", new Uint8Array([1, 2]));
  await using handle = await open("a/b");
  expect(handle && (await readAll(handle))).toEqual(new Uint8Array([1, 2]));
});
