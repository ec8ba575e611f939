import { parseType, type Value } from "@usr/schema";
import { columnBuilder, columnOf, gatherColumns, nullColumn, sliceColumn, valueAt } from "@usr/schema/columns";
import { describe, expect, it } from "vitest";
import { refusal } from "./refusal.ts";

describe("append", () => {
  it.each<readonly [string, Value]>([
    ["string", 1],
    ["string", "\ud800"],
    ["string", `${"x".repeat(50)}\udc00`],
    ["bool", 0],
    ["bool", "true"],
    ["int8", 128],
    ["int8", -129],
    ["int8", 1n],
    ["int16", 32768],
    ["int32", 2147483648],
    ["int16", -32769],
    ["int32", -2147483649],
    ["uint8", -1],
    ["uint8", 256],
    ["uint16", -1],
    ["uint16", 65536],
    ["uint32", -1],
    ["uint32", 4294967296],
    ["int32", 0.5],
    ["int32", Number.NaN],
    ["int32", Infinity],
    ["int32", "1"],
    ["int64", 2n ** 63n],
    ["int64", -(2n ** 63n) - 1n],
    ["int64", 2 ** 53],
    ["int64", 0.5],
    ["uint64", -1n],
    ["uint64", 2n ** 64n],
    ["float64", 1n],
    ["float64", "NaN"],
    ["timestamp[us, UTC]", 0],
    ["timestamp[us, UTC]", "2026-01-01T00:00:00Z"],
    ["list<int8>", "12"],
    ["list<int8>", {}],
    ["fixed_size_list<int8>[2]", "12"],
    ["fixed_size_list<int8>[2]", {}],
    ["fixed_size_list<int8>[2]", [1]],
    ["fixed_size_list<int8>[2]", [1, 2, 3]],
    ["struct<a:int8>", []],
    ["struct<a:int8>", { a: 1, b: 2 }],
    ["struct<a:int8>", { constructor: 1 }],
  ])("refuses for %s (%#)", (text, value) => {
    const error = refusal(() => columnOf(parseType(text), [value]));
    expect(error.code).toBe("TYPE_MISMATCH");
    expect(error.details["expected"]).toBe(text);
    expect(error.details["value"]).toBe(value);
    expect(error.details["path"]).toEqual([]);
  });

  it.each<readonly [string, Value, string | undefined]>([
    ["int64", 2 ** 53, "integers past 2^53 must be bigint"],
    ["uint64", -(2 ** 60), "integers past 2^53 must be bigint"],
    ["int64", 0.5, undefined],
    ["int64", "1", undefined],
    ["uint16", 65536, "the range is 0 to 65535"],
    ["uint64", -1n, "the range is 0 to 18446744073709551615"],
    ["int8", 0.5, undefined],
    [
      "timestamp[us]",
      0,
      "a timestamp is a bigint that counts the unit since 1970, such as BigInt(date.getTime()) * 1000n for us",
    ],
    ["string", "\ud800", "it holds half of a surrogate pair, which UTF-8 cannot say"],
    ["fixed_size_list<int8>[2]", [1], "it has 1 elements"],
    ["struct<a:int8>", { b: 1 }, 'it has no field "b"'],
  ])("says why a value is no %s (%#)", (text, value, reason) => {
    expect(refusal(() => columnOf(parseType(text), [value])).details["reason"]).toBe(reason);
  });

  it.each<readonly [string, Value, string]>([
    ["int8", "x", '"x" is no value of int8.'],
    ["int8", "y".repeat(60), `"${"y".repeat(60)}" is no value of int8.`],
    ["int8", "y".repeat(61), `"${"y".repeat(59)}…" is no value of int8.`],
    ["bool", -0, "-0 is no value of bool."],
    ["bool", 0, "0 is no value of bool."],
    ["list<bool>", [true, 1], "1 at [1] is no value of bool."],
    ["uint8", 256, "256 is no value of uint8: the range is 0 to 255."],
  ])("says in a sentence that a value is no %s (%#)", (text, value, message) => {
    expect(refusal(() => columnOf(parseType(text), [value])).message).toBe(`Row 1: ${message}`);
  });

  it("says where in a value the mismatch is", () => {
    const builder = columnBuilder(parseType("list<struct<a:fixed_size_list<int8>[2],b:string>>"));
    const error = refusal(() => builder.append([{ a: [1, 2] }, null, { b: "x", a: [3, 300] }]));
    expect(error.message).toBe("300 at [2].a[1] is no value of int8: the range is -128 to 127.");
    expect(error.details).toEqual({
      value: 300,
      expected: "int8",
      path: [2, "a", 1],
      reason: "the range is -128 to 127",
    });
    expect(builder.length).toBe(0);
  });

  it("refuses what only looks like a struct", () => {
    const strange: readonly unknown[] = [new Map(), new Date(0), /x/];
    for (const value of strange) {
      expect(refusal(() => columnOf(parseType("struct<a:int8>"), [value as Value])).code).toBe("TYPE_MISMATCH");
    }
  });

  it("takes own fields only, and lets __proto__ be a name", () => {
    const type = parseType("struct<__proto__:int8,constructor:string>");
    const value: Value = JSON.parse('{"__proto__":7}');
    const read = valueAt(columnOf(type, [value, {}]), 0);
    expect(JSON.stringify(read)).toBe('{"__proto__":7,"constructor":null}');
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptors(read)).toEqual(
      Object.fromEntries(
        [
          ["__proto__", 7],
          ["constructor", null],
        ].map(([name, value]) => [name, { value, enumerable: true, configurable: true, writable: true }]),
      ),
    );
    expect(JSON.stringify(valueAt(columnOf(type, [value, {}]), 1))).toBe('{"__proto__":null,"constructor":null}');
  });

  it("keeps zeros, NaN, infinities and subnormals, and rounds once", () => {
    const numbers = [-0, Number.NaN, Infinity, -Infinity, 5e-324, 0.1];
    const read = (text: string): Value[] => {
      const column = columnOf(parseType(text), numbers);
      return numbers.map((_, row) => valueAt(column, row));
    };
    expect(read("float64")).toEqual(numbers);
    expect(read("float32")).toEqual([-0, Number.NaN, Infinity, -Infinity, 0, Math.fround(0.1)]);
    expect(read("float16")).toEqual([-0, Number.NaN, Infinity, -Infinity, 0, 0.0999755859375]);
    expect(valueAt(columnOf(parseType("int32"), [-0]), 0)).toBe(0);
  });

  it("takes safe integers for 64-bit types and gives bigint", () => {
    const column = columnOf(parseType("int64"), [Number.MAX_SAFE_INTEGER, -5, 7n]);
    expect([0, 1, 2].map((row) => valueAt(column, row))).toEqual([9007199254740991n, -5n, 7n]);
  });

  it("counts bytes as it goes", () => {
    const builder = columnBuilder(parseType("string"));
    for (let row = 0; row < 1000; row += 1) {
      builder.append("x".repeat(row));
    }
    expect(builder.byteLength).toBe(499_500 + 4 * 1001 + 125);
  });
});

describe("bounds", () => {
  it("are checked where a row is named", () => {
    const column = columnOf(parseType("int8"), [1, 2]);
    expect(() => valueAt(column, 2)).toThrow(RangeError);
    expect(() => valueAt(column, -1)).toThrow(RangeError);
    expect(() => sliceColumn(column, 2, 1)).toThrow(RangeError);
    expect(() => columnBuilder(column.type).appendFrom(column, 2)).toThrow(RangeError);
    expect(() => gatherColumns(column.type, [column], undefined, Int32Array.of(2))).toThrow(RangeError);
    expect(() => gatherColumns(column.type, [column], Int32Array.of(1), Int32Array.of(0))).toThrow(RangeError);
    expect(() => gatherColumns(column.type, [column], Int32Array.of(0, 0), Int32Array.of(0))).toThrow(RangeError);
  });

  it("of offsets are errors, not wrapped numbers", () => {
    const wide = parseType("fixed_size_list<bool>[1000000]");
    expect(refusal(() => nullColumn(wide, 3000)).code).toBe("TOO_LARGE");
    // One row of 2^26 bytes gathered 32 times is 2^31 bytes: one more than offsets can say.
    const type = parseType("string");
    const text = {
      layout: "utf8",
      type,
      length: 1,
      offsets: Int32Array.of(0, 2 ** 26),
      data: new Uint8Array(2 ** 26),
    } as const;
    expect(refusal(() => gatherColumns(type, [text], undefined, new Int32Array(32))).code).toBe("TOO_LARGE");
    const lists = parseType("list<int8>");
    const child = {
      layout: "fixed",
      type: parseType("int8"),
      length: 2 ** 26,
      values: new Int8Array(2 ** 26),
    } as const;
    const list = { layout: "list", type: lists, length: 1, offsets: Int32Array.of(0, 2 ** 26), child } as const;
    expect(refusal(() => gatherColumns(lists, [list], undefined, new Int32Array(32))).code).toBe("TOO_LARGE");
  });

  it("of types are checked", () => {
    const column = columnOf(parseType("int8"), [1]);
    const type = parseType("int16");
    expect(refusal(() => gatherColumns(type, [column], undefined, Int32Array.of(0))).code).toBe("TYPE_MISMATCH");
    expect(refusal(() => columnBuilder(type).appendFrom(column, 0)).code).toBe("TYPE_MISMATCH");
  });
});

describe("sliceColumn", () => {
  it("shares memory", () => {
    const numbers = columnOf(parseType("float64"), [1, 2, null, 4]);
    const part = sliceColumn(numbers, 1, 3);
    expect(numbers.layout === "fixed" && part.layout === "fixed" && part.values.buffer === numbers.values.buffer).toBe(
      true,
    );
    const texts = columnOf(parseType("string"), ["a", "bc", "d"]);
    const cut = sliceColumn(texts, 1, 2);
    expect(texts.layout === "utf8" && cut.layout === "utf8" && cut.data === texts.data).toBe(true);
  });
});
