import { type Column, type DataType, SchemaError } from "@usr/schema";
import { fromArrow, toArrow } from "@usr/schema/arrow";
import { columnOf, valueAt } from "@usr/schema/columns";
import { expect, test } from "vitest";
import { FormatError, openTable } from "../src/index.ts";
import { tableOf } from "../src/memory/index.ts";
import type { TableReader } from "../src/types.ts";

const F32 = { kind: "float32" } as const;
const F64 = { kind: "float64" } as const;
const TEXT = { kind: "string" } as const;
const NAME = { name: "model 7" };

const rows = (columns: Record<string, Column>, numRows = 2) => ({ numRows, columns: new Map(Object.entries(columns)) });
const scores = (...values: number[]): Column => ({
  layout: "fixed",
  type: F32,
  length: values.length,
  values: Float32Array.from(values),
});

/** The cells of all rows, missing columns as `undefined`. */
const read = async (table: TableReader, types: Record<string, DataType>): Promise<unknown[]> => {
  const out: unknown[] = [];
  for await (const { numRows, columns, firstRow } of table.batches((name) => types[name])) {
    expect(firstRow).toBe(out.length + 1);
    for (let row = 0; row < numRows; row++) {
      out.push(Object.keys(types).map((name) => columns.get(name) && valueAt(columns.get(name)!, row)));
    }
  }
  return out;
};

test("columns become the type that is asked for", async () => {
  const table = tableOf([rows({ id: columnOf(TEXT, ["a", "b"]), score: scores(0.5, 1) })], NAME);
  expect(await read(table, { id: TEXT, score: F64 })).toEqual([
    ["a", 0.5],
    ["b", 1],
  ]);
});

test("a column of the type that is asked for is not copied, an unwanted one not looked at", async () => {
  const score = scores(0.5, 1);
  const table = tableOf([rows({ score, other: { ...score, length: 9 } })], NAME);
  for await (const { columns } of table.batches((name) => (name === "score" ? F32 : undefined))) {
    expect(columns.get("score")).toBe(score);
    expect(columns.has("other")).toBe(false);
  }
});

test("batches of a generator, of a scan and of Arrow are tables, and rows without a column have no value in it", async () => {
  const schema = { fields: [{ name: "score", type: F32, nullable: true }], metadata: new Map() };
  const batch = { schema, columns: [scores(2)], numRows: 1 };
  async function* made() {
    yield rows({ id: columnOf(TEXT, ["a", "b"]) });
    yield batch;
    yield fromArrow(toArrow(batch));
    yield rows({}, 0);
  }
  expect(await read(tableOf(made(), NAME), { id: TEXT, score: F64 })).toEqual([
    ["a", undefined],
    ["b", undefined],
    [undefined, 2],
    [undefined, 2],
  ]);
});

test("a value that does not survive is told with column and row", async () => {
  const table = tableOf([rows({ score: scores(0.5, 1) }), rows({ score: scores(2, 0.25) })], NAME);
  await expect(read(table, { score: { kind: "int32" } })).rejects.toThrow(
    expect.objectContaining({ code: "TYPE_MISMATCH", details: expect.objectContaining({ column: "score", row: 1 }) }),
  );
  const wide = tableOf([rows({ score: columnOf(F64, [0.1]) }, 1)], { ...NAME, allowRounding: true });
  expect(await read(wide, { score: F32 })).toEqual([[Math.fround(0.1)]]);
});

test("a column that is not what it says is refused", async () => {
  const lie: Column = { layout: "fixed", type: F64, length: 2, values: Float32Array.of(1, 2) };
  await expect(read(tableOf([rows({ score: lie })], NAME), { score: F64 })).rejects.toThrow(SchemaError);
  await expect(read(tableOf([rows({ score: scores(1) })], NAME), { score: F64 })).rejects.toThrow(
    "model 7, column score: has 1 rows, the batch 2",
  );
});

test("what the source throws comes out, and the source is let go of", async () => {
  let closed = false;
  async function* failing() {
    try {
      yield rows({ score: scores(1, 2) });
      throw new Error("the model is gone");
    } finally {
      closed = true;
    }
  }
  await expect(read(tableOf(failing(), NAME), { score: F64 })).rejects.toThrow("the model is gone");
  expect(closed).toBe(true);
  closed = false;
  for await (const _ of tableOf(failing(), NAME).batches(() => F64)) break;
  expect(closed).toBe(true);
});

const csv = () => ({ stream: new Blob(["score\n1\n"]).stream() });

test.each<[string, () => TableReader | Promise<TableReader>]>([
  ["memory", () => tableOf([rows({ score: scores(1, 2) })], NAME)],
  ["csv", () => openTable(csv(), { ...NAME, format: "csv" })],
  ["jsonl", () => openTable({ stream: new Blob(['{"score":1}\n']).stream() }, { ...NAME, format: "jsonl" })],
])("a table of %s says that it has been read, instead of giving no rows", async (_, open) => {
  const table = await open();
  expect(await read(table, { score: F64 })).not.toEqual([]);
  expect(() => table.batches(() => F64)).toThrow(FormatError);
  expect(() => table.batches(() => F64)).toThrow("model 7: its rows have been read already");
});
