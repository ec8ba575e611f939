import type { DataType, Value } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Bound, columnBounds, openParquet, type ParquetFile, writeParquet } from "../src/index.ts";

const open = async (type: DataType, groups: readonly (readonly Value[])[]): Promise<ParquetFile> => {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const schema = { fields: [{ name: "v", type, nullable: true }], metadata: new Map<string, string>() };
  const rowGroups = groups.map((cells) => ({ numRows: cells.length, columns: [columnOf(type, cells)] }));
  for await (const bytes of writeParquet(schema, rowGroups)) parts.push(Uint8Array.from(bytes));
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return openParquet({ meta: { size: bytes.length }, read: async (at, length) => bytes.subarray(at, at + length) });
};

const double = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, -0, 0, 1, -1));
const big = (min: bigint, max: bigint): fc.Arbitrary<bigint> => fc.bigInt({ min, max });
const KINDS: readonly (readonly [DataType, fc.Arbitrary<Value>])[] = [
  [{ kind: "int8" }, fc.integer({ min: -128, max: 127 })],
  [{ kind: "uint32" }, fc.nat(2 ** 31 - 1).map((n) => n * 2 + 1)],
  [{ kind: "int64" }, big(-(2n ** 63n), 2n ** 63n - 1n)],
  [{ kind: "uint64" }, big(0n, 2n ** 64n - 1n)],
  [{ kind: "timestamp", unit: "us", timezone: "UTC" }, big(-(2n ** 63n), 2n ** 63n - 1n)],
  [{ kind: "float32" }, double.map(Math.fround)],
  [{ kind: "float64" }, double],
  [{ kind: "bool" }, fc.boolean()],
  [{ kind: "string" }, fc.string({ unit: "binary", maxLength: 90 })],
];

const comparable = (value: Value): Bound => {
  if (typeof value === "string") return new TextEncoder().encode(value);
  return typeof value === "bigint" ? value : Number(value);
};
const atMost = (a: Bound, b: Bound): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) <= 0 : a <= b;

test.each(KINDS)("every value of $kind lies within the bounds, and NULLs are counted", async (type, cell) => {
  const group = fc.array(fc.option(cell, { freq: 4 }), { minLength: 1, maxLength: 8 });
  let bounded = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 3 }), async (groups) => {
      const file = await open(type, groups);
      for (const [g, cells] of groups.entries()) {
        const { nulls, range } = columnBounds(file, g, "v");
        expect(nulls).toBe(cells.filter((value) => value === null).length);
        if (range === undefined) continue;
        bounded++;
        for (const value of cells) {
          if (value === null || Number.isNaN(value)) continue;
          expect(atMost(range.min, comparable(value)) && atMost(comparable(value), range.max)).toBe(true);
        }
      }
    }),
    { numRuns: testRuns(50) },
  );
  expect(bounded).toBeGreaterThan(0);
});

test("nothing is told of nested columns, of half floats, and of groups without values", async () => {
  const list = await open({ kind: "list", item: { kind: "int32" } }, [[[1], null]]);
  expect(columnBounds(list, 0, "v")).toEqual({ nulls: undefined, range: undefined });
  const half = await open({ kind: "float16" }, [[1, null]]);
  expect(columnBounds(half, 0, "v")).toEqual({ nulls: 1, range: undefined });
  const none = await open({ kind: "int64" }, [[null, null]]);
  expect(columnBounds(none, 0, "v")).toEqual({ nulls: 2, range: undefined });
  expect(() => columnBounds(none, 0, "w")).toThrow(expect.objectContaining({ code: "COLUMN_NOT_FOUND" }));
});
