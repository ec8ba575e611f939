import type { DataType } from "@usr/schema";
import { parseType } from "@usr/schema";
import { columnBuilder, columnOf, valueAt } from "@usr/schema/columns";
import { describe, expect, it } from "vitest";

describe("columns of what programs hold", () => {
  it.each([
    ["list<float32>", Float32Array.of(0.5, 1), [0.5, 1]],
    ["list<float64>", Float32Array.of(0.5, Number.NaN, -0), [0.5, Number.NaN, -0]],
    ["fixed_size_list<float32>[2]", Float64Array.of(0.5, 1).subarray(0), [0.5, 1]],
    ["list<int64>", BigInt64Array.of(5n), [5n]],
    ["list<uint8>", new Uint8Array([9, 8, 7]).subarray(1), [8, 7]],
    ["list<float16>", Uint16Array.of(2), [2]],
    ["list<list<float64>>", [Float64Array.of(1), new Float64Array()], [[1], []]],
    ["struct<v:list<int32>>", { v: Int32Array.of(1) }, { v: [1] }],
  ])("%s takes typed arrays for lists", (type, given, expected) => {
    expect(valueAt(columnOf(parseType(type), [given]), 0)).toEqual(expected);
  });

  it("refuse what no list holds, and say in which row", () => {
    expect(() => columnOf(parseType("list<int8>"), [null, Int16Array.of(1, 300)])).toThrow(
      "Row 2: 300 at [1] is no value of int8: the range is -128 to 127.",
    );
    expect(() => columnOf(parseType("fixed_size_list<float32>[2]"), [new Float32Array(3)])).toThrow(
      "it has 3 elements",
    );
    expect(() => columnOf({ kind: "float64" }, [1, 2, "x"])).toThrow('Row 3: "x" is no value of float64.');
    expect(() => columnOf({ kind: "float64" }, [1, "x"])).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ row: 2 }) }),
    );
  });

  it("know a type from its spelling and from a typo", () => {
    const untyped = (type: unknown): DataType => JSON.parse(JSON.stringify(type));
    for (const type of ["float64", { kind: "double" }, { kind: "list", item: "float64" }]) {
      expect(() => columnOf(untyped(type), [1])).toThrow(expect.objectContaining({ code: "BAD_TYPE" }));
      expect(() => columnBuilder(untyped(type))).toThrow(expect.objectContaining({ code: "BAD_TYPE" }));
    }
  });
});
