/// <reference types="node" />
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { goldenDatasets, goldenPath, goldenRoots, loadGolden } from "@usr/testkit";
import { describe, expect, it } from "vitest";

describe("the golden roots", () => {
  const datasets = goldenRoots().flatMap(goldenDatasets);

  it("are there, with the datasets that must be read and those that must be refused", () => {
    expect(goldenRoots().length).toBe(49);
    expect(datasets.filter(({ info }) => info !== undefined).length).toBeGreaterThan(49);
    expect(datasets.filter(({ error }) => error !== undefined).length).toBe(12);
  });

  it.each(datasets.map((dataset) => [`${dataset.root}: ${dataset.dataset}`, dataset] as const))(
    "%s is as it was written",
    (_name, { info, error, rows, rowsWithDeleted, rowsOfBase }) => {
      if (info === undefined) {
        expect([error?.code, rowsOfBase !== undefined || rows === undefined]).toEqual([expect.any(String), true]);
        return;
      }
      expect(rows?.length).toBe(info["rows"]);
      const sha256 = createHash("sha256").update(`${rows?.map((line) => `${line}\n`).join("")}`);
      expect(sha256.digest("hex")).toBe(info["ndjson_sha256"]);
      if (rowsWithDeleted !== undefined) expect(rowsWithDeleted.length).toBeGreaterThan(0);
    },
  );

  it("load into a storage without what is expected of them", async () => {
    const files = new Map<string, Uint8Array>();
    await loadGolden("nested-ids", { put: async (path, body) => files.set(path, body) });
    expect([...files.keys()].filter((path) => path.endsWith("records.parquet")).sort()).toEqual(
      expect.arrayContaining(["demo/records.parquet", "densegen/demo/records.parquet", "lab/demo.v2/records.parquet"]),
    );
    expect([...files.keys()].some((path) => path.startsWith("expected"))).toBe(false);
    const onDisk = readFileSync(join(goldenPath("nested-ids"), "registry.yaml"));
    expect(Buffer.compare(files.get("registry.yaml") ?? new Uint8Array(), onDisk)).toBe(0);
  });
});
