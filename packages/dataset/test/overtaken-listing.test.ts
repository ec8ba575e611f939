/// <reference types="node" />
import * as fsp from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Storage } from "@usr/storage";
import { type DiskFs, diskStorage } from "@usr/storage/node";
import { expect, onTestFinished, test } from "vitest";
import { compactOverlay } from "../src/maintain/index.ts";
import { listAll } from "../src/read/objects.ts";
import { materialize } from "../src/write/index.ts";
import { attachCsv, demoRoot, importCsv, rowsOf } from "./write-support.ts";

// Writers may overtake a reader between any two of its calls, also within a listing. These are the cases that the model check has found
// (protocol.test.ts: `tornListing`, `baseListedBeside`), in both listings of one read.

test("parts are replaced by a compaction between the names and the look at them, twice", async () => {
  const folder = await fsp.mkdtemp(join(tmpdir(), "usr-overtaken-"));
  onTestFinished(() => fsp.rm(folder, { recursive: true }));
  const root = await demoRoot(diskStorage(folder));
  const attachScore = (row: string) => attachCsv(root, "demo", `sequence,mock__score\n${row}\n`, { overwrite: true });
  await attachScore("AAAA,1");
  await attachScore("CCCC,2");
  let looks = 0;
  const fs: DiskFs = {
    ...fsp,
    readdir: async (name, o) => {
      if (name !== join(folder, "demo/_derived/mock/") || ++looks > 2) return await fsp.readdir(name, o);
      if (looks === 2) await attachScore("AAAA,3");
      const names = await fsp.readdir(name, o);
      await compactOverlay(root, "demo", { namespace: "mock" });
      return names;
    },
  };
  const seen = await rowsOf({ ...root, storage: diskStorage(folder, { fs }) }, "demo");
  expect(seen).toEqual(await rowsOf(root, "demo"));
  expect(seen[0]).toMatchObject({ sequence: "AAAA", mock__score: 3 });
});

const signal = () => {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: (): void => resolve() };
};

test("a part comes and goes between two looks at the parts, and the base is looked at meanwhile", async () => {
  const root = await demoRoot();
  const { storage } = root;
  const attached = signal();
  const looked = signal();
  let parts = 0;
  let bases = 0;
  const overtaken: Storage = {
    ...storage,
    async *list(prefix, o) {
      if (prefix === "demo/_derived/" && ++parts <= 2) {
        // A base that is asked for at the same time is told of before the parts are.
        if (parts === 2 && bases === 2) await looked.promise;
        if (parts === 2) await materialize(root, "demo");
        const found = await listAll(storage, prefix, o);
        if (parts === 1) {
          await attachCsv(root, "demo", "sequence,mock__score\nAAAA,1\n");
          await importCsv(root, "demo", "sequence\nGATTACA\n");
          attached.resolve();
        }
        yield* found;
      } else if (prefix === "demo/records.parquet" && ++bases <= 2) {
        if (bases === 1) await attached.promise;
        const found = await listAll(storage, prefix, o);
        if (bases === 2) looked.resolve();
        yield* found;
      } else yield* storage.list(prefix, o);
    },
  };
  const seen = await rowsOf({ ...root, storage: overtaken }, "demo");
  expect(seen).toEqual(await rowsOf(root, "demo"));
});
