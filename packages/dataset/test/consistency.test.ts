import { memoryStorage, type ReadableStorage, type Storage } from "@usr/storage";
import { loadGolden } from "@usr/testkit";
import { expect, test } from "vitest";
import { scanSnapshot } from "../src/read/scan.ts";
import { openSnapshot } from "../src/read/snapshot.ts";
import type { Query } from "../src/types.ts";
import { codeOf, freshRoot, linesOf } from "./support.ts";

async function objectsOf(root: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const objects = new Map<string, Uint8Array>();
  await loadGolden(root, { put: async (path, body) => objects.set(path, body) });
  return objects;
}

/** Makes the storage hold exactly `objects`. */
async function become(storage: Storage, objects: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for await (const { path } of storage.list("")) if (!objects.has(path)) await storage.delete(path);
  for (const [path, body] of objects) await storage.put(path, body);
}

/** The storage of one state that turns into another just before its `at`-th call; `calls` tells how many there were. */
async function turning(
  before: string,
  after: string,
  at: number,
): Promise<{ storage: ReadableStorage; calls: () => number }> {
  const storage = memoryStorage();
  await become(storage, await objectsOf(before));
  const then = await objectsOf(after);
  let calls = 0;
  const step = async (): Promise<void> => {
    if (calls++ === at) await become(storage, then);
  };
  return {
    calls: () => calls,
    storage: {
      async *list(prefix, o) {
        await step();
        yield* storage.list(prefix, o);
      },
      open: async (path, o) => {
        await step();
        return storage.open(path, o);
      },
    },
  };
}

const pairs: readonly (readonly [string, string, Query])[] = [
  ["attach-id", "base-extra", {}],
  ["base-extra", "attach-id", { columns: ["id", "mock__vec"] }],
  ["tombstones-h", "attach-id", {}],
  ["attach-id", "tombstones-h", { includeDeleted: true }],
  ["materialized-f", "materialized-kept", {}],
  ["types-scalar", "types-nested", {}],
];

test.each(pairs)("a read between %s and %s is one of the two", async (before, after, query) => {
  const dataset = "demo";
  const old = await linesOf(await freshRoot(before), dataset, query).catch(String);
  const now = await linesOf(await freshRoot(after), dataset, query).catch(String);
  expect(old).not.toEqual(now);
  let seen = 0;
  for (let at = 0; ; at++) {
    const { storage, calls } = await turning(before, after, at);
    const found = await linesOf({ storage, label: "turning" }, dataset, query).catch(String);
    expect([old, now]).toContainEqual(found);
    if (JSON.stringify(found) === JSON.stringify(now)) seen++;
    if (calls() <= at) break;
  }
  expect(seen).toBeGreaterThan(3);
});

test("a scan goes on reading the state it opened", async () => {
  const root = await freshRoot("attach-id");
  const expected = await linesOf(root, "demo");
  await using snapshot = await openSnapshot(root, "demo", { namespaces: "all", tombstones: true });
  await become(root.storage, await objectsOf("base-extra"));
  let rows = 0;
  for await (const batch of scanSnapshot(snapshot)) rows += batch.numRows;
  expect(rows).toBe(expected.length);
  expect(await linesOf(root, "demo")).not.toEqual(expected);
});

test("a dataset that never stands still is a conflict", async () => {
  const root = await freshRoot("attach-id");
  const base = (await objectsOf("attach-id")).get("demo/records.parquet")!;
  const storage: ReadableStorage = {
    async *list(prefix, o) {
      await root.storage.put("demo/records.parquet", base);
      yield* root.storage.list(prefix, o);
    },
    open: (path, o) => root.storage.open(path, o),
  };
  expect(await codeOf(linesOf({ storage, label: "restless" }, "demo"))).toBe("CONFLICT");
});

test("a change of what is not asked for is no reason to start over", async () => {
  const root = await freshRoot("base-extra");
  const part = [...(await objectsOf("base-extra"))].find(([path]) => path.startsWith("demo/_derived/late/"))!;
  let lists = 0;
  const storage: ReadableStorage = {
    async *list(prefix, o) {
      if (prefix === "demo/_derived/") lists++;
      await root.storage.put(part[0], part[1]);
      yield* root.storage.list(prefix, o);
    },
    open: (path, o) => root.storage.open(path, o),
  };
  await linesOf({ storage, label: "busy elsewhere" }, "demo", { columns: ["id", "mock__vec"] });
  expect(lists).toBe(2);
});

test("an aborted read says so", async () => {
  const root = await freshRoot("attach-id");
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(linesOf(root, "demo", { signal })).rejects.toThrow("enough");
});
