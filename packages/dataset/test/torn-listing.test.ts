/// <reference types="node" />
import * as fsp from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DiskFs, diskStorage } from "@usr/storage/node";
import { expect, onTestFinished, test } from "vitest";
import { compactOverlay } from "../src/maintain/index.ts";
import { materialize } from "../src/write/index.ts";
import { attachCsv, demoRoot, rowsOf } from "./write-support.ts";

// The model check names the law that a torn listing breaks (protocol.test.ts); this is the case it found, on a disk.

test("a read sees a whole state where parts are replaced between the names and the look at them, in both of its listings", async () => {
  const folder = await fsp.mkdtemp(join(tmpdir(), "usr-torn-"));
  onTestFinished(() => fsp.rm(folder, { recursive: true }));
  const root = await demoRoot(diskStorage(folder));
  await attachCsv(root, "demo", "sequence,mock__score\nAAAA,1\nCCCC,2\n");
  await attachCsv(root, "demo", "sequence,mock__score\nGGGG,3\nAAAA,4\n", { overwrite: true });
  const expected = await rowsOf(root, "demo");
  const deeds = [() => compactOverlay(root, "demo", { namespace: "mock" }), () => materialize(root, "demo")];
  const fs: DiskFs = {
    ...fsp,
    readdir: async (name, o) => {
      const names = await fsp.readdir(name, o);
      if (name === join(folder, "demo/_derived/mock/")) await deeds.shift()?.();
      return names;
    },
  };
  const seen = await rowsOf({ ...root, storage: diskStorage(folder, { fs }) }, "demo");
  expect(deeds).toEqual([]);
  expect(seen).toEqual(expected);
});
