import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  lengthAt,
  openFlatbuffer,
  readInt,
  readLength,
  readTable,
  readTables,
  readText,
  readVector,
  rootTable,
  type Table,
} from "../src/ipc/read-flatbuffer.ts";
import {
  int8,
  int16,
  int32,
  int64,
  type ObjectWriter,
  structs,
  table,
  text,
  vector,
  writeFlatbuffer,
} from "../src/ipc/write-flatbuffer.ts";
import { refusal } from "./refusal.ts";

/** A number in a table, as it is to be found there. */
const numbers = fc.oneof(
  fc.integer({ min: -128, max: 127 }).map((value) => ({ size: 1, value, slot: int8(value) })),
  fc.integer({ min: -32768, max: 32767 }).map((value) => ({ size: 2, value, slot: int16(value) })),
  fc.integer().map((value) => ({ size: 4, value, slot: int32(value) })),
  fc.maxSafeInteger().map((value) => ({ size: 8, value, slot: int64(value) })),
  fc.constant(undefined),
);

const signed = (view: DataView, at: number, size: number): number =>
  size === 1
    ? view.getInt8(at)
    : size === 2
      ? view.getInt16(at, true)
      : size === 4
        ? view.getInt32(at, true)
        : Number(view.getBigInt64(at, true));

describe("a table", () => {
  it("has its numbers at multiples of their sizes, none upon another, and zeros between them", () => {
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 8 }), fc.nat(2), (slots, behind) => {
        const objects = new Array<ObjectWriter>(behind).fill(text("é"));
        const bytes = writeFlatbuffer(table([...slots.map((slot) => slot?.slot), ...objects]));
        const view = new DataView(bytes.buffer);
        const start = view.getUint32(0, true);
        const vtable = start - view.getInt32(start, true);
        const size = view.getUint16(vtable + 2, true);
        const count = slots.length + behind;
        expect([bytes.length % 8, start % 8, vtable % 2, view.getUint16(vtable, true)]).toEqual([
          0,
          0,
          0,
          4 + 2 * count,
        ]);
        const used = new Set([0, 1, 2, 3]);
        const use = (at: number, width: number): void => {
          expect(at % width).toBe(0);
          for (let i = at; i < at + width; i++) {
            expect([i < size, used.has(i)]).toEqual([true, false]);
            used.add(i);
          }
        };
        for (const [i, slot] of slots.entries()) {
          const offset = view.getUint16(vtable + 4 + 2 * i, true);
          if (slot === undefined) expect(offset).toBe(0);
          else {
            use(offset, slot.size);
            expect(signed(view, start + offset, slot.size)).toBe(slot.value);
          }
        }
        for (let i = 0; i < behind; i++) {
          const offset = view.getUint16(vtable + 4 + 2 * (slots.length + i), true);
          use(offset, 4);
          const at = start + offset + view.getUint32(start + offset, true);
          expect([at % 4, view.getUint32(at, true), [...bytes.subarray(at + 4, at + 7)]]).toEqual([
            0,
            2,
            [195, 169, 0],
          ]);
        }
        for (let i = 0; i < size; i++) if (!used.has(i)) expect(bytes[start + i]).toBe(0);
      }),
      { numRuns: testRuns(500) },
    );
  });

  it("is read as it was written, and what it leaves out is absent", () => {
    const bytes = writeFlatbuffer(
      table([int8(-1), int16(-2), int32(-70_000), int64(2 ** 40), text("\ufeffé"), vector([table([int8(7)])])]),
    );
    const root = rootTable(openFlatbuffer(bytes));
    expect([readInt(root, 0, 1, 9), readInt(root, 1, 2, 9), readInt(root, 2, 4, 9), readLength(root, 3)]).toEqual([
      255,
      -2,
      -70_000,
      2 ** 40,
    ]);
    expect(readText(root, 4)).toBe("\ufeffé");
    expect(readTables(root, 5).map((inner) => readInt(inner, 0, 1, 9))).toEqual([7]);
    for (const [absent, slot] of [
      [root, 6],
      [root, 600],
      [rootTable(openFlatbuffer(writeFlatbuffer(table([undefined, int8(1)])))), 0],
    ] as const) {
      expect([readInt(absent, slot, 1, 9), readInt(absent, slot, 4, -9), readLength(absent, slot)]).toEqual([9, -9, 0]);
      expect([readText(absent, slot), readTable(absent, slot), readTables(absent, slot)]).toEqual([
        undefined,
        undefined,
        [],
      ]);
      expect(readVector(absent, slot, 16)).toEqual({ at: 0, count: 0 });
    }
  });

  it("holds vectors of structs at multiples of 8", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.maxSafeInteger(), fc.maxSafeInteger(), fc.maxSafeInteger()), { maxLength: 200 }),
        fc.string(),
        (rows, before) => {
          const bytes = writeFlatbuffer(table([text(before), structs(rows), text("end")]));
          const root = rootTable(openFlatbuffer(bytes));
          const { at, count } = readVector(root, 1, 24);
          expect([count, at % 8, bytes.length % 8]).toEqual([rows.length, 0, 0]);
          const view = new DataView(bytes.buffer);
          expect(rows.map((row, i) => row.map((_, j) => Number(view.getBigInt64(at + 24 * i + 8 * j, true))))).toEqual(
            rows,
          );
          expect([readText(root, 0), readText(root, 2)]).toEqual([before, "end"]);
        },
      ),
      { numRuns: testRuns(200) },
    );
  });

  it("grows with what it holds", () => {
    for (const size of [900, 1000, 1010, 1024, 2047, 2048, 5000, 100_000]) {
      const long = "x".repeat(size);
      const bytes = writeFlatbuffer(table([text(long), text("é".repeat(size)), int8(1)]));
      const root = rootTable(openFlatbuffer(bytes));
      expect([readText(root, 0) === long, readText(root, 1) === "é".repeat(size), readInt(root, 2, 1, 0)]).toEqual([
        true,
        true,
        1,
      ]);
      expect(bytes.length).toBeLessThan(3 * size + 64);
    }
  });
});

/** One slot that leads to byte 24, where a count stands in front of 16 bytes. */
const counted = (count: number): Table => {
  const bytes = new Uint8Array(44);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 12, true);
  for (const [i, value] of [6, 8, 4].entries()) view.setUint16(4 + 2 * i, value, true);
  view.setInt32(12, 8, true);
  view.setUint32(16, 8, true);
  view.setUint32(24, count, true);
  return rootTable(openFlatbuffer(bytes));
};

describe("damaged bytes", () => {
  it("hold no more elements than fit", () => {
    for (const [width, read] of [
      [1, (table: Table): unknown => readText(table, 0)],
      [4, (table: Table): unknown => readTables(table, 0).length],
      [8, (table: Table): unknown => readVector(table, 0, 8)],
      [16, (table: Table): unknown => readVector(table, 0, 16)],
    ] as const) {
      const fits = 16 / width;
      if (width >= 8) expect(read(counted(fits))).toEqual({ at: 28, count: fits });
      if (width === 1) expect(read(counted(fits))).toBe("\0".repeat(16));
      for (const count of [fits + 1, fits + 2, 1000, 2 ** 32 - 1])
        expect(refusal(() => read(counted(count)))).toMatchObject({
          code: "CORRUPT",
          details: { why: `bytes 28 to ${28 + width * count} of 44 are asked for` },
        });
    }
  });

  it("hold tables that lie within them", () => {
    const at = (vtable: number, size: number, tableSize: number, root = 12): unknown => {
      const bytes = new Uint8Array(24);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, root, true);
      if (root <= 20) view.setInt32(root, root - vtable, true);
      if (vtable >= 0 && vtable <= 20) {
        view.setUint16(vtable, size, true);
        view.setUint16(vtable + 2, tableSize, true);
      }
      const { code, details } = refusal(() => rootTable(openFlatbuffer(bytes)));
      return [code, details["why"]];
    };
    expect(at(-4, 0, 0)).toEqual(["CORRUPT", "bytes -4 to 0 of 24 are asked for"]);
    expect(at(22, 0, 0)).toEqual(["CORRUPT", "bytes 22 to 26 of 24 are asked for"]);
    expect(at(4, 21, 8)).toEqual(["CORRUPT", "bytes 4 to 25 of 24 are asked for"]);
    expect(at(4, 4, 13)).toEqual(["CORRUPT", "bytes 12 to 25 of 24 are asked for"]);
    expect(at(4, 4, 4, 21)).toEqual(["CORRUPT", "bytes 21 to 25 of 24 are asked for"]);
  });

  it("hold lengths from 0 to 2^53 - 1", () => {
    const of = (value: bigint): number =>
      lengthAt(openFlatbuffer(new Uint8Array(BigInt64Array.of(0n, value).buffer)), 8);
    expect([of(0n), of(2n ** 53n - 1n)]).toEqual([0, 2 ** 53 - 1]);
    for (const value of [-1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)])
      expect(refusal(() => of(value))).toMatchObject({ code: "CORRUPT", details: { why: `${value} is no length` } });
  });

  it("are read as often as they have bytes", () => {
    const bytes = writeFlatbuffer(table([text("four")]));
    const buffer = openFlatbuffer(bytes);
    expect(buffer.budget).toEqual({ objects: bytes.length, text: 4 * bytes.length });
    for (let i = 1; i < bytes.length; i++) rootTable(buffer);
    const root = rootTable(buffer);
    expect(refusal(() => rootTable(buffer)).code).toBe("TOO_LARGE");
    for (let i = 0; i < bytes.length; i++) readText(root, 0);
    expect(buffer.budget.text).toBe(0);
    expect(refusal(() => readText(root, 0)).code).toBe("TOO_LARGE");
  });
});
