import type { Storage } from "@usr/storage";
import { describe, expect, it } from "vitest";
import type { WritableRoot } from "../src/write/index.ts";
import { attachCsv, bytesUnder, changedPaths, demoRoot, eventsOf, importCsv, rowsOf } from "./write-support.ts";

const HELD = "demo/.events.lock";

describe("the lock of the event log", () => {
  it("that another program keeps stops a commit before it changes anything, within the time given", async () => {
    const root: WritableRoot = { ...(await demoRoot()), lockTimeoutMs: 30 };
    const before = await bytesUnder(root.storage);
    const held = await root.storage.lock!(HELD);
    await expect(attachCsv(root, "demo", "sequence,score\nAAAA,1\n")).rejects.toMatchObject({
      name: "DatasetError",
      code: "LOCKED",
      details: { timeoutMs: 30 },
    });
    expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
    await held[Symbol.asyncDispose]();
    await attachCsv(root, "demo", "sequence,score\nAAAA,1\n");
    expect((await eventsOf(root, "demo")).filter(({ action }) => action === "attach")).toHaveLength(1);
  });

  it("is not asked for once the change is visible: an interruption there would leave it without its event", async () => {
    const root = await demoRoot();
    const { lock, rename } = root.storage;
    let visible = false;
    const storage: Storage = {
      ...root.storage,
      rename: async (from, to) => {
        await rename(from, to);
        visible ||= to === "demo/records.parquet";
      },
      lock: async (path, o) => {
        if (visible) throw new Error("interrupted");
        return await lock!(path, o);
      },
    };
    await importCsv({ ...root, storage }, "demo", "sequence\nACACAC\n");
    expect(await rowsOf(root, "demo")).toHaveLength(7);
    expect((await eventsOf(root, "demo")).at(-1)).toMatchObject({
      action: "import_rows",
      metrics: { rows_written: 1 },
    });
  });
});
