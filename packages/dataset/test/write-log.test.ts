/// <reference types="node" />
import { memoryStorage, type Storage, StorageError } from "@usr/storage";
import { expect, test } from "vitest";
import type { WritableRoot } from "../src/write/index.ts";
import { attachCsv, demoRoot, importCsv, rowsOf } from "./write-support.ts";

test("a log that takes no lines stops a commit while nothing is changed", async () => {
  const storage = memoryStorage();
  const root = await demoRoot(storage);
  const refusing: Storage = {
    ...storage,
    append: async (path) => {
      throw new StorageError("PERMISSION", `Cannot append to ${path}: permission denied.`, { hint: "chmod" });
    },
  };
  const locked: WritableRoot = { ...root, storage: refusing };
  const before = await rowsOf(root, "demo");
  await expect(importCsv(locked, "demo", "sequence\nGATTACA\n")).rejects.toMatchObject({ code: "PERMISSION" });
  await expect(attachCsv(locked, "demo", "sequence,score\nAAAA,1\n")).rejects.toMatchObject({ code: "PERMISSION" });
  expect(await rowsOf(root, "demo")).toEqual(before);
  await importCsv(root, "demo", "sequence\nGATTACA\n");
  expect(await rowsOf(root, "demo")).toHaveLength(before.length + 1);
});
