import type { Value } from "@usr/schema";
import { naiveMerge, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildKeyIndex, countKeys, mergeOverlay } from "../src/index.ts";
import { type Cells, idBase, mergedRows, overlayOf, type PartSpec } from "./support.ts";

const TYPES = { mock__n: "float64" };
const BASE = Array.from({ length: 500 }, (_, row) => `id ${row}`);

const spec = (minute: number, rows: readonly (readonly [key: string | null, value: number | null])[]): PartSpec => ({
  path: `_derived/mock/part-${minute}.parquet`,
  key: "id",
  createdAt: `2026-01-01T00:0${minute}:00Z`,
  groupRows: 4,
  columns: {
    id: ["string", rows.map(([key]) => key)] satisfies Cells,
    mock__n: ["float64", rows.map(([, value]) => value)] satisfies Cells,
  },
});

const key = fc.oneof(fc.nat(BASE.length - 1), fc.constantFrom(0, 1, BASE.length - 2, BASE.length - 1));
const part = fc
  .uniqueArray(fc.oneof({ weight: 9, arbitrary: key }, fc.integer({ min: 600, max: 620 })), { maxLength: 29 })
  .chain((keys) => fc.tuple(...keys.map((n) => fc.tuple(fc.constant(`id ${n}`), fc.option(fc.nat(9))))));

test("a few values, in any order, for a base of many rows", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(1, 3, 77, BASE.length),
      fc.constantFrom(0, undefined),
      async (drawn, step, smallPartBytes) => {
        const parts = drawn.map((rows, minute) => ({
          name: `part-${minute}.parquet`,
          createdAt: BigInt(minute),
          rows: rows.map(([id, n]) => ({ key: id, values: { mock__n: n } })),
        }));
        const overlay = await overlayOf(
          drawn.map((rows, minute) => spec(minute, rows)),
          TYPES,
        );
        expect(await mergedRows(overlay, idBase(BASE), ["mock__n"], step, { smallPartBytes })).toEqual(
          naiveMerge<Value>("id", BASE, parts, ["mock__n"]),
        );
      },
    ),
    { numRuns: testRuns(60) },
  );
});

describe("what a merge refuses", () => {
  const overlay = () => overlayOf([spec(1, [["id 1", 1]])], TYPES);

  test("an index of another key", async () => {
    const index = await buildKeyIndex("id", idBase(BASE));
    const by = async (other: "sequence" | "sequence_norm" | "sequence_ci") =>
      mergeOverlay({ ...(await overlay()), key: other }, { ...index, key: "sequence" }, { columns: [] });
    await expect(by("sequence_ci")).rejects.toMatchObject({
      code: "KEY_MISMATCH",
      details: { namespace: "mock", key: "sequence_ci", index: "sequence" },
    });
    // Two names of one key.
    expect((await by("sequence_norm")).fields).toEqual([]);
    expect((await by("sequence")).fields).toEqual([]);
  });

  test("a column that no part holds", async () => {
    const index = await buildKeyIndex("id", idBase(BASE));
    const columns = ["mock__n", "mock__m"];
    await expect(overlay().then((held) => mergeOverlay(held, index, { columns }))).rejects.toMatchObject({
      code: "COLUMN_NOT_REGISTERED",
      details: { namespace: "mock", column: "mock__m" },
    });
  });

  test.each([59, 60, 61, 5000])("a key of %i letters twice, told in short", async (length) => {
    const twice = "k".repeat(length);
    const held = await overlayOf(
      [
        spec(1, [
          ["a", 1],
          [twice, 2],
          ["b", 3],
          [` ${twice}`, 4],
          [twice, 5],
        ]),
      ],
      TYPES,
    );
    const error: unknown = await mergedRows(held, idBase(BASE), ["mock__n"]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "DUPLICATE_KEY",
      details: { namespace: "mock", file: "_derived/mock/part-1.parquet", key: twice, rows: [2, 4], duplicates: 2 },
    });
    expect(String(error)).toContain(` key ${length <= 60 ? twice : `${twice.slice(0, 57)}...`} twice`);
  });
});

describe("counting", () => {
  test("samples of orphans are the first five, each key once, from the newest part on", async () => {
    const strangers = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => [`x${from + i}`, i] as const);
    const overlay = await overlayOf([spec(1, strangers(0, 9)), spec(2, [["id 3", 1], ...strangers(6, 8)])], TYPES);
    expect(await countKeys(overlay, { index: await buildKeyIndex("id", idBase(BASE)) })).toEqual({
      rows: 12,
      distinct: 10,
      blank: 0,
      orphans: 9,
      orphanSamples: ["x6", "x7", "x0", "x1", "x2"],
    });
  });

  test("a key column of all missing values is blank keys", async () => {
    const overlay = await overlayOf(
      [
        spec(1, [
          [null, 1],
          [null, 2],
        ]),
      ],
      TYPES,
    );
    expect(await countKeys(overlay)).toMatchObject({ rows: 2, distinct: 0, blank: 2 });
  });
});
