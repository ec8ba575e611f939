/// <reference types="node" />
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { datasetSchema, info, listDatasets, scan } from "../src/index.ts";
import type { Root } from "../src/types.ts";
import { codeOf, diskRoot, GOLDEN, linesOf, memoryRoot, ordered } from "./support.ts";

const storages: readonly (readonly [string, (root: string) => Root | Promise<Root>])[] = [
  ["memory", memoryRoot],
  ["disk", diskRoot],
];
const readable = GOLDEN.filter((golden) => golden.error === undefined);
const refused = GOLDEN.filter((golden) => golden.error !== undefined);

test("the golden set is whole", () => {
  expect(readable.length).toBeGreaterThanOrEqual(50);
  expect(refused.length).toBe(12);
});

describe.each(storages)("golden roots in %s", (_, open) => {
  describe.each(readable)("$root $dataset", ({ root, dataset, ...expected }) => {
    test("the merged view is the expected one, row by row and in order", async () => {
      const lines = await linesOf(await open(root), dataset);
      expect(lines.map(ordered)).toStrictEqual(expected.rows?.map(ordered));
    });

    test("info tells what is there", async () => {
      const found = await info(await open(root), dataset);
      const { rows, rows_deleted, rows_base, namespaces, registry_hash, snapshots, events, fields } =
        expected.info ?? {};
      expect(found).toMatchObject({
        dataset,
        rows,
        rows_deleted,
        rows_base,
        registry_hash: registry_hash ?? null,
        snapshots,
        events,
      });
      const bare = (all: unknown): unknown =>
        Array.isArray(all) &&
        all.map(({ namespace, key, parts, rows: count, distinct_keys, columns, newest_created_at }) => ({
          ...{ namespace, key, parts, rows: count, distinct_keys, columns, newest_created_at },
        }));
      expect(bare(found.namespaces)).toEqual(bare(namespaces));
      expect(Array.isArray(fields) && fields.map((field: { name: string }) => field.name)).toEqual(found.columns);
    });

    test("the schema is the expected one", async () => {
      const { fields } = await datasetSchema(await open(root), dataset);
      expect(fields.map(({ name, type, origin }) => ({ name, type, origin }))).toEqual(expected.info?.["fields"]);
    });

    const { rowsWithDeleted } = expected;
    if (rowsWithDeleted === undefined) return;
    test("deleted rows are shown when asked for", async () => {
      const all = await linesOf(await open(root), dataset, { includeDeleted: true });
      const onlyDeleted = expected.info?.["deleted_ndjson"] === "deleted rows only";
      const lines = onlyDeleted ? all.filter((line) => line.includes('"usr__deleted":true')) : all;
      expect(lines.map(ordered)).toStrictEqual(rowsWithDeleted.map(ordered));
    });
  });

  describe.each(refused)("$root $dataset", ({ root, dataset, error, rowsOfBase }) => {
    test("is refused", async () => {
      expect(await codeOf(linesOf(await open(root), dataset))).toBe(error?.code);
    });

    if (rowsOfBase === undefined) return;
    test("is still read without overlays", async () => {
      const lines = await linesOf(await open(root), dataset, { overlays: false });
      expect(lines.map(ordered)).toStrictEqual(rowsOfBase.map(ordered));
      const ids = await linesOf(await open(root), dataset, { columns: ["id"] });
      expect(ids.length).toBe(rowsOfBase.length);
    });
  });

  test.each([...new Set(GOLDEN.map(({ root }) => root))])("ls %s", async (root) => {
    const listed = await listDatasets(await open(root));
    const expected = GOLDEN.filter((golden) => golden.root === root);
    expect(listed.map(({ dataset }) => dataset)).toEqual(expected.map(({ dataset }) => dataset));
    for (const { dataset, rows, rows_deleted, rows_base } of listed) {
      const found = expected.find((golden) => golden.dataset === dataset)?.info;
      if (found !== undefined)
        expect({ rows, rows_deleted, rows_base }).toEqual({
          rows: found["rows"],
          rows_deleted: found["rows_deleted"],
          rows_base: found["rows_base"],
        });
    }
  });
});

test("the lines are byte for byte the expected ones where no number is a float", async () => {
  const { root, dataset, info: expected } = readable.find((golden) => golden.root === "bio-types")!;
  const hash = createHash("sha256");
  for (const line of await linesOf(await memoryRoot(root), dataset)) hash.update(`${line}\n`);
  expect(hash.digest("hex")).toBe(expected?.["ndjson_sha256"]);
});

test.each(readable)("$root $dataset: every way to ask gives the same cells", async ({ root, dataset }) => {
  const source = await memoryRoot(root);
  const all = (await linesOf(source, dataset)).map((line): Record<string, unknown> => JSON.parse(line));
  const names = Object.keys(all[0] ?? {});
  if (all.length > 100) return;
  for (const name of names) {
    const column = (await linesOf(source, dataset, { columns: [name] })).map((line): unknown => JSON.parse(line));
    expect(column).toStrictEqual(all.map((row) => ({ [name]: row[name] })));
  }
  const reversed = names.toReversed();
  const first = (await linesOf(source, dataset, { columns: reversed, limit: 2 })).map(ordered);
  expect(first).toStrictEqual(all.slice(0, 2).map((row) => reversed.map((name) => [name, row[name]])));
  const later = (await linesOf(source, dataset, { start: 1, limit: 2 })).map((line): unknown => JSON.parse(line));
  expect(later).toStrictEqual(all.slice(1, 3));
  const ids = all.map((row) => String(row["id"])).toReversed();
  const byId = (await linesOf(source, dataset, { ids })).map((line): unknown => JSON.parse(line));
  if (new Set(ids).size === ids.length) expect(byId).toStrictEqual(all.toReversed());
});

test("a scan that is broken off stops reading", async () => {
  const root = await memoryRoot("rows-20k");
  for await (const batch of scan(root, "lab/rows20k")) {
    expect(batch.numRows).toBeGreaterThan(0);
    break;
  }
});
