/// <reference types="node" />
import { readFile } from "node:fs/promises";
import { parseTimestamp } from "@usr/schema";
import { GOLDEN_PATH } from "@usr/testkit";
import { expect, test } from "vitest";
import { makePart, overlayOf, type PartSpec } from "./support.ts";

interface Vectors {
  readonly vectors: readonly {
    readonly note: string;
    readonly parts: readonly { readonly file: string; readonly created_at: string }[];
    readonly newest_first: readonly string[];
    readonly instants: Readonly<Record<string, string>>;
  }[];
  readonly invalid_created_at: readonly string[];
}

const { vectors, invalid_created_at: invalid }: Vectors = JSON.parse(
  await readFile(`${GOLDEN_PATH}part-order.json`, "utf8"),
);

const spec = (file: string, createdAt: string): PartSpec => ({
  path: file === "mock.parquet" ? `_derived/${file}` : `_derived/mock/${file}`,
  key: "id",
  createdAt,
  columns: { id: ["string", ["k0"]], mock__s: ["int64", [1n]] },
});

test("the vectors are there", () => {
  expect(vectors.length).toBe(34);
  expect(invalid.length).toBe(8);
});

test.each(vectors)("$note", async ({ parts, newest_first, instants }) => {
  const overlay = await overlayOf(
    parts.map((part) => spec(part.file, part.created_at)),
    { mock__s: "int64" },
  );
  expect(overlay.parts.map((part) => part.name)).toEqual(newest_first);
  for (const part of overlay.parts) expect(part.createdAt).toBe(parseTimestamp(instants[part.name]!)!.epochNs);
});

test.each(invalid)("%j is no time of creation", async (createdAt) => {
  await expect(makePart(spec("part-1.parquet", createdAt))).rejects.toMatchObject({
    code: "MISSING_METADATA",
    details: { file: "_derived/mock/part-1.parquet", value: createdAt },
  });
});
