import { type Column, type DataType, formatType, parseType, type Value } from "@usr/schema";
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
import { bitmapBytes } from "../src/columns/bits.ts";
import { refusal } from "./refusal.ts";

// Rows of Arrow's null type take no memory, so that the limits of 32-bit offsets can be met.
const NOTHING: DataType = { kind: "null" };
const LAST = 2 ** 31 - 1;
const nothing = (length: number): Column => nullColumn(NOTHING, length);
const listOf = (length: number): Column => ({
  layout: "list",
  type: { kind: "list", item: NOTHING },
  length: 1,
  offsets: Int32Array.of(0, length),
  child: nothing(length),
});
const textOf = (length: number): Column => ({
  layout: "utf8",
  type: { kind: "string" },
  length: 1,
  offsets: Int32Array.of(0, length),
  data: new Uint8Array(0),
});
const tooLarge = (work: () => unknown, size: number): void => {
  expect(refusal(work)).toMatchObject({ code: "TOO_LARGE", details: { size, limit: LAST } });
};

describe("2^31 - 1", () => {
  it("rows have bitmaps of 2^28 bytes", () => {
    expect([0, 1, 8, 9, LAST - 7, LAST - 6, LAST].map(bitmapBytes)).toEqual([
      0,
      1,
      1,
      2,
      2 ** 28 - 1,
      2 ** 28,
      2 ** 28,
    ]);
    expect(nothing(LAST)).toEqual({ layout: "null", type: NOTHING, length: LAST });
  });
  it("rows can be joined, and no more", () => {
    expect(concatColumns(NOTHING, [nothing(2 ** 30), nothing(2 ** 30 - 1)]).length).toBe(LAST);
    tooLarge(() => concatColumns(NOTHING, [nothing(2 ** 30), nothing(2 ** 30)]), 2 ** 31);
  });
  it("elements can stand in lists, and no more", () => {
    const half = listOf(2 ** 30);
    const { type } = half;
    expect(concatColumns(type, [half, listOf(2 ** 30 - 1)])).toEqual({
      layout: "list",
      type,
      length: 2,
      offsets: Int32Array.of(0, 2 ** 30, LAST),
      child: nothing(LAST),
    });
    tooLarge(() => concatColumns(type, [half, half]), 2 ** 31);
    expect(gatherColumns(type, [half, listOf(2 ** 30 - 1)], Int32Array.of(0, 1), Int32Array.of(0, 0)).length).toBe(2);
    tooLarge(() => gatherColumns(type, [half], undefined, new Int32Array(2)), 2 ** 31);
    const builder = columnBuilder(type);
    builder.append([null]);
    tooLarge(() => builder.appendFrom(listOf(LAST), 0), 2 ** 31);
    expect(builder.length).toBe(1);
    builder.append([null, null]);
    expect(valueAt(builder.finish(), 1)).toEqual([null, null]);
  });
  it("elements can stand in lists of one size, and no more", () => {
    const wide = (size: number): DataType => ({ kind: "fixed_size_list", item: NOTHING, size });
    expect(nullColumn(wide(LAST), 1)).toMatchObject({ length: 1, child: { layout: "null", length: LAST } });
    expect(nullColumn(wide(2 ** 30 - 1), 2)).toMatchObject({ length: 2, child: { layout: "null", length: LAST - 1 } });
    tooLarge(() => nullColumn(wide(LAST), 2), 2 * LAST);
    tooLarge(() => nullColumn(wide(2 ** 30), 2), 2 ** 31);
    const half = nullColumn(wide(2 ** 30), 1);
    tooLarge(() => concatColumns(half.type, [half, half]), 2 ** 31);
    tooLarge(() => gatherColumns(half.type, [half], undefined, new Int32Array(2)), 2 ** 31);
    const less = nullColumn(wide(2 ** 30 - 1), 1);
    for (const two of [
      concatColumns(less.type, [less, less]),
      gatherColumns(less.type, [less], undefined, new Int32Array(2)),
    ])
      expect(two).toMatchObject({ length: 2, child: { layout: "null", length: LAST - 1 } });
  });
  it("bytes of text can be joined, and no more", () => {
    const half = textOf(2 ** 30);
    tooLarge(() => concatColumns(half.type, [half, half]), 2 ** 31);
    tooLarge(() => gatherColumns(half.type, [half], undefined, new Int32Array(2)), 2 ** 31);
    const builder = columnBuilder(half.type);
    builder.append("x");
    tooLarge(() => builder.appendFrom(textOf(LAST), 0), 2 ** 31);
    builder.append("yz");
    expect(builder.length).toBe(2);
    expect(valueAt(builder.finish(), 1)).toBe("yz");
  });
});

describe("a row of another column whose end is too large", () => {
  // The first text is copied before the second one is refused.
  const texts: Column = {
    ...{ layout: "utf8", type: { kind: "string" }, length: 2 },
    offsets: Int32Array.of(0, 2, LAST),
    data: new Uint8Array([97, 98]),
  };
  const first = sliceColumn(texts, 0, 1);
  const last = sliceColumn(texts, 1, 2);
  const [list, pair, struct] = ["list<string>", "fixed_size_list<string>[2]", "struct<a:string,b:string>"].map(
    parseType,
  );
  it.each<[Column, readonly Value[]]>([
    [{ layout: "list", type: list!, length: 1, offsets: Int32Array.of(0, 2), child: texts }, [["x"], [], ["y"]]],
    [{ layout: "fixed_list", type: pair!, length: 1, size: 2, child: texts }, [["x", "y"], null]],
    [
      { layout: "struct", type: struct!, length: 1, children: [first, last] },
      [
        { a: "x", b: "yyy" },
        { a: "z", b: null },
      ],
    ],
  ])("leaves nothing in a builder (%#)", (column, rows) => {
    const builder = columnBuilder(column.type);
    builder.append(rows[0]!);
    expect(refusal(() => builder.appendFrom(column, 0)).code).toBe("TOO_LARGE");
    for (const row of rows.slice(1)) builder.append(row);
    expect(builder.finish()).toEqual(columnOf(column.type, rows));
  });
});

describe("a row that does not exist", () => {
  const column = columnOf(parseType("int8"), [1, null, 3]);
  it.each([-1, 3, Number.NaN, Number.POSITIVE_INFINITY])("%d", (row) => {
    expect(() => valueAt(column, row)).toThrow(RangeError);
    const builder = columnBuilder(column.type);
    expect(() => builder.appendFrom(column, row)).toThrow(RangeError);
    expect(builder.length).toBe(0);
  });
  it("is none to gather", () => {
    const two = [column, columnOf(column.type, [4])];
    const gather = (sources: readonly number[] | undefined, ...rows: readonly number[]): Column =>
      gatherColumns(column.type, two, sources && Int32Array.from(sources), Int32Array.from(rows));
    for (const [sources, rows] of [
      [undefined, [3]],
      [[0], [3]],
      [[1], [1]],
      [[2], [0]],
      [
        [0, 1, 0],
        [2, 0, 3],
      ],
      [[0], [0, 1]],
      [[0, 1], [0]],
    ] as const)
      expect(() => gather(sources, ...rows)).toThrow(RangeError);
    // Where either is negative, the other says nothing.
    expect(gather([-1, 0, 9, 1], 9, -9, -1, 0)).toEqual(columnOf(column.type, [null, null, null, 4]));
    expect(() => gatherColumns(column.type, [], undefined, Int32Array.of(0))).toThrow(RangeError);
    expect(gatherColumns(column.type, [], undefined, Int32Array.of(-1))).toEqual(columnOf(column.type, [null]));
  });
  it("is none to cut at", () => {
    for (const [start, end] of [
      [-1, 2],
      [2, 1],
      [Number.NaN, 1],
      [0, Number.NaN],
    ] as const)
      expect(() => sliceColumn(column, start, end)).toThrow(RangeError);
    expect(sliceColumn(column, 0, 3)).toBe(column);
    expect(sliceColumn(column, 0, 99)).toBe(column);
    expect(sliceColumn(column, 1, 1).length).toBe(0);
    expect(sliceColumn(column, 99, 99).length).toBe(0);
    expect(sliceColumn(column, 2, 99)).toMatchObject({ length: 1, values: Int8Array.of(3) });
  });
});

describe("a column that is not what is asked for", () => {
  it.each([
    ["int8", "int16"],
    ["list<int8>", "list<int16>"],
    ["timestamp[us]", "timestamp[us, UTC]"],
    ["struct<a:int8>", "struct<b:int8>"],
  ])("%s is no %s", (found, expected) => {
    const column = columnOf(parseType(found), [null]);
    const type = parseType(expected);
    for (const work of [
      () => concatColumns(type, [column]),
      () => concatColumns(type, [column, column]),
      () => gatherColumns(type, [column], undefined, Int32Array.of(0)),
      () => columnBuilder(type).appendFrom(column, 0),
    ])
      expect(refusal(work)).toMatchObject({ code: "TYPE_MISMATCH", details: { expected, found } });
  });
  it("may be of an equal type that is another object", () => {
    for (const text of ["list<struct<a:int8>>", "timestamp[us, UTC]", "fixed_size_list<bool>[2]"]) {
      const [type, again] = [parseType(text), parseType(text)];
      const column = columnOf(type, [null]);
      expect(concatColumns(again, [column])).toBe(column);
      expect(concatColumns(again, [column, column]).length).toBe(2);
    }
  });
  it.each(["string", "bool", "int32", "list<int8>", "fixed_size_list<int8>[2]", "struct<a:int8>"])(
    "%s is laid out as its type says",
    (text) => {
      const type = parseType(text);
      const right = columnOf(type, [null]);
      const other = columnOf(
        text === "bool" ? parseType("int8") : parseType("bool"),
        [true].slice(text === "bool" ? 1 : 0),
      );
      const wrong: Column = { ...other, type };
      for (const work of [
        () => concatColumns(type, [right, wrong]),
        () => gatherColumns(type, [right, wrong], undefined, Int32Array.of(0)),
      ])
        expect(refusal(work)).toMatchObject({
          code: "CORRUPT",
          details: { expected: right.layout, found: other.layout },
        });
    },
  );
  it("has missing rows where a struct lacks a field's column", () => {
    const type = parseType("struct<a:int8,b:string>");
    const short: Column = { layout: "struct", type, length: 2, children: [columnOf(parseType("int8"), [1, 2])] };
    const rows = [
      { a: 1, b: null },
      { a: 2, b: null },
    ];
    const joined = concatColumns(type, [short, columnOf(type, [{ a: 3, b: "x" }])]);
    expect([0, 1, 2].map((row) => valueAt(joined, row))).toEqual([...rows, { a: 3, b: "x" }]);
    const gathered = gatherColumns(type, [short], undefined, Int32Array.of(1, 0));
    expect([0, 1].map((row) => valueAt(gathered, row))).toEqual(rows.toReversed());
  });
});

describe("values", () => {
  it("of text that is not UTF-8 have U+FFFD, a byte order mark is text", () => {
    for (const size of [0, 1, 20, 23, 24, 25, 100]) {
      const data = new Uint8Array([0xef, 0xbb, 0xbf, ...new Array<number>(size).fill(0x61), 0xff, 0x7f, 0x80]);
      const column: Column = {
        ...{ layout: "utf8", type: { kind: "string" }, length: 3 },
        offsets: Int32Array.of(0, 3 + size, 4 + size, 6 + size),
        data,
      };
      expect([0, 1, 2].map((row) => valueAt(column, row))).toEqual([
        `\ufeff${"a".repeat(size)}`,
        "\ufffd",
        "\x7f\ufffd",
      ]);
    }
  });
  it("of every length are read, ASCII or not", () => {
    const texts = Array.from({ length: 80 }, (_, size) => ["a".repeat(size), `${"b".repeat(size)}é`, "é".repeat(size)]);
    const rows = texts.flat();
    const column = columnOf({ kind: "string" }, rows);
    expect(rows.map((_, row) => valueAt(column, row))).toEqual(rows);
    const builder = columnBuilder(column.type);
    for (const row of rows.keys()) builder.appendFrom(column, row);
    expect(builder.finish()).toEqual(column);
  });
  it("are there or not", () => {
    const column = columnOf(parseType("bool"), [true, null, false]);
    expect([0, 1, 2].map((row) => isValid(column, row))).toEqual([true, false, true]);
    expect(isValid(columnOf(parseType("bool"), [true]), 0)).toBe(true);
    expect(formatType(column.type)).toBe("bool");
  });
});
