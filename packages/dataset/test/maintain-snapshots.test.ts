/// <reference types="node" />
import { readAll, type Storage } from "@usr/storage";
import { describe, expect, test } from "vitest";
import { info, validate } from "../src/index.ts";
import { createSnapshot, listSnapshots, pinSnapshot, restoreSnapshot } from "../src/maintain/index.ts";
import { materialize, type WritableRoot } from "../src/write/index.ts";
import { baseBytes } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  demoRoot,
  eventsOf,
  importCsv,
  refusal,
  register,
  rowsOf,
} from "./write-support.ts";

const base = async (root: WritableRoot): Promise<string> => {
  await using handle = (await root.storage.open("demo/records.parquet"))!;
  return Buffer.from(await readAll(handle)).toString("base64");
};

const names = async (root: WritableRoot): Promise<readonly string[]> =>
  (await listSnapshots(root, "demo")).map(({ name }) => name);

/** Rewrites the base once, which leaves an automatic snapshot. */
const rewrite = async (root: WritableRoot, score: number): Promise<void> => {
  await attachCsv(root, "demo", `sequence,score\nAAAA,${score}\n`, { overwrite: true });
  await materialize(root, "demo");
};

test("a snapshot is the base, listed with what it is", async () => {
  const root = await demoRoot();
  expect(await listSnapshots(root, "demo")).toEqual([]);
  const before = await base(root);
  const made = await createSnapshot(root, "demo", { label: "first-look" });
  expect(made).toEqual({
    name: expect.stringMatching(/^records-\d{8}T\d{12}-first-look\.parquet$/),
    path: `_snapshots/${made.name}`,
    created_at: expect.stringMatching(/^2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    rows: 6,
    size_bytes: Buffer.from(before, "base64").length,
    pinned: false,
    automatic: false,
  });
  expect(await listSnapshots(root, "demo")).toEqual([made]);
  expect((await info(root, "demo")).snapshots).toBe(1);
  expect(await base(root)).toBe(before);
  expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
    action: "snapshot",
    args: { name: made.name },
    metrics: { rows: 6 },
    artifacts: { snapshot: { path: made.path } },
  });
});

test("restoring gives the old bytes, and can be undone", async () => {
  const root = await demoRoot();
  const before = await base(root);
  const { name } = await createSnapshot(root, "demo");
  // A later registry must not stamp what is restored.
  await register(root, "late", "late__n:int64");
  await importCsv(root, "demo", "sequence\nACACAC\n");
  await rewrite(root, 1);
  const between = await base(root);
  const rows = await rowsOf(root, "demo");

  const planned = await restoreSnapshot(root, "demo", { name, dryRun: true });
  expect(await base(root)).toBe(between);
  expect(await restoreSnapshot(root, "demo", { name })).toEqual(planned);
  expect(await base(root)).toBe(before);
  expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
    action: "snapshot_restore",
    args: { name, maintenance_reason: "snapshot_restore" },
    metrics: { rows: 6, rows_before: 7 },
    fingerprint: { rows: 6 },
  });
  expect((await validate(root, "demo")).ok).toBe(true);

  const kept = (await listSnapshots(root, "demo")).at(-1)!;
  expect(kept).toMatchObject({ rows: 7, automatic: true });
  await restoreSnapshot(root, "demo", { name: kept.name });
  expect(await base(root)).toBe(between);
  expect(await rowsOf(root, "demo")).toEqual(rows);
});

test("what is there already changes nothing and logs nothing", async () => {
  const root = await demoRoot();
  const { name } = await createSnapshot(root, "demo");
  expect(await pinSnapshot(root, "demo", { name })).toMatchObject({ name, pinned: true });
  const before = await bytesUnder(root.storage);
  await restoreSnapshot(root, "demo", { name });
  await pinSnapshot(root, "demo", { name });
  await createSnapshot(root, "demo", { dryRun: true });
  expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
});

test("of the automatic ones five stay; pinned ones and those asked for are apart", async () => {
  const root = await demoRoot();
  const asked = await createSnapshot(root, "demo");
  await rewrite(root, 0);
  const [, first] = await names(root);
  await pinSnapshot(root, "demo", { name: first! });
  for (let score = 1; score < 9; score++) await rewrite(root, score);
  const entries = await listSnapshots(root, "demo");
  expect(entries).toHaveLength(7);
  expect(entries[0]).toMatchObject({ name: asked.name, automatic: false, pinned: false });
  expect(entries[1]).toMatchObject({ name: first, automatic: true, pinned: true });
  expect(entries.slice(2).every(({ automatic, pinned }) => automatic && !pinned)).toBe(true);
});

test("a store without hard links gets copies", async () => {
  const { storage, ...rest } = await demoRoot();
  const { link: _, ...linkless } = storage;
  const plain: Storage = linkless;
  const root = { ...rest, storage: plain };
  const before = await base(root);
  const { name } = await createSnapshot(root, "demo");
  await importCsv(root, "demo", "sequence\nACACAC\n");
  await restoreSnapshot(root, "demo", { name });
  expect(await base(root)).toBe(before);
  expect(await names(root)).toHaveLength(2);
});

test("stamps of the Python program are read, other names have no time, and a broken file is listed", async () => {
  const root = await demoRoot();
  const bytes = Buffer.from(await base(root), "base64");
  for (const name of ["records-20261120T131228235752.parquet", "records-before.parquet"])
    await root.storage.put(`demo/_snapshots/${name}`, bytes);
  await root.storage.put("demo/_snapshots/records-20261121T000000.parquet", new Uint8Array(9));
  expect(
    (await listSnapshots(root, "demo")).map(({ created_at, rows, automatic }) => [created_at, rows, automatic]),
  ).toEqual([
    ["2026-11-20T13:12:28.235752Z", 6, true],
    ["2026-11-21T00:00:00.000000Z", null, true],
    [null, 6, true],
  ]);
});

describe("refusals change no byte", () => {
  test.each([
    ["../records.parquet", "SNAPSHOT_NOT_FOUND"],
    ["pins.json", "SNAPSHOT_NOT_FOUND"],
    ["records-20000101T000000000000.parquet", "SNAPSHOT_NOT_FOUND"],
  ])("restore and pin %s: %s", async (name, code) => {
    const root = await demoRoot();
    await pinSnapshot(root, "demo", { name: (await createSnapshot(root, "demo")).name });
    expect((await refusal(root, () => restoreSnapshot(root, "demo", { name }))).code).toBe(code);
    expect((await refusal(root, () => pinSnapshot(root, "demo", { name, dryRun: true }))).code).toBe(code);
  });

  test("labels that are no plain word, pins that cannot be read, a snapshot that is no base", async () => {
    const root = await demoRoot();
    for (const label of ["", "../x", "a b", "-x", "x".repeat(65)])
      expect((await refusal(root, () => createSnapshot(root, "demo", { label }))).code).toBe("USAGE");
    await root.storage.put("demo/_snapshots/records-x.parquet", new Uint8Array(20));
    expect((await refusal(root, () => restoreSnapshot(root, "demo", { name: "records-x.parquet" }))).code).toBe(
      "CORRUPT",
    );
    for (const text of ['{"manual": []}', '{"pinned": [1]}', '{"pinned": [], "manual": "all"}', "x"]) {
      await root.storage.put("demo/_snapshots/pins.json", new TextEncoder().encode(text));
      expect((await refusal(root, () => createSnapshot(root, "demo"))).code).toBe("CORRUPT");
    }
  });
});

test("a snapshot with rows that an overlay keyed by sequence cannot be read beside is refused, and nothing changes", async () => {
  const root = await demoRoot();
  const foreign = await baseBytes({
    sequences: ["AAAA", "CCCC"],
    instead: {
      bio_type: ["string", ["dna", "protein"]],
      alphabet: ["string", ["dna_4", "protein_20"]],
    },
  });
  await root.storage.put("demo/_snapshots/records-20260101T000000000000.parquet", foreign);
  const { name } = (await listSnapshots(root, "demo"))[0]!;
  const restore = (dryRun: boolean): Promise<unknown> => restoreSnapshot(root, "demo", { name, dryRun });
  // Beside overlays keyed by id it may come back.
  expect(await restore(true)).toMatchObject({ rows: 2 });
  await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
  for (const dryRun of [true, false])
    expect(await refusal(root, () => restore(dryRun))).toMatchObject({
      code: "MULTIPLE_BIO_TYPES",
      message: expect.stringMatching(/records-20260101T000000000000\.parquet row 2 is protein/),
    });
});
