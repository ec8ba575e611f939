import { byteSize, type Column, type DataType, parseType, type Value } from "@usr/schema";
import { fromArrow, readArrow, toArrow, writeArrow } from "@usr/schema/arrow";
import {
  columnBuilder,
  columnOf,
  concatColumns,
  gatherColumns,
  isValid,
  nullColumn,
  sliceColumn,
  valueAt,
} from "@usr/schema/columns";
import { describe, expect, it } from "vitest";
import { refusal } from "./refusal.ts";

const NULL: DataType = { kind: "null" };
const valuesOf = (column: Column): readonly Value[] =>
  Array.from({ length: column.length }, (_, row) => valueAt(column, row));
const nulls = (length: number): null[] => new Array<null>(length).fill(null);

describe("columns of Arrow's null type", () => {
  const column = columnOf(NULL, nulls(5));
  it("have rows, and no values", () => {
    expect(column).toEqual({ layout: "null", type: NULL, length: 5 });
    expect(valuesOf(column)).toEqual(nulls(5));
    expect([isValid(column, 0), byteSize(column)]).toEqual([false, 0]);
    expect(refusal(() => columnOf(NULL, [null, 7]))).toMatchObject({
      code: "TYPE_MISMATCH",
      details: { value: 7, expected: "null" },
    });
  });
  it("are built, cut and joined", () => {
    const builder = columnBuilder(NULL);
    builder.append(null);
    builder.appendFrom(column, 3);
    expect([builder.length, builder.byteLength]).toEqual([2, 0]);
    expect(() => builder.append("x")).toThrow();
    expect(builder.finish()).toEqual({ layout: "null", type: NULL, length: 2 });
    expect(builder.length).toBe(0);
    expect(sliceColumn(column, 1, 4)).toEqual({ layout: "null", type: NULL, length: 3 });
    expect(concatColumns(NULL, [column, column]).length).toBe(10);
    expect(gatherColumns(NULL, [column], undefined, Int32Array.of(4, -1)).length).toBe(2);
  });
  it("are missing rows of any type", () => {
    for (const text of ["string", "bool", "int64", "list<int8>", "fixed_size_list<int8>[2]", "struct<a:int8>"]) {
      const type = parseType(text);
      expect(nullColumn(NULL, 5)).toEqual(column);
      expect(valuesOf(concatColumns(type, [column]))).toEqual(nulls(5));
      const builder = columnBuilder(type);
      builder.appendFrom(column, 0);
      expect(valuesOf(builder.finish())).toEqual([null]);
    }
  });
  it("come within lists and structs, and back with a builder that refuses a value", () => {
    const type: DataType = {
      kind: "struct",
      fields: [
        { name: "a", type: NULL },
        { name: "b", type: { kind: "bool" } },
        { name: "c", type: { kind: "list", item: NULL } },
      ],
    };
    const rows = [{ a: null, b: true, c: [null, null] }, null, { a: null, b: null, c: [] }];
    const builder = columnBuilder(type);
    for (const row of rows) builder.append(row);
    // What came in before the mismatch is taken back, in every field.
    expect(() => builder.append({ a: null, b: true, c: [null, 1] })).toThrow();
    builder.append({ b: false, c: null });
    const built = builder.finish();
    expect(valuesOf(built)).toEqual([...rows, { a: null, b: false, c: null }]);
    expect(valuesOf(sliceColumn(built, 2, 4))).toEqual([rows[2], { a: null, b: false, c: null }]);
    expect(valuesOf(concatColumns(type, [sliceColumn(built, 3, 4), built]))).toEqual([
      { a: null, b: false, c: null },
      ...valuesOf(built),
    ]);
    expect(valuesOf(gatherColumns(type, [built], undefined, Int32Array.of(2, 0)))).toEqual([rows[2], rows[0]]);
  });
  it("go through Arrow and back", async () => {
    const schema = { fields: [{ name: "n", type: NULL, nullable: true }], metadata: new Map<string, string>() };
    const batch = { schema, columns: [column], numRows: 5 };
    expect(fromArrow(toArrow(batch)).columns).toEqual([column]);
    const reader = await readArrow(writeArrow(schema, [batch], { form: "stream" }));
    for await (const read of reader.batches()) expect(read.columns).toEqual([column]);
  });
});

describe("the bytes of a column", () => {
  it.each<[string, readonly Value[], number]>([
    ["int32", [1, null, 3], 12],
    ["bool", [true, null, false], 1],
    ["string", ["abc", null, "é"], 4 * 4 + 5],
    ["list<int16>", [[1, 2], null, [3]], 4 * 4 + 6],
    ["list<int16>", [[], []], 3 * 4],
    ["fixed_size_list<float64>[2]", [[1, 2], null], 32],
    ["struct<a:int8,b:string>", [{ a: 1, b: "xy" }], 1 + 8 + 2],
  ])("%s", (text, values, size) => {
    expect(byteSize(columnOf(parseType(text), values))).toBe(size);
  });
  it("of a part are those of its rows", () => {
    const texts = columnOf(parseType("string"), ["a".repeat(100), "bb", "c".repeat(50)]);
    expect(byteSize(sliceColumn(texts, 1, 2))).toBe(2 * 4 + 2);
    const lists = columnOf(parseType("list<int32>"), [[1, 2, 3], [4], [5, 6]]);
    expect(byteSize(sliceColumn(lists, 2, 3))).toBe(2 * 4 + 8);
  });
});

describe("a value that does not fit is named", () => {
  it.each<[unknown, string]>([
    [`${"x".repeat(59)}yz`, `"${"x".repeat(59)}…"`],
    ["short", '"short"'],
    [-0.5, "-0.5"],
    [7n, "7n"],
    [[1, 2, 3], "An array of 3"],
    [{ a: 1 }, "An object"],
    [() => 1, "A function"],
    [Symbol("s"), "A symbol"],
    [undefined, "undefined"],
    [true, "true"],
  ])("%#", (value, shown) => {
    const builder = columnBuilder(parseType("list<int8>"));
    // What callers in JavaScript may give.
    const error = refusal(() => Reflect.apply(builder.append, builder, [[1, value]]));
    expect(error.message.startsWith(`${shown} at [1] is no value of int8`)).toBe(true);
    expect(error.details).toMatchObject({ value, expected: "int8", path: [1] });
    expect(builder.length).toBe(0);
  });
  it("and an error of another kind passes as it is", () => {
    const odd = {
      get a(): never {
        throw new TypeError("mine");
      },
    };
    expect(() => columnOf(parseType("struct<a:int8>"), [odd])).toThrow(new TypeError("mine"));
    expect(() => columnBuilder(parseType("struct<a:int8>")).append(odd)).toThrow(new TypeError("mine"));
    expect(() => columnOf(parseType("list<struct<a:int8>>"), [[odd]])).toThrow(new TypeError("mine"));
  });
});
