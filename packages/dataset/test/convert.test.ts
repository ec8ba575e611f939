import { formatType, parseType, type Value } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { expect, test } from "vitest";
import { convertColumn, halfToNumber, isConvertible } from "../src/read/convert.ts";

function converted(from: string, to: string, cells: readonly Value[]): readonly Value[] {
  const column = convertColumn(columnOf(parseType(from), cells), parseType(to), "ns__c");
  expect(formatType(column.type)).toBe(to);
  return cells.map((_, row) => valueAt(column, row));
}

const cases: readonly (readonly [string, string, readonly Value[], readonly Value[]])[] = [
  ["float16", "float32", [1.5, null, Number.NaN, -0, 65504], [1.5, null, Number.NaN, -0, 65504]],
  [
    "float16",
    "float64",
    [2 ** -24, 2 ** -14, Number.NEGATIVE_INFINITY],
    [2 ** -24, 2 ** -14, Number.NEGATIVE_INFINITY],
  ],
  ["float32", "float64", [Math.fround(0.1), null], [Math.fround(0.1), null]],
  ["fixed_size_list<float32>[2]", "list<float32>", [[1, 2], null, [3, null]], [[1, 2], null, [3, null]]],
  ["list<float32>", "fixed_size_list<float32>[2]", [[1, 2], null, [3, null]], [[1, 2], null, [3, null]]],
  ["fixed_size_list<float16>[1]", "list<float32>", [[0.5], null], [[0.5], null]],
  ["timestamp[ms, UTC]", "timestamp[us, UTC]", [-1n, null, 253402300799999n], [-1000n, null, 253402300799999000n]],
  ["timestamp[ns, UTC]", "timestamp[us, UTC]", [-1000n, null, 5000n], [-1n, null, 5n]],
  ["timestamp[us, Europe/Zurich]", "timestamp[us, UTC]", [7n], [7n]],
  [
    "struct<a:float16,b:list<timestamp[ms]>>",
    "struct<a:float32,b:list<timestamp[us]>>",
    [{ a: 1, b: [1n] }, null],
    [{ a: 1, b: [1000n] }, null],
  ],
];

test.each(cases)("%s as %s keeps every value", (from, to, cells, expected) => {
  expect(isConvertible(parseType(from), parseType(to))).toBe(true);
  expect(converted(from, to, cells)).toStrictEqual(expected);
});

test("a value that does not survive is named", () => {
  expect(() => converted("timestamp[ns, UTC]", "timestamp[us, UTC]", [1n])).toThrow(
    /ns__c.*the value 1 ns does not fit/,
  );
  expect(() => converted("list<int32>", "fixed_size_list<int32>[2]", [[1, 2, 3]])).toThrow(
    /a list of 3 values does not fit/,
  );
  expect(() => converted("timestamp[ms, UTC]", "timestamp[ns, UTC]", [2n ** 62n])).toThrow(/does not fit/);
});

test.each([
  ["int64", "float64"],
  ["float64", "float32"],
  ["timestamp[us]", "timestamp[us, UTC]"],
  ["string", "int32"],
  ["list<int32>", "int32"],
  ["struct<a:int32>", "struct<b:int32>"],
  ["list<struct<a:int64>>", "list<struct<a:int32>>"],
])("%s is never taken for %s", (from, to) => {
  expect(isConvertible(parseType(from), parseType(to))).toBe(false);
  expect(() => converted(from, to, [null])).toThrow(expect.objectContaining({ code: "TYPE_MISMATCH" }));
});

test("every half is the number it means", () => {
  const half = new DataView(new ArrayBuffer(2));
  for (let bits = 0; bits < 65536; bits++) {
    half.setUint16(0, bits);
    const sign = bits >> 15 ? -1 : 1;
    const value = halfToNumber(bits);
    if (Number.isNaN(value)) expect((bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0).toBe(true);
    else if ((bits & 0x7fff) === 0) expect(Object.is(value, sign * 0)).toBe(true);
    else expect(Math.sign(value)).toBe(sign);
  }
  expect([0x3c00, 0x3555, 0x0001, 0x7bff, 0x7c00].map(halfToNumber)).toEqual([
    1,
    0.333251953125,
    2 ** -24,
    65504,
    Number.POSITIVE_INFINITY,
  ]);
});
