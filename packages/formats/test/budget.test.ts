/// <reference types="node" />
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeParquet } from "@usr/parquet";
import { type Column, parseType } from "@usr/schema";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TableLimits } from "../src/index.ts";

// Small files that stand for much, in processes with a small heap, watched for what they really take. The program itself takes 120 MiB.

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "usr-budget-"));
});
afterAll(() => rm(folder, { recursive: true }));

const READER = fileURLToPath(new URL("budget/read-all.ts", import.meta.url));

const read = (
  path: string,
  limits: TableLimits = {},
): { readonly rows: number; readonly refused?: string; readonly mebibytes: number } => {
  const args = ["--conditions=@usr/source", "--max-old-space-size=64", READER, path, JSON.stringify(limits)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 120_000 });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
};

/** The same column of numbers many times over, in pages of so many bytes. */
const numbers = async (name: string, columns: number, values: Float64Array, pageBytes: number): Promise<string> => {
  const type = parseType("float64");
  const column: Column = { layout: "fixed", type, length: values.length, values };
  const fields = Array.from({ length: columns }, (_, i) => ({ name: `c${i}`, type, nullable: true }));
  const group = { numRows: values.length, columns: fields.map(() => column) };
  const path = join(folder, name);
  await writeFile(path, writeParquet({ fields, metadata: new Map() }, [group], { pageBytes }));
  return path;
};

test("pages that are decoded together stay within the budget, whatever they declare", async () => {
  const path = await numbers("wide.parquet", 40, new Float64Array(2 ** 21), 2 ** 24);
  // A page of two million zeros is a run: a few bytes that become 16 MB.
  expect((await stat(path)).size).toBeLessThan(50_000);
  const small = read(path, { maxDecodedBytes: 2 ** 27 });
  expect(small.refused).toMatch(/^TOO_LARGE in: .*row group 0: Pages to be decoded together declare \d+ bytes\.$/);
  expect(small.mebibytes).toBeLessThan(500);
  expect(read(path)).toMatchObject({ rows: 2 ** 21 });
});

test("one page is held against it, too, before it is decompressed", async () => {
  const values = Float64Array.from({ length: 2 ** 22 }, (_, i) => i);
  const path = await numbers("page.parquet", 1, values, 2 ** 25);
  const { rows, refused, mebibytes } = read(path, { maxDecodedBytes: 2 ** 23 });
  expect([rows, refused]).toEqual([0, expect.stringMatching(/^TOO_LARGE in: .*A page declares \d+ bytes\.$/)]);
  expect(mebibytes).toBeLessThan(250);
  expect(read(path)).toMatchObject({ rows: 2 ** 22 });
});

test("what a compressed byte may stand for can be said", async () => {
  const path = await numbers(
    "ratio.parquet",
    2,
    Float64Array.from({ length: 2 ** 20 }, (_, i) => i),
    2 ** 20,
  );
  const { rows, refused } = read(path, { maxRatio: 1 });
  expect([rows, refused]).toEqual([0, expect.stringMatching(/^TOO_LARGE in: .* bytes out of \d+ compressed ones/)]);
  expect(read(path, { maxRatio: 1000 })).toMatchObject({ rows: 2 ** 20 });
});
