import * as fs from "node:fs/promises";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { diskStorage } from "@usr/storage/node";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listDatasets } from "../src/index.ts";
import { datasetIds } from "../src/sync/index.ts";
import { initDataset } from "../src/write/index.ts";
import { attachCsv, demoRoot, importCsv } from "./write-support.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "usr-list-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("what others keep in the root, however deep, is not looked at by who lists the datasets", async () => {
  const plain = diskStorage(folder);
  const root = await demoRoot(plain);
  await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
  await initDataset(root, "shelf/one");
  await importCsv(root, "shelf/one", "sequence\nACACAC\n");
  const before = await listDatasets(root);
  expect(before.map(({ dataset, namespaces }) => [dataset, namespaces])).toEqual([["demo", ["mock"]], ["shelf/one", []]]); // biome-ignore format: a row
  for (const place of [".cache/deep/er", "project/modules/some/thing", "shelf/one/notes/of/mine", "_derived/x/y"]) {
    await mkdir(join(folder, place), { recursive: true });
    for (const name of ["file", "records.parquet"]) await writeFile(join(folder, place, name), "");
  }
  await mkdir(join(folder, "demo/_derived/_archived/old"), { recursive: true });
  await symlink("..", join(folder, "project/up"));
  const read = new Set<string>();
  const storage = diskStorage(folder, {
    fs: {
      ...fs,
      readdir: (name, o) => {
        read.add(relative(folder, name));
        return fs.readdir(name, o);
      },
    },
  });
  expect(await listDatasets({ ...root, storage })).toEqual(before);
  expect([...read].sort()).toEqual([
    ...["", "demo", "demo/_derived", "demo/_derived/mock", "project", "project/modules"],
    ...["shelf", "shelf/one", "shelf/one/_derived"],
  ]);
  read.clear();
  expect(await datasetIds(storage)).toEqual(["demo", "shelf/one"]);
  expect([...read].sort()).toEqual(["", "demo", "project", "project/modules", "shelf", "shelf/one"]);
});
