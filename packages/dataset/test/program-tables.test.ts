import type { TableReader } from "@usr/formats";
import { tableOf } from "@usr/formats/memory";
import type { Column } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { expect, test } from "vitest";
import { scan, validate } from "../src/index.ts";
import { search } from "../src/search/index.ts";
import { openSession } from "../src/session/index.ts";
import type { Query } from "../src/types.ts";
import { attach, importRows, type WritableRoot } from "../src/write/index.ts";
import { partsOf } from "./write-attach-support.ts";
import { csv, demoRoot, register, rowsOf } from "./write-support.ts";

const F64 = { kind: "float64" } as const;
const text = (...values: string[]): Column => columnOf({ kind: "string" }, values);
const KEYS = text("ACGT", "TGCA");

const root = async (): Promise<WritableRoot> => {
  const made = await demoRoot();
  await register(made, "model", "score:float64,vec:list<float32>");
  return made;
};

const attached = (to: WritableRoot, table: TableReader) =>
  attach(to, "demo", table, { path: "memory", namespace: "model", key: "sequence", overwrite: true });

/** A reader that gives what it has, whatever it is asked for. */
const stubborn = (columns: Record<string, Column>, numRows = 2): TableReader => ({
  columns: undefined,
  async *batches(resolve) {
    for (const [name, { type }] of Object.entries(columns)) resolve(name, type);
    yield { firstRow: 1, numRows, columns: new Map(Object.entries(columns)) };
  },
});

const f64 = (values: Float64Array | Float32Array, length = 2): Column => ({
  layout: "fixed",
  type: F64,
  length,
  values,
});

test.each<[string, Record<string, Column>, string]>([
  ["values of another class", { score: f64(Float32Array.of(1, 2)) }, "CORRUPT"],
  ["too few values", { score: f64(Float64Array.of(1)) }, "CORRUPT"],
  ["a short column", { score: columnOf(F64, [1]) }, "LENGTH_MISMATCH"],
  ["another type than was asked for", { score: columnOf({ kind: "int32" }, [1, 2]) }, "TYPE_MISMATCH"],
  ["keys of another type", { sequence: columnOf(F64, [1, 2]), score: columnOf(F64, [1, 2]) }, "TYPE_MISMATCH"],
])("%s never become a part", async (_, columns, code) => {
  const to = await root();
  const error = await attached(to, stubborn({ sequence: KEYS, ...columns })).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  expect(await partsOf(to, "demo", "model")).toEqual([]);
});

test("nor rows of the base, by an import or by a session", async () => {
  const to = await root();
  const before = await rowsOf(to, "demo");
  const sequence: Column = {
    layout: "utf8",
    type: { kind: "string" },
    length: 2,
    offsets: Int32Array.of(0, 4, 99),
    data: new TextEncoder().encode("CCCCAAAAA"),
  };
  const rules = { path: "memory", bioType: "dna", alphabet: "dna_4" };
  await expect(importRows(to, "demo", stubborn({ sequence }), rules)).rejects.toMatchObject({ code: "CORRUPT" });
  const session = openSession(to, "demo", rules);
  const columns = new Map([["sequence", sequence]]);
  await expect(session.write({ numRows: 2, columns })).rejects.toMatchObject({ code: "CORRUPT" });
  expect(await rowsOf(to, "demo")).toEqual(before);
});

test("typed arrays with offsets, of shared memory and longer than their rows are attached as they are", async () => {
  const to = await root();
  const shared = new Float64Array(new SharedArrayBuffer(32));
  shared.set([9, Number.NaN, -0, 9]);
  const table = tableOf(
    [
      {
        numRows: 2,
        columns: new Map([
          ["sequence", KEYS],
          ["score", f64(shared.subarray(1))],
        ]),
      },
    ],
    { name: "memory" },
  );
  expect(await attached(to, table)).toMatchObject({ rows_matched: 2 });
  const rows = await rowsOf(to, "demo", { columns: ["model__score"], where: "sequence = 'ACGT' or sequence = 'TGCA'" });
  expect(rows.map((row) => row["model__score"])).toEqual(["NaN", -0]);
  expect((await validate(to, "demo")).ok).toBe(true);
});

test("what a scan gives can be attached, narrower floats where every value survives", async () => {
  const to = await root();
  const vec = columnOf({ kind: "list", item: F64 }, [[0.5, 1], [2]]);
  await attached(
    to,
    tableOf(
      [
        {
          numRows: 2,
          columns: new Map([
            ["sequence", KEYS],
            ["vec", vec],
          ]),
        },
      ],
      { name: "memory" },
    ),
  );
  const found = scan(to, "demo", { columns: ["sequence", "model__vec"], where: "model__vec is not null" });
  expect(await attached(to, tableOf(found, { name: "scan" }))).toMatchObject({
    columns: ["model__vec"],
    rows_matched: 2,
  });
});

test("a table that a dry run has read is told, not imported as no rows", async () => {
  const to = await root();
  const table = await csv("sequence\nCCCCC\n");
  const rules = { path: "input.csv", bioType: "dna", alphabet: "dna_4" };
  expect(await importRows(to, "demo", table, { ...rules, dryRun: true })).toMatchObject({ rows_added: 1 });
  await expect(importRows(to, "demo", table, rules)).rejects.toMatchObject({ code: "USAGE" });
});

test.each<[Query]>([
  [{ limit: -1 }],
  [{ limit: Number.NaN }],
  [{ limit: 1.5 }],
  [{ start: -1 }],
  [{ start: Number.POSITIVE_INFINITY }],
  [{ start: -1, ids: [] }],
  [{ limit: -1, where: "length > 1" }],
  [JSON.parse('{"limit":"2"}')],
])("%j is no page of rows", async (query) => {
  const to = await demoRoot();
  await expect(rowsOf(to, "demo", query)).rejects.toMatchObject({ code: "USAGE" });
  if (query.limit === undefined) return;
  const found = search(to, "demo", { pattern: "A", limit: query.limit });
  await expect(found.next()).rejects.toMatchObject({ code: "USAGE" });
});

test("a page may begin or end behind the last row, and have no end", async () => {
  const to = await demoRoot();
  expect(await rowsOf(to, "demo", { limit: Number.POSITIVE_INFINITY })).toHaveLength(6);
  expect(await rowsOf(to, "demo", { start: 4, limit: 9 })).toHaveLength(2);
  expect(await rowsOf(to, "demo", { start: 9 })).toEqual([]);
  expect(await rowsOf(to, "demo", { limit: 0 })).toEqual([]);
});
