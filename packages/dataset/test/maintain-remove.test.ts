/// <reference types="node" />
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { info } from "../src/index.ts";
import { removeOverlay } from "../src/maintain/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { partBytes, rootOf } from "./make.ts";
import { dataset, objectsOf } from "./random-dataset.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  demoRoot,
  eventsOf,
  refusal,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

const twoParts = async (): Promise<WritableRoot> => {
  const root = await demoRoot();
  await attachCsv(root, "demo", 'sequence,score,vec\nGGGG,1.5,"[1,2]"\nAAAA,2,\n');
  await attachCsv(root, "demo", "sequence,score,tag\nTGCA,,t\nAAAA,9,\n", { overwrite: true });
  return root;
};

/** Name and bytes of every file under a folder of demo, by the last segment of its path. */
const filesUnder = async (root: WritableRoot, folder: string): Promise<Readonly<Record<string, string>>> => {
  const files = await bytesUnder(root.storage, `demo/${folder}`);
  return Object.fromEntries([...files].map(([path, bytes]) => [path.slice(path.lastIndexOf("/") + 1), bytes]));
};

test("random datasets: what is removed is gone, the rest reads as before", { timeout: 600_000 }, async () => {
  let removed = 0;
  await fc.assert(
    fc.asyncProperty(dataset, fc.constantFrom("archive", "delete"), async (random, how) => {
      const root = writableRoot((await rootOf(await objectsOf(random))).storage);
      const [gone] = random.namespaces;
      if (gone === undefined) return;
      const files = await filesUnder(root, `_derived/${gone.name}/`);
      const stored = new Set(random.materialized.map(([name]) => name));
      const columns = (await info(root, "demo")).columns.filter(
        (name) => !(name in gone.columns) && !name.startsWith("usr__"),
      );
      const before = await rowsOf(root, "demo", { columns });
      const plan = await removeOverlay(root, "demo", { namespace: gone.name, how, dryRun: true });
      const done = await removeOverlay(root, "demo", { namespace: gone.name, how });
      expect({ ...plan, path: null }).toEqual({ ...done, path: null });
      expect(await rowsOf(root, "demo", { columns })).toEqual(before);
      const after = await info(root, "demo");
      expect(after.namespaces.map(({ namespace }) => namespace)).not.toContain(gone.name);
      expect(after.columns.filter((name) => name in gone.columns && !stored.has(name))).toEqual([]);
      expect(await filesUnder(root, `_derived/${gone.name}/`)).toEqual({});
      const archived = await filesUnder(root, "_derived/_archived/");
      expect(archived).toEqual(how === "archive" ? files : {});
      removed++;
    }),
    { numRuns: testRuns(60) },
  );
  expect(removed).toBeGreaterThan(0);
});

test("archive keeps the very files, delete keeps nothing; one event each", async () => {
  const root = await twoParts();
  const parts = await filesUnder(root, "_derived/mock/");
  const done = await removeOverlay(root, "demo", { namespace: "mock", how: "archive" });
  expect(done).toEqual({
    namespace: "mock",
    action: "archived",
    path: expect.stringMatching(/^_derived\/_archived\/mock-\d{8}T\d{12}Z\/$/),
  });
  expect(await filesUnder(root, done.path!)).toEqual(parts);
  expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
    action: "archive_overlay",
    args: { namespace: "mock", mode: "archive", archived_path: done.path },
    metrics: { removed: 2 },
  });

  await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
  const gone = await removeOverlay(root, "demo", { namespace: "mock", how: "delete" });
  expect(gone).toEqual({ namespace: "mock", action: "deleted", path: null });
  expect((await info(root, "demo")).namespaces).toEqual([]);
  expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({ action: "remove_overlay", metrics: { removed: 1 } });
  expect(Object.keys(await filesUnder(root, "_derived/"))).toHaveLength(2);
});

describe("overlays that cannot be read are removed all the same", () => {
  const bad = (columns: Parameters<typeof partBytes>[3]): Promise<Uint8Array> =>
    partBytes("mock", "sequence", "2026-01-01T00:00:00.000000Z", columns);
  const breaks: Readonly<Record<string, readonly [path: string, () => Promise<Uint8Array>]>> = {
    "both forms": ["mock.parquet", () => bad({ sequence: ["string", ["AAAA"]] })],
    "an unregistered column": ["mock/part-x.parquet", () => bad({ sequence: ["string", []], mock__x: ["int8", []] })],
    "a key twice": [
      "mock/part-x.parquet",
      () => bad({ sequence: ["string", ["AAAA", "AAAA"]], mock__score: ["float64", [1, 2]] }),
    ],
    "no Parquet": ["mock/part-x.parquet", async () => new Uint8Array(30)],
  };
  test.each(Object.keys(breaks))("%s", async (name) => {
    const root = await twoParts();
    const [path, bytes] = breaks[name]!;
    await root.storage.put(`demo/_derived/${path}`, await bytes());
    await expect(rowsOf(root, "demo")).rejects.toThrow();
    const files = { ...(await filesUnder(root, "_derived/")) };
    const done = await removeOverlay(root, "demo", { namespace: "mock", how: "archive" });
    expect(await filesUnder(root, done.path!)).toEqual(files);
    expect(await rowsOf(root, "demo")).toHaveLength(6);
  });
});

test("refusals change no byte, nor do dry runs", async () => {
  const root = await twoParts();
  for (const [namespace, code] of [
    ["usr", "NAMESPACE_RESERVED"],
    ["usr_state", "NAMESPACE_RESERVED"],
    ["../records", "NAMESPACE_INVALID"],
    ["_archived", "NAMESPACE_INVALID"],
    ["", "NAMESPACE_INVALID"],
    ["nobody", "NAMESPACE_NOT_FOUND"],
  ] as const) {
    for (const dryRun of [true, false])
      expect((await refusal(root, () => removeOverlay(root, "demo", { namespace, how: "delete", dryRun }))).code).toBe(
        code,
      );
  }
  const before = await bytesUnder(root.storage);
  await removeOverlay(root, "demo", { namespace: "mock", how: "delete", dryRun: true });
  expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
});
