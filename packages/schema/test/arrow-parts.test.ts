/// <reference types="node" />
import { fromArrow } from "@usr/schema/arrow";
import * as arrow from "apache-arrow";
import { describe, expect, it } from "vitest";
import { copyViews } from "../src/arrow/string-views.ts";
import { checkUtf8 } from "../src/arrow/utf8.ts";
import { refusal } from "./refusal.ts";

describe("string views", () => {
  const views = (...rows: readonly (readonly [size: number, buffer: number, offset: number])[]): Uint8Array => {
    const bytes = new Uint8Array(16 * rows.length);
    const view = new DataView(bytes.buffer);
    for (const [i, [size, buffer, offset]] of rows.entries()) {
      view.setInt32(16 * i, size, true);
      for (let at = 4; at < 16; at++) bytes[16 * i + at] = 96 + at;
      if (size <= 12) continue;
      view.setInt32(16 * i + 8, buffer, true);
      view.setInt32(16 * i + 12, offset, true);
    }
    return bytes;
  };
  const buffers = [Buffer.from("0123456789abcdef"), Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")].map(
    (bytes) => new Uint8Array(bytes),
  );
  const textsOf = (bytes: Uint8Array, length: number, validity?: Uint8Array): readonly string[] => {
    const { offsets, data } = copyViews(bytes, length, buffers, validity);
    return Array.from({ length }, (_, row) => Buffer.from(data.subarray(offsets[row]!, offsets[row + 1]!)).toString());
  };

  it("are copied together, short ones out of the view", () => {
    const bytes = views([0, 0, 0], [12, 9, 9], [13, 0, 3], [16, 0, 0], [26, 1, 0], [1, 7, 7]);
    const texts = ["", "defghijklmno", "3456789abcdef", "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "d"];
    expect(textsOf(bytes, 6)).toEqual(texts);
    expect(textsOf(bytes, 5)).toEqual(texts.slice(0, 5));
    // Behind a view that is not looked at, anything may stand.
    expect(textsOf(views([12, 0, 0], [-5, 0, 0], [99, 7, -1]), 3, Uint8Array.of(1))).toEqual(["defghijklmno", "", ""]);
    const around = new Uint8Array(bytes.length + 5);
    around.set(bytes, 5);
    expect(textsOf(around.subarray(5), 6)).toEqual(texts);
  });

  it.each<[string, Uint8Array, number]>([
    ["too few", views([0, 0, 0]), 2],
    ["too few", views([0, 0, 0]).subarray(0, 15), 1],
    ["a negative size", views([1, 0, 0], [-1, 0, 0]), 2],
    ["no such buffer", views([13, 2, 0]), 1],
    ["no such buffer", views([13, -1, 0]), 1],
    ["before the buffer", views([13, 0, -1]), 1],
    ["behind the buffer", views([13, 0, 4]), 1],
    ["behind the buffer", views([17, 0, 0]), 1],
    ["behind the buffer", views([2 ** 31 - 1, 0, 0]), 1],
  ])("are refused: %s", (_, bytes, length) => {
    expect(refusal(() => copyViews(bytes, length, buffers, undefined)).code).toBe("CORRUPT");
  });
  it("of more than offsets can say are too large", () => {
    const bytes = views([2 ** 30, 0, 0], [2 ** 30, 0, 0]);
    expect(refusal(() => copyViews(bytes, 2, buffers, undefined)).code).toBe("TOO_LARGE");
  });
});

describe("text", () => {
  const bytes = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
    new Uint8Array(
      Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part)))),
    );
  it("is UTF-8 in every row by itself", () => {
    for (const [data, offsets] of [
      [bytes("aé€💠"), [0, 1, 3, 6, 10]],
      [bytes("\ufeff", "\u007f\u0080"), [0, 3, 4, 6, 6]],
      [bytes([0xff], "ok", [0xff]), [1, 2, 3]],
      [bytes([0xff]), [0, 0]],
      [bytes([0xff]), [0]],
    ] as const)
      expect(checkUtf8(data, Int32Array.from(offsets))).toBeUndefined();
  });
  it("is refused by its first row that is not", () => {
    for (const [data, offsets, row] of [
      [bytes("é"), [0, 1, 2], 0],
      [bytes("aaé"), [0, 2, 3, 4], 1],
      [bytes("a", [0x80]), [0, 2], 0],
      [bytes("aa", [0xff]), [0, 1, 2, 3], 2],
      [bytes("é", [0xc0, 0x80]), [0, 2, 4], 1],
      [bytes([0xed, 0xa0, 0x80]), [0, 3], 0],
    ] as const) {
      const error = refusal(() => checkUtf8(data, Int32Array.from(offsets)));
      expect([error.code, error.details, error.cause instanceof TypeError]).toEqual(["CORRUPT", { row }, true]);
    }
  });
});

describe("record batches", () => {
  it("are refused where a column has other rows, or too many", () => {
    const schema = new arrow.Schema([new arrow.Field("x", new arrow.Int8(), true)]);
    const of = (length: number, children: arrow.Data[]): arrow.RecordBatch => {
      const record = new arrow.RecordBatch(
        schema,
        arrow.makeData({ type: new arrow.Struct(schema.fields), length: 0 }),
      );
      Object.defineProperty(record, "data", { value: { length, children } });
      return record;
    };
    const column = (length: number): arrow.Data =>
      arrow.makeData({ type: new arrow.Int8(), data: new Int8Array(length) });
    expect(fromArrow(of(3, [column(3)])).numRows).toBe(3);
    for (const children of [[column(2)], [column(4)], []])
      expect(refusal(() => fromArrow(of(3, children)))).toMatchObject({
        code: "CORRUPT",
        details: { why: 'the column "x" does not have 3 rows' },
      });
    expect(refusal(() => fromArrow(of(2 ** 31, [])))).toMatchObject({
      code: "TOO_LARGE",
      details: { numRows: 2 ** 31 },
    });
    expect(refusal(() => fromArrow(of(2 ** 31 - 1, []))).code).toBe("CORRUPT");
  });
});
