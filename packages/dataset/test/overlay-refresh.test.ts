import { openPart } from "@usr/overlay";
import { contractHash, parseRegistry, registryHash } from "@usr/registry";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { validate } from "../src/index.ts";
import { compactOverlay } from "../src/maintain/index.ts";
import { refreshOverlayMetadata } from "../src/overlays/index.ts";
import { deleteRows, setState } from "../src/records/index.ts";
import { registerNamespace, type WritableRoot } from "../src/write/index.ts";
import { idsOf, partBytes, rootOf } from "./make.ts";
import { dataset, objectsOf } from "./random-dataset.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  chunkBytes,
  demoRoot,
  eventsOf,
  parquetAt,
  refusal,
  register,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

const all = { includeDeleted: true };

const overlayPaths = async (root: WritableRoot): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of root.storage.list("demo/_derived/"))
    if (!path.includes("/_archived/") && path !== "demo/_derived/usr.parquet") found.push(path);
  return found;
};

const partAt = async (root: WritableRoot, path: string): Promise<Awaited<ReturnType<typeof openPart>>> =>
  openPart((await parquetAt(root.storage, path)).source, { path });

const hashesOf = async (root: WritableRoot, namespace: string): Promise<readonly (string | undefined)[]> => {
  const handle = await root.storage.open("registry.yaml");
  const registry = await parseRegistry(new TextDecoder().decode(await handle!.read(0, handle!.meta.size)));
  return [await registryHash(registry), await contractHash(registry.namespaces.get(namespace)!)];
};

test("random datasets: no read changes, every part names today's hashes, and twice is once", {
  timeout: 600_000,
}, async () => {
  let refreshed = 0;
  await fc.assert(
    fc.asyncProperty(dataset, async (random) => {
      const root = writableRoot((await rootOf(await objectsOf(random))).storage);
      const before = await rowsOf(root, "demo", all);
      const columns = new Map<string, unknown>();
      for (const path of await overlayPaths(root)) {
        const part = await partAt(root, path);
        columns.set(
          `${part.namespace} ${part.createdAtText} ${await chunkBytes(part.file, 0).catch(() => "")}`,
          part.file.numRows,
        );
      }
      const untouched = await bytesUnder(root.storage);
      const plan = await refreshOverlayMetadata(root, "demo", { dryRun: true });
      expect(changedPaths(untouched, await bytesUnder(root.storage))).toEqual([]);
      const done = await refreshOverlayMetadata(root, "demo");
      expect(done).toEqual(plan);
      expect(await rowsOf(root, "demo", all)).toEqual(before);
      const paths = await overlayPaths(root);
      expect(paths).toHaveLength(random.namespaces.reduce((sum, { parts }) => sum + parts.length, 0));
      for (const path of paths) {
        const part = await partAt(root, path);
        expect([part.registryHash, part.contractHash]).toEqual(await hashesOf(root, part.namespace));
        // The very bytes of the columns, under the time they had.
        const known = `${part.namespace} ${part.createdAtText} ${await chunkBytes(part.file, 0).catch(() => "")}`;
        expect(columns.get(known)).toBe(part.file.numRows);
        refreshed++;
      }
      const bytes = await bytesUnder(root.storage);
      const again = await refreshOverlayMetadata(root, "demo");
      expect(again.namespaces.map(({ parts_refreshed }) => parts_refreshed)).toEqual(random.namespaces.map(() => 0));
      expect(changedPaths(bytes, await bytesUnder(root.storage))).toEqual([]);
      expect((await validate(root, "demo")).problems.filter(({ severity }) => severity === "error")).toEqual([]);
    }),
    { numRuns: testRuns(80) },
  );
  expect(refreshed).toBeGreaterThan(0);
});

const twoParts = async (): Promise<WritableRoot> => {
  const root = await demoRoot();
  await attachCsv(root, "demo", "sequence,score\nGGGG,1.5\nAAAA,2\n");
  await attachCsv(root, "demo", "sequence,score\nAAAA,9\n", { overwrite: true });
  return root;
};

describe("a refreshed part", () => {
  test("has a new name that two copies agree on; the old one lies in the archive; one event says so", async () => {
    const root = await twoParts();
    const old = await overlayPaths(root);
    const names = old.map((path) => path.slice(path.lastIndexOf("/") + 1));
    await register(root, "late", "late__n:int64");
    const bytes = await bytesUnder(root.storage);
    const twin = writableRoot((await rootOf({})).storage, 42);
    for (const [path, body] of bytes) await twin.storage.put(path, new Uint8Array(Buffer.from(body, "base64")));
    const done = await refreshOverlayMetadata(root, "demo", { namespace: "mock" });
    const [registry, contract] = await hashesOf(root, "mock");
    expect(done).toEqual({
      dataset: "demo",
      registry_hash: registry,
      namespaces: [{ namespace: "mock", parts: 2, parts_refreshed: 2, contract_hash: contract }],
    });
    const paths = await overlayPaths(root);
    expect(paths.filter((path) => old.includes(path))).toEqual([]);
    const archived: string[] = [];
    for await (const { path } of root.storage.list("demo/_derived/_archived/mock-"))
      archived.push(path.slice(path.lastIndexOf("/") + 1));
    expect(archived.sort()).toEqual(names.toSorted());
    expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
      action: "refresh_overlay_metadata",
      args: { namespace: "mock", namespaces: ["mock"], registry_hash: registry },
      metrics: { parts: 2, parts_refreshed: 2 },
    });
    await refreshOverlayMetadata(twin, "demo");
    const other = await bytesUnder(twin.storage, "demo/_derived/mock/");
    expect(other).toEqual(await bytesUnder(root.storage, "demo/_derived/mock/"));

    // An old part that comes back from another copy changes nothing.
    const rows = await rowsOf(root, "demo");
    for (const name of names) {
      const from = [...bytes.keys()].find((path) => path.endsWith(`/${name}`))!;
      await root.storage.put(from, new Uint8Array(Buffer.from(bytes.get(from)!, "base64")));
    }
    expect(await rowsOf(root, "demo")).toEqual(rows);
  });

  test("in the single-file form it stays in its place, usr_state too; usr has no contract and is left alone", async () => {
    const root = await twoParts();
    await compactOverlay(root, "demo", { namespace: "mock", form: "file" });
    await setState(root, "demo", { ids: idsOf(["AAAA"]), masked: true });
    await deleteRows(root, "demo", { ids: idsOf(["CCCC"]) });
    await register(root, "late", "late__n:int64");
    const before = [await rowsOf(root, "demo", all), await overlayPaths(root)];
    const tombstones = await bytesUnder(root.storage, "demo/_derived/usr.parquet");
    const { namespaces } = await refreshOverlayMetadata(root, "demo");
    expect(namespaces.map(({ namespace, parts_refreshed }) => [namespace, parts_refreshed])).toEqual([
      ["mock", 1],
      ["usr_state", 1],
    ]);
    expect([await rowsOf(root, "demo", all), await overlayPaths(root)]).toEqual(before);
    expect(await bytesUnder(root.storage, "demo/_derived/usr.parquet")).toEqual(tombstones);
    expect((await partAt(root, "demo/_derived/usr_state.parquet")).registryHash).toBe(
      (await hashesOf(root, "mock"))[0],
    );
  });

  test("makes a part valid again whose contract another program did not write down", async () => {
    const root = await demoRoot();
    const bare = await partBytes("mock", "sequence", "2026-01-01T00:00:00.000000Z", {
      sequence: ["string", ["CCCC"]],
      mock__score: ["float64", [5]],
    });
    await root.storage.put("demo/_derived/mock/part-bare.parquet", bare);
    const warnings = async (): Promise<readonly string[]> =>
      (await validate(root, "demo")).problems.map(({ code }) => code);
    expect(await warnings()).not.toEqual([]);
    await refreshOverlayMetadata(root, "demo");
    expect(await warnings()).toEqual([]);
  });

  test("a source that lies beside its compaction is left alone", async () => {
    const root = await twoParts();
    const sources = await bytesUnder(root.storage, "demo/_derived/mock/");
    await compactOverlay(root, "demo", { namespace: "mock" });
    for (const [path, body] of sources) await root.storage.put(path, new Uint8Array(Buffer.from(body, "base64")));
    await register(root, "late", "late__n:int64");
    const before = await rowsOf(root, "demo");
    const { namespaces } = await refreshOverlayMetadata(root, "demo");
    expect(namespaces).toMatchObject([{ parts: 3, parts_refreshed: 1 }]);
    expect(await rowsOf(root, "demo")).toEqual(before);
  });
});

describe("refusals change no byte", () => {
  test("columns that do not agree with the registry", async () => {
    const root = await twoParts();
    await registerNamespace(root, {
      namespace: "mock",
      columns: [{ name: "mock__score", type: "float32" }],
      overwrite: true,
      force: true,
    });
    expect((await refusal(root, () => refreshOverlayMetadata(root, "demo"))).code).toBe("TYPE_MISMATCH");
  });

  test.each([
    ["usr", "NAMESPACE_RESERVED"],
    ["nobody", "NAMESPACE_NOT_FOUND"],
    ["../records", "NAMESPACE_NOT_FOUND"],
  ])("%s: %s", async (namespace, code) => {
    const root = await twoParts();
    expect((await refusal(root, () => refreshOverlayMetadata(root, "demo", { namespace }))).code).toBe(code);
    expect((await refusal(root, () => refreshOverlayMetadata(root, "demo", { namespace, dryRun: true }))).code).toBe(
      code,
    );
  });
});
