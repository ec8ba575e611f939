import { expect, test } from "vitest";
import * as float from "../src/float/index.ts";
import * as api from "../src/index.ts";
import * as memory from "../src/memory/index.ts";
import * as node from "../src/node/index.ts";

test("the public names", () => {
  expect(Object.keys(api).sort()).toMatchInlineSnapshot(`
    [
      "FormatError",
      "castColumn",
      "decodeLimits",
      "formatOf",
      "jsonRow",
      "jsonRows",
      "openTable",
      "writeTable",
    ]
  `);
  expect(Object.keys(float)).toEqual(["parseFloatText"]);
  expect(Object.keys(memory)).toEqual(["tableOf"]);
  expect(Object.keys(node).sort()).toMatchInlineSnapshot(`
    [
      "compress",
      "decompress",
    ]
  `);
});

test.each([
  ["a.csv", "csv", undefined],
  ["dir.x/a.b.TSV.GZ", "tsv", "gz"],
  ["a.jsonl.zst", "jsonl", "zst"],
  ["a.ndjson", "jsonl", undefined],
  ["a.parquet", "parquet", undefined],
  ["C:\\t\\a.arrow", "arrow", undefined],
  ["a.fasta", "fasta", undefined],
  ["a.fa.gz", "fasta", "gz"],
  ["a.fna", "fasta", undefined],
  ["a.faa", "fasta", undefined],
  ["a.gb", "genbank", undefined],
  ["a.GBK.zst", "genbank", "zst"],
])("%s is %s", (path, format, compression) => {
  expect(api.formatOf(path)).toEqual({ format, compression });
});

test.each(["csv", "a", "a.gz", "a.txt", "a.csv.bz2", "a.csv/b", "a.g", "-", ""])("%j has no known suffix", (path) => {
  expect(api.formatOf(path)).toBeUndefined();
});
