import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskStorage } from "@usr/storage/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listDatasets, validate } from "../src/index.ts";
import { clearState, setState } from "../src/records/index.ts";
import { initDataset, type WritableRoot } from "../src/write/index.ts";
import { baseBytes, idsOf } from "./make.ts";
import {
  attachCsv,
  bytesUnder,
  changedPaths,
  demoRoot,
  importCsv,
  parquetAt,
  refusal,
  register,
  rowsOf,
  writableRoot,
} from "./write-support.ts";

let folder: string;
let root: WritableRoot;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "usr-obstacles-"));
  root = await demoRoot(diskStorage(folder));
});
afterEach(() => rm(folder, { recursive: true }));

const attach = (): Promise<unknown> => attachCsv(root, "demo", "sequence,score\nAAAA,1\n");

describe("what stands in the way", () => {
  test("a folder where the event log belongs stops a commit before anything is visible", async () => {
    await rm(join(folder, "demo/.events.log"));
    await mkdir(join(folder, "demo/.events.log"));
    expect(await refusal(root, attach)).toMatchObject({ code: "PATH_INVALID" });
    expect(await readdir(join(folder, "demo/.staging"))).toEqual([]);
    await rm(join(folder, "demo/.events.log"), { recursive: true });
    await attach();
    expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: 1 });
  });

  test("what is left of a dataset without base is no place for a new one", async () => {
    await attach();
    await rm(join(folder, "demo/records.parquet"));
    expect(await refusal(root, () => initDataset(root, "demo"))).toMatchObject({
      code: "DATASET_EXISTS",
      message: expect.stringMatching(/_derived\/mock\/part-.* of a dataset without base/),
      hint: expect.stringContaining("records.parquet"),
    });
    await rm(join(folder, "demo/_derived"), { recursive: true });
    // Notes, log and frozen registry are what an interrupted init leaves, too.
    await initDataset(root, "demo");
    expect(await rowsOf(root, "demo")).toEqual([]);
  });
});

describe("temporaries of a process that was killed", () => {
  test("beside the owner record of a lock go with the next change", async () => {
    await writeFile(join(folder, "demo/..usr.lock.owner.1.ab.tmp"), "{");
    await writeFile(join(folder, "demo/.kept.tmp"), "not ours");
    await attach();
    expect((await readdir(join(folder, "demo"))).filter((name) => name.endsWith(".tmp"))).toEqual([".kept.tmp"]);
  });

  test("beside the registry go with the next registration", async () => {
    for (const name of [".registry.yaml.1.ab.tmp", "..usr.lock.owner.1.cd.tmp"])
      await writeFile(join(folder, name), "x");
    await register(root, "late", "late__n:int8");
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("links inside the root", () => {
  test("are as good as what they point to: datasets, overlays, bases", async () => {
    await attach();
    const rows = await rowsOf(root, "demo");
    await mkdir(join(folder, "store"));
    await rename(join(folder, "demo/_derived/mock"), join(folder, "store/mock"));
    await symlink("../../store/mock", join(folder, "demo/_derived/mock"));
    await rename(join(folder, "demo/records.parquet"), join(folder, "store/base"));
    await symlink("../store/base", join(folder, "demo/records.parquet"));
    await symlink("demo", join(folder, "twin"));
    for (const id of ["demo", "twin"]) expect(await rowsOf(root, id)).toEqual(rows);
    expect((await listDatasets(root)).map(({ dataset, rows: n }) => [dataset, n])).toEqual([["demo", 6], ["twin", 6]]); // biome-ignore format: a row
    expect((await validate(root, "demo")).problems).toEqual([]);
    await importCsv(root, "twin", "sequence\nACACAC\n");
    await attachCsv(root, "demo", "sequence,score\nACACAC,3\n", { overwrite: true });
    expect((await rowsOf(root, "demo")).length).toBe(7);
    expect((await rowsOf(root, "twin")).at(-1)).toMatchObject({ sequence: "ACACAC", mock__score: 3 });
  });

  test("an overlay behind a link that leaves the root is no missing overlay", async () => {
    await attach();
    const outside = await mkdtemp(join(tmpdir(), "usr-outside-"));
    await rename(join(folder, "demo/_derived/mock"), join(outside, "mock"));
    await symlink(join(outside, "mock"), join(folder, "demo/_derived/mock"));
    await expect(rowsOf(root, "demo")).rejects.toMatchObject({ code: "PATH_INVALID" });
    expect((await listDatasets(root))[0]).toMatchObject({ dataset: "demo", problem: { code: "PATH_INVALID" } });
    await rm(outside, { recursive: true });
  });
});

describe("bases of other programs", () => {
  const SEQUENCES = ["AAAA", "CCCC", "GGGG"];

  test("a column of Arrow's null type stays one when rows are added", async () => {
    const base = await baseBytes({ sequences: SEQUENCES, extra: { mock__tag: ["null", [null, null, null]] } });
    await root.storage.put("demo/records.parquet", base);
    await importCsv(root, "demo", "sequence\nACGTACGT\n");
    const { schema } = await parquetAt(root.storage, "demo/records.parquet");
    expect(schema.fields.at(-1)).toEqual({ name: "mock__tag", type: { kind: "null" }, nullable: true });
    expect((await rowsOf(root, "demo")).map(({ sequence, mock__tag }) => [sequence, mock__tag])).toEqual(
      [...SEQUENCES, "ACGTACGT"].map((sequence) => [sequence, null]),
    );
  });

  test("a state that lies in the base is not said to be taken back", async () => {
    const split = { usr_state__split: ["string", ["train", null, "test"]] } as const;
    await root.storage.put("demo/records.parquet", await baseBytes({ sequences: SEQUENCES, extra: split }));
    const [a, c] = idsOf(SEQUENCES);
    await setState(root, "demo", { ids: [a!, c!], split: "val" });
    expect((await rowsOf(root, "demo")).map((row) => row["usr_state__split"])).toEqual(["val", "val", "test"]);
    expect(await refusal(root, () => clearState(root, "demo", { ids: [c!, a!] }))).toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringContaining("usr_state__split"),
    });
    expect(await clearState(root, "demo", { ids: [c!] })).toMatchObject({ rows: 1 });
    expect((await rowsOf(root, "demo")).map((row) => row["usr_state__split"])).toEqual(["val", null, "test"]);
  });
});

test("a held lock names the dataset and its holder", async () => {
  const shared = writableRoot(root.storage, 5);
  const waiting = { ...shared, lockTimeoutMs: 20 };
  await using _held = await root.storage.lock!("demo/.usr.lock", {});
  const owner = { host: "there", pid: 7, command: "import", since: "2026-01-01T00:00:00.000Z" };
  await root.storage.put("demo/.usr.lock.owner", new TextEncoder().encode(JSON.stringify(owner)));
  const before = await bytesUnder(root.storage);
  await expect(importCsv(waiting, "demo", "sequence\nAC\n")).rejects.toMatchObject({
    code: "LOCKED",
    message: "demo is being written by usr import (process 7 on there, since 2026-01-01T00:00:00.000Z); waited 0.02 s",
  });
  expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
});
