import { formatType, parseType, type Value } from "@usr/schema";
import { columnOf, nullColumn, valueAt } from "@usr/schema/columns";
import { anyType, anyValue } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { castColumn } from "../src/columns/cast.ts";
import { FormatError } from "../src/index.ts";

function cast(from: string, values: readonly Value[], to: string, allowRounding: boolean = false): readonly Value[] {
  const column = castColumn(columnOf(parseType(from), values), parseType(to), 1, { allowRounding });
  expect(formatType(column.type)).toBe(formatType(parseType(to)));
  return values.map((_, row) => valueAt(column, row));
}

function refused(from: string, values: readonly Value[], to: string, allowRounding: boolean = false): FormatError {
  try {
    cast(from, values, to, allowRounding);
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("the same type is the same column", () => {
  fc.assert(
    fc.property(
      anyType().chain((type) => fc.array(anyValue(type), { maxLength: 5 }).map((values) => ({ type, values }))),
      ({ type, values }) => {
        const column = columnOf(type, values);
        expect(castColumn(column, type, 1, { allowRounding: false })).toBe(column);
      },
    ),
  );
});

test("Arrow's null type becomes missing values of any type", () => {
  fc.assert(
    fc.property(anyType(), (type) => {
      const column = castColumn(nullColumn({ kind: "null" }, 3), type, 1, { allowRounding: false });
      expect([0, 1, 2].map((row) => valueAt(column, row))).toEqual([null, null, null]);
      expect(formatType(column.type)).toBe(formatType(type));
    }),
  );
});

describe("values that survive", () => {
  const cases: readonly (readonly [string, readonly Value[], string, readonly Value[]])[] = [
    ["int64", [127n, -128n, null], "int8", [127, -128, null]],
    ["uint8", [255], "int64", [255n]],
    ["uint64", [2n ** 63n - 1n], "int64", [2n ** 63n - 1n]],
    ["int32", [16777216, -1], "float32", [16777216, -1]],
    ["int64", [2n ** 60n], "float64", [2 ** 60]],
    ["float64", [2, -5, null], "int16", [2, -5, null]],
    ["float64", [0.5, NaN, -0, Infinity, null], "float16", [0.5, NaN, -0, Infinity, null]],
    ["float16", [0.0999755859375], "float64", [0.0999755859375]],
    ["timestamp[ns, UTC]", [1_000n, -1_000n], "timestamp[us, UTC]", [1n, -1n]],
    ["timestamp[ms, Europe/Berlin]", [5n], "timestamp[ns, UTC]", [5_000_000n]],
    ["list<int64>", [[1n, null], null], "fixed_size_list<int8>[2]", [[1, null], null]],
    ["fixed_size_list<float64>[2]", [[0.5, null], null], "list<float32>", [[0.5, null], null]],
    [
      "struct<b:int64,a:string>",
      [{ b: 1n, a: "x" }, { b: null, a: null }, null],
      "struct<a:string,b:int8,c:bool>",
      [{ a: "x", b: 1, c: null }, { a: null, b: null, c: null }, null],
    ],
    ["list<struct<a:int32>>", [[{ a: 1 }, null]], "list<struct<a:int64>>", [[{ a: 1n }, null]]],
  ];
  for (const [from, values, to, expected] of cases) {
    test(`${from} to ${to}`, () => expect(cast(from, values, to)).toEqual(expected));
  }
});

describe("values that do not", () => {
  const cases: readonly (readonly [string, readonly Value[], string, number, string])[] = [
    ["int64", [1n, null, 128n], "int8", 3, "is out of the range of int8"],
    ["int8", [-1], "uint64", 1, "is out of the range of uint64"],
    ["int64", [2n ** 53n + 1n], "float64", 1, "does not survive as float64"],
    ["int32", [16777217], "float32", 1, "does not survive as float32"],
    ["int32", [65520], "float16", 1, "is out of the range of float16"],
    ["float64", [1.5], "int32", 1, "does not survive as int32"],
    ["float64", [NaN], "int32", 1, "does not survive as int32"],
    ["float64", [-0], "int32", 1, "does not survive as int32"],
    ["float64", [2 ** 40], "int32", 1, "is out of the range of int32"],
    ["float64", [0.5, 0.1], "float32", 2, "does not survive as float32"],
    ["float64", [1e300], "float32", 1, "is out of the range of float32"],
    ["timestamp[ns]", [1n], "timestamp[us]", 1, "has digits that timestamp[us] cannot hold"],
    ["timestamp[ms]", [2n ** 60n], "timestamp[ns]", 1, "is out of the range of timestamp[ns]"],
    ["list<int8>", [[1, 2], []], "fixed_size_list<int8>[2]", 2, "has 0 items"],
    ["list<int64>", [[1n, 300n]], "list<int8>", 1, "is out of the range of int8"],
  ];
  for (const [from, values, to, row, rule] of cases) {
    test(`${from} ${values.join()} to ${to}`, () => {
      const error = refused(from, values, to);
      expect([error.code, error.details["row"]]).toEqual(["TYPE_MISMATCH", row]);
      expect(error.message).toContain(rule);
    });
  }

  test.each([
    ["string", "int8"],
    ["int8", "string"],
    ["bool", "int8"],
    ["int8", "bool"],
    ["string", "timestamp[us]"],
    ["int64", "timestamp[us]"],
    ["timestamp[us]", "int64"],
    ["timestamp[us]", "timestamp[us, UTC]"],
    ["timestamp[us, UTC]", "timestamp[us]"],
    ["list<string>", "string"],
    ["list<string>", "list<int8>"],
    ["struct<a:int8,b:int8>", "struct<a:int8>"],
  ])("%s never becomes %s, even without rows", (from, to) => {
    expect(refused(from, [], to).code).toBe("TYPE_MISMATCH");
  });
});

describe("with rounding allowed", () => {
  test("floats and large integers take the nearest value, rounded once", () => {
    expect(cast("float64", [0.1, 1 + 2 ** -40], "float32", true)).toEqual([Math.fround(0.1), 1]);
    expect(cast("int64", [2n ** 53n + 1n], "float64", true)).toEqual([2 ** 53]);
    // just above the middle of two float32, which a double in between cannot tell
    const above = 2n ** 60n + 2n ** 36n + 1n;
    expect(cast("int64", [above], "float32", true)).toEqual([2 ** 60 + 2 ** 37]);
    expect(cast("list<float64>", [[0.1]], "list<float16>", true)).toEqual([[0.0999755859375]]);
  });

  test("what overflows and what is no number stay refused", () => {
    expect(refused("float64", [1e300], "float32", true).message).toContain("out of the range");
    expect(refused("float64", [1.5], "int8", true).message).toContain("does not survive");
  });
});
