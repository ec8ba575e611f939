/// <reference types="node" />
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Storage } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import { expect, test } from "vitest";
import { info } from "../src/index.ts";
import { compactOverlay } from "../src/maintain/index.ts";
import { idsOf, partBytes } from "./make.ts";
import { demoRoot, rowsOf } from "./write-support.ts";

const PARTS = 1000;

/** A storage that counts the handles that are open, at most and now. */
const counting = (storage: Storage): { readonly storage: Storage; readonly handles: { now: number; most: number } } => {
  const handles = { now: 0, most: 0 };
  return {
    handles,
    storage: {
      ...storage,
      open: async (path, o) => {
        const handle = await storage.open(path, o);
        if (handle === undefined) return undefined;
        handles.most = Math.max(handles.most, ++handles.now);
        return {
          meta: handle.meta,
          read: (offset, length, signal) => handle.read(offset, length, signal),
          [Symbol.asyncDispose]: async () => {
            handles.now--;
            await handle[Symbol.asyncDispose]();
          },
        };
      },
    },
  };
};

test("a thousand parts become one: a few handles at a time, none left open, and info has said so", {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "usr-parts-"));
  try {
    const root = await demoRoot(diskStorage(folder));
    const ids = idsOf(["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA"]);
    for (let i = 0; i < PARTS; i++) {
      const stamp = new Date(1_750_000_000_000 + i * 1000).toISOString().replace("Z", "000Z");
      const part = await partBytes("mock", "id", stamp, {
        id: ["string", [ids[i % 6]!]],
        mock__score: ["float64", [i]],
      });
      await root.storage.put(`demo/_derived/mock/part-${String(i).padStart(4, "0")}.parquet`, part);
    }
    const before = await rowsOf(root, "demo");
    expect((await info(root, "demo")).namespaces).toMatchObject([
      {
        ...{ parts: PARTS, rows: PARTS, distinct_keys: 6, overlap: PARTS - 6, read_amplification: PARTS / 6 },
        compact: "usr maintenance overlay-compact demo --namespace mock",
      },
    ]);
    const { storage, handles } = counting(root.storage);
    expect(await compactOverlay({ ...root, storage }, "demo", { namespace: "mock" })).toMatchObject({
      parts_in: PARTS,
      rows: 6,
    });
    expect(handles.most).toBeLessThanOrEqual(32);
    expect(handles.now).toBe(0);
    expect(await rowsOf(root, "demo")).toEqual(before);
    expect(await readdir(join(folder, "demo/_derived/mock"))).toHaveLength(1);
    expect((await info(root, "demo")).namespaces).toMatchObject([
      { parts: 1, overlap: 0, read_amplification: 1, compact: null },
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
