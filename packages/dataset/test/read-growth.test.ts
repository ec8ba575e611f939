/// <reference types="node" />
import * as fsp from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DiskFs, diskStorage } from "@usr/storage/node";
import { expect, it } from "vitest";
import { compactOverlay } from "../src/maintain/index.ts";
import { attachCsv, demoRoot, rowsOf } from "./write-support.ts";

it("a read asks the disk as much after many compactions as after one", async () => {
  const folder = await fsp.mkdtemp(join(tmpdir(), "usr-growth-"));
  let calls = 0;
  const counted = <A extends unknown[], R>(call: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      calls++;
      return call(...args);
    };
  };
  const fs: DiskFs = {
    ...fsp,
    open: counted((name: string, flags: string | number, mode?: number) => fsp.open(name, flags, mode)),
    readdir: counted((name: string, o: { readonly withFileTypes: true }) => fsp.readdir(name, o)),
    lstat: counted((name: string, o: { readonly bigint: true }) => fsp.lstat(name, o)),
    stat: counted((name: string, o: { readonly bigint: true }) => fsp.stat(name, o)),
    // Not counted: what is opened side by side has its folder resolved once, so how often depends on the clock.
    realpath: fsp.realpath,
  };
  try {
    const root = await demoRoot(diskStorage(folder, { fs }));
    const costs: number[] = [];
    for (let n = 0; n < 8; n++) {
      for (const score of [n, n + 0.5])
        await attachCsv(root, "demo", `sequence,score\nAAAA,${score}\n`, { overwrite: true });
      await compactOverlay(root, "demo", { namespace: "mock" });
      calls = 0;
      expect((await rowsOf(root, "demo"))[0]).toMatchObject({ mock__score: n + 0.5 });
      costs.push(calls);
    }
    expect(new Set(costs.slice(1)).size).toBe(1);
  } finally {
    await fsp.rm(folder, { recursive: true });
  }
});
