/// <reference types="node" />
import { parseType, type Value } from "@usr/schema";
import { fromArrow } from "@usr/schema/arrow";
import { columnOf, valueAt } from "@usr/schema/columns";
import * as arrow from "apache-arrow";
import { describe, expect, it } from "vitest";
import { refusal } from "./refusal.ts";

/** A record batch of one column, whatever the data claims of itself. */
const batchOf = (data: arrow.Data): arrow.RecordBatch => {
  const schema = new arrow.Schema([new arrow.Field("x", data.type, true)]);
  const type = new arrow.Struct(schema.fields);
  return new arrow.RecordBatch(schema, arrow.makeData({ type, length: data.length, nullCount: 0, children: [data] }));
};

const read = (data: arrow.Data): readonly Value[] => {
  const [column] = fromArrow(batchOf(data)).columns;
  return Array.from({ length: data.length }, (_, row) => (column === undefined ? null : valueAt(column, row)));
};

const refused = (data: arrow.Data): unknown => {
  const { code, details } = refusal(() => fromArrow(batchOf(data)));
  return details["why"] === undefined ? code : [code, details["why"]];
};

/** Data with buffers as they are given. */
const raw = (
  type: arrow.DataType,
  length: number,
  o: ConstructorParameters<typeof arrow.Data>[4],
  nullCount = 0,
  children: arrow.Data[] = [],
): arrow.Data => new arrow.Data(type, 0, length, nullCount, o, children);

const ints = (...values: readonly number[]): arrow.Data =>
  raw(new arrow.Int32(), values.length, { [arrow.BufferType.DATA]: Int32Array.from(values) });
const { DATA, OFFSET, VALIDITY } = arrow.BufferType;
const list = new arrow.List(new arrow.Field("item", new arrow.Int32(), true));
const pair = new arrow.FixedSizeList(2, new arrow.Field("item", new arrow.Int32(), true));
const text = (offsets: Int32Array, bytes: string): arrow.Data =>
  raw(new arrow.Utf8(), 2, { [OFFSET]: offsets, [DATA]: new TextEncoder().encode(bytes) });

describe("Arrow data that is not what it claims", () => {
  it("values", () => {
    expect(refused(raw(new arrow.Int32(), 3, { [DATA]: Int32Array.of(1, 2) }))).toEqual([
      "CORRUPT",
      "values of int32 are too few or of another width",
    ]);
    expect(refused(raw(new arrow.Int32(), 1, { [DATA]: Int16Array.of(1, 2) }))).toEqual([
      "CORRUPT",
      "values of int32 are too few or of another width",
    ]);
    expect(read(raw(new arrow.Int32(), 0, { [DATA]: new Uint8Array(0) }))).toEqual([]);
    expect(refused(raw(new arrow.Bool(), 9, { [DATA]: Uint8Array.of(1) }))).toEqual([
      "CORRUPT",
      "a bitmap is too short",
    ]);
    expect(read(raw(new arrow.Bool(), 9, { [DATA]: Uint8Array.of(1, 1) }))).toEqual([
      true,
      ...new Array<boolean>(7).fill(false),
      true,
    ]);
    expect(refused(raw(new arrow.Bool(), 1, { [DATA]: Int32Array.of(1) }))).toEqual(["CORRUPT", "a bitmap is missing"]);
    expect(refused(raw(new arrow.Int32(), 9, { [DATA]: new Int32Array(9), [VALIDITY]: Uint8Array.of(1) }, 8))).toEqual([
      "CORRUPT",
      "a validity bitmap is too short",
    ]);
    expect(read(raw(new arrow.Int32(), 9, { [DATA]: new Int32Array(9), [VALIDITY]: Uint8Array.of(1, 1) }, 7))).toEqual([
      0,
      ...new Array<null>(7).fill(null),
      0,
    ]);
  });
  it("values whose bitmap has nothing to say", () => {
    const all = raw(new arrow.Int32(), 2, { [DATA]: Int32Array.of(1, 2), [VALIDITY]: Uint8Array.of(0) });
    expect(read(all)).toEqual([1, 2]);
    expect(fromArrow(batchOf(all)).columns).toEqual([columnOf({ kind: "int32" }, [1, 2])]);
  });
  it("texts in views", () => {
    const view = (bytes: string): arrow.Data => {
      const views = Buffer.concat([
        Buffer.from(Int32Array.of(2).buffer),
        Buffer.from(bytes, "latin1"),
        Buffer.alloc(10),
      ]);
      return raw(new arrow.Utf8View(), 1, { [DATA]: new Uint8Array(views) });
    };
    expect(read(view("ab"))).toEqual(["ab"]);
    expect(read(view("\xc3\xa9"))).toEqual(["é"]);
    expect(refused(view("a\xff"))).toBe("CORRUPT");
    expect(refused(raw(new arrow.Utf8View(), 1, {}))).toEqual(["CORRUPT", "a view is missing"]);
    expect(read(raw(new arrow.Utf8View(), 0, {}))).toEqual([]);
  });
  it("texts", () => {
    expect(refused(raw(new arrow.Utf8(), 1, { [DATA]: new Uint8Array(4) }))).toEqual([
      "CORRUPT",
      "offsets are too few",
    ]);
    expect(refused(raw(new arrow.Utf8(), 1, { [OFFSET]: Int32Array.of(0, 1) }))).toEqual([
      "CORRUPT",
      "text is missing",
    ]);
    expect(read(text(Int32Array.of(0, 1, 3), "aé"))).toEqual(["a", "é"]);
    expect(refused(text(Int32Array.of(0, 1), "ab"))).toEqual(["CORRUPT", "offsets are too few"]);
    expect(refused(text(Int32Array.of(-1, 1, 2), "ab"))).toEqual(["CORRUPT", "an offset is negative"]);
    expect(refused(text(Int32Array.of(0, 2, 1), "ab"))).toEqual(["CORRUPT", "offsets fall"]);
    expect(refused(text(Int32Array.of(0, 1, 3), "ab"))).toEqual(["CORRUPT", "text ends before its offsets"]);
    expect(refused(text(Int32Array.of(0, 1, 2), "é"))).toBe("CORRUPT");
    const large = (...offsets: readonly bigint[]): arrow.Data =>
      raw(new arrow.LargeUtf8(), 2, {
        [OFFSET]: BigInt64Array.from(offsets),
        [DATA]: new TextEncoder().encode("xxab"),
      });
    expect(read(large(2n, 3n, 4n))).toEqual(["a", "b"]);
    expect(refused(large(0n, 2n, 1n))).toEqual(["CORRUPT", "offsets fall"]);
    expect(refused(large(2n, 1n, 3n))).toEqual(["CORRUPT", "offsets fall"]);
    expect(refused(large(-1n, 1n, 2n))).toEqual(["CORRUPT", "an offset is negative"]);
    expect(refused(large(2n, 3n, 5n))).toEqual(["CORRUPT", "text ends before its offsets"]);
    expect(refused(large(0n, 1n, 2n ** 31n))).toBe("TOO_LARGE");
  });
  it("lists and structs", () => {
    const listOf = (offsets: Int32Array, children: arrow.Data[]): arrow.Data =>
      raw(list, 2, { [OFFSET]: offsets }, 0, children);
    expect(read(listOf(Int32Array.of(1, 2, 4), [ints(9, 1, 2, 3)]))).toEqual([[1], [2, 3]]);
    expect(refused(listOf(Int32Array.of(0, 2, 5), [ints(9, 1, 2, 3)]))).toEqual([
      "CORRUPT",
      "a list ends after its elements",
    ]);
    expect(refused(listOf(Int32Array.of(0, 2, 3), []))).toEqual(["CORRUPT", "a list has no elements"]);
    expect(read(raw(pair, 2, {}, 0, [ints(1, 2, 3, 4, 5)]))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(refused(raw(pair, 2, {}, 0, [ints(1, 2, 3)]))).toEqual(["CORRUPT", "a list ends after its elements"]);
    const large = new arrow.LargeList(new arrow.Field("item", new arrow.Int32(), true));
    expect(read(raw(large, 2, { [OFFSET]: BigInt64Array.of(1n, 2n, 4n) }, 0, [ints(9, 1, 2, 3)]))).toEqual([
      [1],
      [2, 3],
    ]);
    const struct = new arrow.Struct([
      new arrow.Field("a", new arrow.Int32(), true),
      new arrow.Field("b", new arrow.Int32(), true),
    ]);
    expect(read(raw(struct, 2, {}, 0, [ints(1, 2, 9), ints(3, 4)]))).toEqual([
      { a: 1, b: 3 },
      { a: 2, b: 4 },
    ]);
    expect(refused(raw(struct, 2, {}, 0, [ints(1, 2), ints(3)]))).toEqual([
      "CORRUPT",
      'the struct field "b" has too few rows',
    ]);
    expect(refused(raw(struct, 2, {}, 0, [ints(1, 2)]))).toEqual(["CORRUPT", 'the struct field "b" has too few rows']);
  });
  it("lists and structs over more than their rows", () => {
    const column = (data: arrow.Data): unknown => fromArrow(batchOf(data)).columns[0];
    const two = [
      [1, 2],
      [3, 4],
    ];
    for (const more of [[], [5], [5, 6, 7]])
      expect(column(raw(pair, 2, {}, 0, [ints(1, 2, 3, 4, ...more)]))).toEqual(
        columnOf(parseType("fixed_size_list<int32>[2]"), two),
      );
    const struct = new arrow.Struct(["a", "b"].map((name) => new arrow.Field(name, new arrow.Int32(), true)));
    for (const more of [[], [5], [5, 6, 7]])
      expect(column(raw(struct, 1, {}, 0, [ints(1, ...more), ints(2)]))).toEqual(
        columnOf(parseType("struct<a:int32,b:int32>"), [{ a: 1, b: 2 }]),
      );
    const nothing = (size: number): arrow.Data => {
      const type = new arrow.FixedSizeList(size, new arrow.Field("item", new arrow.Null(), true));
      return raw(type, 2, {}, 0, [raw(new arrow.Null(), 2 * size, {})]);
    };
    expect(column(nothing(2 ** 30 - 1))).toMatchObject({ length: 2, child: { length: 2 ** 31 - 2 } });
    expect(refused(nothing(2 ** 30))).toBe("TOO_LARGE");
  });
  it("times in seconds", () => {
    const seconds = new arrow.TimestampSecond();
    const of = (values: BigInt64Array, validity?: Uint8Array): arrow.Data =>
      raw(
        seconds,
        values.length,
        { [DATA]: values, ...(validity === undefined ? {} : { [VALIDITY]: validity }) },
        validity === undefined ? 0 : 1,
      );
    expect(read(of(BigInt64Array.of(1n, -2n)))).toEqual([1000n, -2000n]);
    expect(read(of(BigInt64Array.of(1n, 2n ** 62n), Uint8Array.of(1)))).toEqual([1000n, null]);
    expect(refusal(() => fromArrow(batchOf(of(BigInt64Array.of(2n ** 62n)))))).toMatchObject({
      code: "TOO_LARGE",
      details: { seconds: 2n ** 62n },
    });
    expect(refused(of(BigInt64Array.of(2n ** 62n, 0n), Uint8Array.of(1)))).toBe("TOO_LARGE");
  });
  it("dictionaries", () => {
    const type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8());
    const of = (indices: Int8Array, length: number, validity?: Uint8Array): arrow.Data =>
      new arrow.Data(
        type,
        0,
        length,
        validity === undefined ? 0 : 1,
        { [DATA]: indices, ...(validity === undefined ? {} : { [VALIDITY]: validity }) },
        [],
        arrow.vectorFromArray(["a", "b"], new arrow.Utf8()),
      );
    expect(read(of(Int8Array.of(1, 0, 1), 3))).toEqual(["b", "a", "b"]);
    expect(read(of(Int8Array.of(1, -7, 1), 3, Uint8Array.of(0b101)))).toEqual(["b", null, "b"]);
    expect(refused(of(Int8Array.of(0, 2), 2))).toEqual(["CORRUPT", "index 2 is not in a dictionary of 2"]);
    expect(refused(of(Int8Array.of(0, -1), 2))).toEqual(["CORRUPT", "index -1 is not in a dictionary of 2"]);
    expect(refused(of(Int8Array.of(0), 2))).toEqual(["CORRUPT", "dictionary indices are too few"]);
    expect(read(of(new Int8Array(0), 0))).toEqual([]);
    for (const values of [undefined, Float32Array.of(0, 1), Float64Array.of(0, 1)]) {
      const wrong = (length: number): arrow.Data =>
        new arrow.Data<arrow.DataType>(
          type,
          0,
          length,
          0,
          values === undefined ? {} : { [DATA]: values },
          [],
          arrow.vectorFromArray(["a", "b"], new arrow.Utf8()),
        );
      expect(refused(wrong(2))).toEqual(["CORRUPT", "dictionary indices are too few"]);
      expect(read(wrong(0))).toEqual([]);
    }
    expect(read(new arrow.Data(type, 0, 0, 0, {}, []))).toEqual([]);
  });
});

describe("Arrow types that tables do not have", () => {
  const nameOf = (type: arrow.DataType): unknown => {
    const { code, details } = refusal(() => fromArrow(batchOf(raw(type, 0, {}))));
    return [code, details];
  };
  const day = new arrow.DateDay();
  const field = (type: arrow.DataType): arrow.Field => new arrow.Field("f", type, true);
  it.each([
    [day, String(day)],
    [new arrow.List(field(day)), `list<${day}>`],
    [new arrow.FixedSizeList(3, field(day)), `fixed_size_list<${day}>[3]`],
    [new arrow.FixedSizeList(0, field(new arrow.Int8())), "fixed_size_list<int8>[0]"],
    [new arrow.Struct([field(new arrow.Int8()), field(day)]), `struct with f:${day}`],
  ])("%s", (type, name) => {
    expect(nameOf(type)).toEqual(["NOT_SUPPORTED", { column: "x", type: name }]);
  });
  it("and nesting without end", () => {
    let data: arrow.Data = raw(new arrow.Int8(), 0, {});
    const deeper = (): arrow.Data => raw(new arrow.List(field(data.type)), 0, {}, 0, [data]);
    for (let depth = 1; depth < 64; depth++) data = deeper();
    expect(read(data)).toEqual([]);
    data = deeper();
    expect(refused(data)).toBe("NOT_SUPPORTED");
  });
});
