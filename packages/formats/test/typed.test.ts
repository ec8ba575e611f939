/// <reference types="node" />
import { readFileSync } from "node:fs";
import type { ByteSource } from "@usr/parquet";
import { type DataType, parseType, type Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { countComparisons, goldenPath, oracle } from "@usr/testkit";
import { describe, expect, test } from "vitest";
import { type Format, openTable } from "../src/index.ts";
import { batchOf, bytesOf, chunked, readRows, schemaOf, type Types, written } from "./helpers.ts";
import { refusal } from "./refusal.ts";

const types: Types = {
  id: parseType("string"),
  n: parseType("int64"),
  f: parseType("float64"),
  l: parseType("list<float64>"),
};
const rows: readonly (readonly Value[])[] = [
  ["a", 1n, 0.5, [0.25, null]],
  ["b", null, null, null],
  ["c", 300n, 0.1, []],
];

function fileOf(bytes: Uint8Array): ByteSource {
  return { meta: { size: bytes.length }, read: async (offset, length) => bytes.slice(offset, offset + length) };
}

describe.each<Format>(["parquet", "arrow"])("%s", (format) => {
  const write = (): Promise<Uint8Array> => written(schemaOf(types), [batchOf(types, rows)], { format });

  test("tells its columns and their types, from a stream and from a file", async () => {
    const bytes = await write();
    for (const input of [{ stream: chunked(bytes, [100]) }, { file: fileOf(bytes) }]) {
      const table = await openTable(input, { format, name: "t" });
      expect(table.columns).toEqual(Object.entries(types).map(([name, type]) => ({ name, type })));
      const asked: (readonly [string, DataType | undefined])[] = [];
      const read: Value[][] = [];
      const resolve = (name: string, type: DataType | undefined): DataType | undefined => {
        asked.push([name, type]);
        return name === "f" ? undefined : type;
      };
      for await (const { columns, numRows } of table.batches(resolve)) {
        for (let row = 0; row < numRows; row++) read.push([...columns.values()].map((column) => valueAt(column, row)));
      }
      expect(asked).toEqual(Object.entries(types));
      expect(read).toEqual(rows.map(([id, n, , l]) => [id, n, l]));
    }
  });

  test("values are cast where they survive, else refused with row and column", async () => {
    const bytes = await write();
    const { rows: cast } = await readRows(bytes, { format }, { l: parseType("list<float16>"), n: parseType("int16") });
    expect(cast).toEqual([
      [[0.25, null], 1],
      [null, null],
      [[], 300],
    ]);
    const narrow = await refusal(readRows(bytes, { format, name: "in" }, { n: parseType("int8") }));
    expect([narrow.code, narrow.message]).toEqual([
      "TYPE_MISMATCH",
      'in, row 3, column n: "300" is out of the range of int8',
    ]);
    const rounded = await refusal(readRows(bytes, { format, name: "in" }, { f: parseType("float32") }));
    expect(rounded.details).toMatchObject({ file: "in", row: 3, column: "f", value: "0.1" });
    expect((await readRows(bytes, { format, allowRounding: true }, { f: parseType("float32") })).rows).toEqual([
      [0.5],
      [null],
      [Math.fround(0.1)],
    ]);
    const wide = await written(
      schemaOf({ n: parseType("uint64") }),
      [batchOf({ n: parseType("uint64") }, [[2n ** 64n - 1n]])],
      { format },
    );
    const huge = await refusal(readRows(wide, { format, name: "in" }, { n: parseType("int64") }));
    expect(huge.message).toBe('in, row 1, column n: "18446744073709551615" is out of the range of int64');
    const other = await refusal(readRows(bytes, { format, name: "in" }, { id: parseType("int64") }));
    expect([other.details["column"], other.message.includes("string cannot become int64")]).toEqual(["id", true]);
  });

  test("what is no such file is told once", async () => {
    const { message } = await refusal(readRows(bytesOf("id\nx\n"), { format, name: "in" }));
    expect(message.split("in: ")).toHaveLength(2);
  });

  test("row numbers run on over batches", async () => {
    const many = Array.from({ length: 40_000 }, (_, i): readonly Value[] => [BigInt(i)]);
    const bytes = await written(schemaOf({ n: types["n"]! }), [batchOf({ n: types["n"]! }, many)], { format });
    const read = await readRows(bytes, { format }, { n: parseType("int32") });
    expect([read.rows.length, read.batches >= 3, read.rows[39_999]]).toEqual([40_000, true, [39_999]]);
    const error = await refusal(readRows(bytes, { format }, { n: parseType("int16") }));
    expect(error.details["row"]).toBe(32_769);
  });

  test("several batches and none are written as one table", async () => {
    const bytes = await written(schemaOf(types), [batchOf(types, rows), batchOf(types, []), batchOf(types, rows)], {
      format,
    });
    expect((await readRows(bytes, { format }, types)).rows).toEqual([...rows, ...rows]);
    const empty = await written(schemaOf(types), [], { format });
    const table = await openTable({ stream: chunked(empty) }, { format, name: "t" });
    expect(table.columns?.map(({ name }) => name)).toEqual(Object.keys(types));
    expect((await readRows(empty, { format }, types)).rows).toEqual([]);
  });

  test("rows are counted where no column is wanted", async () => {
    const table = await openTable({ stream: chunked(await write()) }, { format, name: "t" });
    let count = 0;
    for await (const batch of table.batches(() => undefined)) count += batch.numRows;
    expect(count).toBe(3);
  });

  test("garbage, cut off bytes and oversized streams", async () => {
    const bytes = await write();
    for (const content of [
      bytesOf("id,n\n1,2\n".repeat(10)),
      bytes.subarray(0, bytes.length - 20),
      new Uint8Array(0),
    ]) {
      const error = await refusal(readRows(content, { format, name: "in" }, types));
      expect([error.code, error.details["file"]]).toEqual(["CORRUPT", "in"]);
    }
    const large = await refusal(readRows(bytes, { format, name: "in", limits: { maxBufferedBytes: 100 } }, types));
    expect(large.code).toBe("TOO_LARGE");
  });
});

test("a golden base table is a table like any other", async () => {
  const bytes = new Uint8Array(readFileSync(`${goldenPath("types-scalar")}/demo/records.parquet`));
  const table = await openTable({ file: fileOf(bytes) }, { format: "parquet", name: "records.parquet" });
  expect(table.columns?.map(({ name }) => name)).toEqual([
    "id",
    "bio_type",
    "sequence",
    "alphabet",
    "length",
    "source",
    "created_at",
  ]);
  const { rows: read } = await readRows(
    bytes,
    { format: "parquet" },
    { length: parseType("int8"), created_at: parseType("timestamp[ns, UTC]") },
  );
  expect(read[0]).toEqual([27, 1795180364562977000n]);
});

const SCRIPT = `
import base64, io
import pyarrow as pa, pyarrow.parquet as pq
def table():
    f16 = pa.array([0.5, -0.0, float("nan")], pa.float16())
    return pa.table({
        "large": pa.array(["x", None, "é"], pa.large_string()),
        "dictionary": pa.array(["a", "b", "a"]).dictionary_encode(),
        "nothing": pa.nulls(3),
        "seconds": pa.array([0, 1, None], pa.timestamp("s", "UTC")),
        "nanos": pa.array([-1, 2**62, None], pa.timestamp("ns")),
        "half": f16,
        "wide": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "flags": pa.array([True, None, False]),
        "largelist": pa.array([[1.5, None], [], None], pa.large_list(pa.float32())),
        "fixed": pa.array([[1, 2], [3, None], [5, 6]], pa.list_(pa.int8(), 2)),
        "nested": pa.array([{"a": [{"b": 2**53 + 1}]}, None, {"a": None}], pa.struct([("a", pa.list_(pa.struct([("b", pa.int64())])))])),
    })
def main(q):
    out = io.BytesIO()
    t = table()
    if q == "parquet":
        pq.write_table(t, out)
    elif q == "stream":
        with pa.ipc.new_stream(out, t.schema) as w: w.write_table(t)
    else:
        with pa.ipc.new_file(out, t.schema) as w: w.write_table(t)
    return base64.b64encode(out.getvalue()).decode()
`;

const EXPECTED: Readonly<Record<string, readonly [string, readonly Value[]]>> = {
  large: ["string", ["x", null, "é"]],
  dictionary: ["string", ["a", "b", "a"]],
  nothing: ["list<int8>", [null, null, null]],
  seconds: ["timestamp[us, UTC]", [0n, 1_000_000n, null]],
  nanos: ["timestamp[ns]", [-1n, 2n ** 62n, null]],
  half: ["float64", [0.5, -0, NaN]],
  wide: ["uint64", [2n ** 64n - 1n, 0n, null]],
  flags: ["bool", [true, null, false]],
  largelist: ["list<float16>", [[1.5, null], [], null]],
  fixed: [
    "list<int64>",
    [
      [1n, 2n],
      [3n, null],
      [5n, 6n],
    ],
  ],
  nested: [
    "struct<a:list<struct<b:int64>>,z:string>",
    [{ a: [{ b: 9007199254740993n }], z: null }, null, { a: null, z: null }],
  ],
};

const python = oracle();
describe.skipIf(python === undefined)("tables of pyarrow", () => {
  test.each([
    ["parquet", "parquet"],
    ["arrow", "stream"],
    ["arrow", "file"],
  ] as const)("%s %s", async (format, kind) => {
    const text = await python?.python(SCRIPT, kind);
    const bytes = new Uint8Array(Buffer.from(String(text), "base64"));
    const names = Object.keys(EXPECTED);
    const wanted: Types = Object.fromEntries(names.map((name) => [name, parseType(EXPECTED[name]![0])]));
    const { rows: read } = await readRows(bytes, { format }, wanted);
    expect(Object.fromEntries(names.map((name, i) => [name, read.map((row) => row[i])]))).toEqual(
      Object.fromEntries(names.map((name) => [name, EXPECTED[name]![1]])),
    );
    countComparisons(`formats: ${kind} of pyarrow`, names.length * 3);
  });
});
