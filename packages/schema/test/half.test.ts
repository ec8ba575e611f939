import { parseType, type Value } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const type = parseType("float16");

function bitsOf(values: readonly number[]): number[] {
  const column = columnOf(type, values);
  return column.layout === "fixed" ? Array.from(column.values, Number) : [];
}

function valuesOf(bits: Uint16Array): Value[] {
  const column = { layout: "fixed", type, length: bits.length, values: bits } as const;
  return Array.from(bits, (_, row) => valueAt(column, row));
}

const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

describe("float16", () => {
  it("survives, every one of the 65536", () => {
    const again = bitsOf(valuesOf(all).map(Number));
    for (const bits of all) {
      const notANumber = (bits & 0x7fff) > 0x7c00;
      if (again[bits] !== (notANumber ? 0x7e00 : bits)) {
        expect({ bits, again: again[bits] }).toBeUndefined();
      }
    }
    expect(again).toHaveLength(65536);
  });

  it("is the nearest, ties to even, in one step", () => {
    // 1 + 2^-11 is a tie; a bit more, too small for float32, decides upwards.
    expect(bitsOf([1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -40, 1 + 3 * 2 ** -11])).toEqual([0x3c00, 0x3c01, 0x3c02]);
    expect(bitsOf([65519.99999, 65520, -65520, 2 ** -25, 2 ** -25 * 1.0000001, -(2 ** -26)])).toEqual([
      0x7bff, 0x7c00, 0xfc00, 0, 1, 0x8000,
    ]);
    expect(bitsOf([2 ** -14 - 2 ** -26, 2 ** -14 - 2 ** -24])).toEqual([0x0400, 0x03ff]);
  });
});

const PYTHON = `
import struct
def pack(hex):
    value = struct.unpack(">d", bytes.fromhex(hex))[0]
    try:
        return struct.unpack("<H", struct.pack("<e", value))[0]
    except OverflowError:
        return 0xfc00 if value < 0 else 0x7c00
def unpack(bits):
    return struct.pack(">d", struct.unpack("<e", struct.pack("<H", bits))[0]).hex()
def main(task):
    return [pack(x) for x in task["pack"]] if "pack" in task else [unpack(x) for x in range(65536)]
`;

describe.skipIf(!process.env["USR_ORACLE_PYTHON"])("float16 against Python", () => {
  const hex = (value: number): string => {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return view.getBigUint64(0).toString(16).padStart(16, "0");
  };

  it("reads and rounds the same", async () => {
    await using python = oracle()!.worker(PYTHON);
    const theirs = await python.ask({});
    const ours = valuesOf(all).map((value) => hex(Number(value)));
    const isNumber = (_: unknown, bits: number): boolean => (bits & 0x7fff) <= 0x7c00;
    expect(ours.filter(isNumber)).toEqual((theirs as string[]).filter(isNumber));

    // Halves, the middles between neighbours, and a hair to each side of them; then anything.
    const near = fc
      .record({
        bits: fc.integer({ min: 0, max: 0x7bfe }),
        step: fc.integer({ min: -2, max: 2 }),
        negative: fc.boolean(),
      })
      .map(({ bits, step, negative }) => {
        const [low, high] = valuesOf(Uint16Array.of(bits, bits + 1)).map(Number);
        const middle = (low! + high!) / 2;
        const value = middle * (1 + step * 2 ** -52);
        return negative ? -value : value;
      });
    const any = fc.oneof(near, fc.double({ noNaN: true }), fc.double({ min: -70000, max: 70000, noNaN: true }));
    let compared = 65536;
    for (let round = 0; round < 10; round += 1) {
      const values = fc.sample(any, testRuns(2000));
      expect(bitsOf(values)).toEqual(await python.ask({ pack: values.map(hex) }));
      compared += values.length;
    }
    countComparisons("schema: float16", compared);
  });
});
