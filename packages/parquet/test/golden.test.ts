/// <reference types="node" />
import { globSync } from "node:fs";
import { countComparisons, GOLDEN_PATH } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { openFile, oracleTables, python, readAll } from "./canon.ts";

const root = GOLDEN_PATH;
const paths = globSync("**/*.parquet", { cwd: root }).sort();

describe("golden files", () => {
  it("has files to compare", () => {
    expect(paths.length).toBeGreaterThan(100);
  });

  it.skipIf(python === undefined)("decode to what pyarrow reads, value by value", { timeout: 120_000 }, async () => {
    const expected = oracleTables(paths.map((path) => ({ op: "read-each", path: root + path })));
    let compared = 0;
    for (const [i, path] of paths.entries()) {
      const want = expected[i]!;
      if (want.error !== undefined) {
        await expect(openFile(root + path), path).rejects.toMatchObject({ code: "CORRUPT" });
        continue;
      }
      const file = await openFile(root + path);
      expect(file.columnNames, path).toEqual(want.names);
      const got = await readAll(file);
      expect(got.rows, path).toBe(want.rows);
      expect(got.metadata, path).toEqual(want.metadata);
      for (const [c, name] of got.names.entries()) {
        const w = want.names.indexOf(name);
        expect(got.types[c], `${path} ${name}`).toBe(want.types[w]);
        // pyarrow itself fails on fixed-size lists with NULL rows (apache/arrow#35692).
        if (want.columns[w] !== null) expect(got.columns[c], `${path} ${name}`).toEqual(want.columns[w]);
        compared++;
      }
    }
    countComparisons("parquet-golden", compared);
    expect(compared).toBeGreaterThan(500);
  });
});
