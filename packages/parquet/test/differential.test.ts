/// <reference types="node" />
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatType } from "@usr/schema";
import { columnOf, nullColumn } from "@usr/schema/columns";
import { countComparisons, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { openParquet, readBatches, writeParquet } from "../src/index.ts";
import {
  bytesSource,
  type Canon,
  canonColumn,
  canonValue,
  collect,
  openFile,
  oracle,
  oracleTables,
  python,
  readAll,
} from "./canon.ts";
import { batchOf, schemaOf, type TableSpec, tableArb } from "./tables.ts";

const dir = mkdtempSync(join(tmpdir(), "usr-parquet-"));
afterAll(() => rmSync(dir, { recursive: true }));

function canonOf(spec: TableSpec): readonly (readonly Canon[])[] {
  return spec.columns.map(canonColumn);
}

async function write(
  spec: TableSpec,
  o: { readonly pageBytes?: number; readonly groupRows?: number; readonly metadata?: ReadonlyMap<string, string> },
): Promise<Uint8Array> {
  const step = o.groupRows ?? Math.max(spec.rows, 1);
  const groups = [];
  for (let at = 0; at === 0 || at < spec.rows; at += step)
    groups.push(batchOf(spec, at, Math.min(at + step, spec.rows)));
  return collect(writeParquet(schemaOf(spec, o.metadata), groups, { pageBytes: o.pageBytes }));
}

/** DuckDB has no halves, no other zone than its own, and coarser limits for instants. */
function duckColumns(spec: TableSpec): readonly string[] {
  return spec.fields.filter((f) => !/float16|timestamp/.test(formatType(f.type))).map((f) => f.name);
}

describe("what is written", () => {
  it("reads back the same, whatever the types, pages, groups and batches", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        tableArb({ fixedLists: true, maxRows: 300 }),
        fc.constantFrom(16, 200, 2 ** 20),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 100 }),
        async (spec, pageBytes, groupRows, batchRows) => {
          const metadata = new Map([["k", "v"]]);
          const file = await openParquet(bytesSource(await write(spec, { pageBytes, groupRows, metadata })));
          const table = await readAll(file, { batchRows });
          expect(table.rows).toBe(spec.rows);
          expect(table.types).toEqual(spec.fields.map((f) => formatType(f.type)));
          expect(table.columns).toEqual(canonOf(spec));
          expect(table.metadata).toEqual({ k: "v" });
        },
      ),
      { numRuns: testRuns(200) },
    );
  });

  it("gives any range of rows", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        tableArb({ fixedLists: true, maxRows: 300 }),
        fc.nat(400),
        fc.nat(400),
        fc.constantFrom(16, 200),
        async (spec, a, b, pageBytes) => {
          const [start, end] = a < b ? [a, b] : [b, a];
          const file = await openParquet(bytesSource(await write(spec, { pageBytes, groupRows: 120 })));
          const table = await readAll(file, { start, end, batchRows: 50 });
          expect(table.columns).toEqual(canonOf(spec).map((c) => c.slice(start, end)));
        },
      ),
      { numRuns: testRuns(150) },
    );
  });

  it.skipIf(python === undefined)("pyarrow and DuckDB read alike", { timeout: 120_000 }, async () => {
    // pyarrow cannot read fixed-size lists with NULLs (apache/arrow#35692), DuckDB not their type: they have their own test.
    const specs = fc.sample(tableArb({ fixedLists: false, maxRows: 600 }), { numRuns: 120, seed: 20260001 });
    const jobs = [];
    for (const [i, spec] of specs.entries()) {
      const path = join(dir, `ours-${i}.parquet`);
      writeFileSync(
        path,
        await write(spec, {
          pageBytes: i % 3 === 0 ? 100 : 2 ** 20,
          groupRows: i % 2 === 0 ? 97 : 1000,
          metadata: new Map([["usr:x", "é"]]),
        }),
      );
      jobs.push({ op: "read", path }, { op: "duckdb", path, columns: duckColumns(spec) });
    }
    const tables = oracleTables(jobs);
    let compared = 0;
    for (const [i, spec] of specs.entries()) {
      const [arrow, duck] = [tables[2 * i]!, tables[2 * i + 1]!];
      expect(arrow.error, `table ${i}`).toBeUndefined();
      expect(arrow.types).toEqual(spec.fields.map((f) => formatType(f.type)));
      expect(arrow.metadata).toEqual({ "usr:x": "é" });
      expect(arrow.columns, `table ${i}`).toEqual(canonOf(spec));
      expect(duck.error, `table ${i}`).toBeUndefined();
      const comparable = duckColumns(spec);
      expect(duck.rows).toBe(spec.rows);
      expect(duck.columns, `table ${i}`).toEqual(
        comparable.length === 0
          ? duck.columns
          : canonOf(spec).filter((_, c) => comparable.includes(spec.fields[c]!.name)),
      );
      compared += spec.fields.length + comparable.length;
    }
    countComparisons("parquet-ours-to-others", compared);
    expect(compared).toBeGreaterThan(300);
  });

  it.skipIf(python === undefined)(
    "pyarrow reads fixed-size lists where none is NULL",
    { timeout: 120_000 },
    async () => {
      const specs = fc.sample(tableArb({ fixedLists: true, maxRows: 100, nulls: false }), {
        numRuns: 60,
        seed: 20260002,
      });
      const jobs = [];
      for (const [i, spec] of specs.entries()) {
        const path = join(dir, `fixed-${i}.parquet`);
        writeFileSync(path, await write(spec, {}));
        jobs.push({ op: "read", path });
      }
      const tables = oracleTables(jobs);
      for (const [i, spec] of specs.entries()) {
        expect(tables[i]!.error, spec.fields.map((f) => formatType(f.type)).join(" ")).toBeUndefined();
        expect(tables[i]!.types).toEqual(spec.fields.map((f) => formatType(f.type)));
        expect(tables[i]!.columns, `table ${i}`).toEqual(canonOf(spec));
      }
      countComparisons("parquet-fixed-size-lists", specs.length);
    },
  );
});

describe.skipIf(python === undefined)("corners of what is written", () => {
  it("tables without rows are tables to pyarrow and DuckDB", async () => {
    const type = { kind: "list", item: { kind: "string" } } as const;
    const path = join(dir, "empty.parquet");
    const schema = { fields: [{ name: "c0", type, nullable: true }], metadata: new Map([["usr:x", "y"]]) };
    writeFileSync(path, await collect(writeParquet(schema, [])));
    const [arrow, duck] = oracleTables([
      { op: "read", path },
      { op: "duckdb", path, columns: ["c0"] },
    ]);
    expect(arrow).toMatchObject({ rows: 0, names: ["c0"], types: ["list<string>"], metadata: { "usr:x": "y" } });
    expect(duck).toMatchObject({ rows: 0, names: ["c0"] });
    countComparisons("parquet-empty", 2);
  });

  it("columns of the null type, alone and inside others", async () => {
    const nothing = { kind: "null" } as const;
    const types = [
      nothing,
      { kind: "list", item: nothing },
      { kind: "struct", fields: [{ name: "a", type: nothing }] },
    ] as const;
    const columns = [nullColumn(nothing, 4), columnOf(types[1], [[null], null, [], [null, null]]), columnOf(types[2], [{ a: null }, null, { a: null }, null])]; // biome-ignore format: a row
    const path = join(dir, "nulls.parquet");
    const fields = types.map((type, i) => ({ name: `c${i}`, type, nullable: true }));
    writeFileSync(path, await collect(writeParquet({ fields, metadata: new Map() }, [{ numRows: 4, columns }])));
    const [arrow] = oracleTables([{ op: "read", path }]);
    expect(arrow!.types).toEqual(["null", "list<null>", "struct<a:null>"]);
    expect(arrow!.columns).toEqual(columns.map(canonColumn));
    expect((await readAll(await openFile(path))).columns).toEqual(columns.map(canonColumn));
    countComparisons("parquet-null-type", 3);
  });

  it("fixed-size lists with NULL rows are read by DuckDB", async () => {
    const type = { kind: "fixed_size_list", item: { kind: "float64" }, size: 2 } as const;
    const column = columnOf(type, [[1, 2], null, [3, null], null]);
    const path = join(dir, "fixed-nulls.parquet");
    const schema = { fields: [{ name: "c0", type, nullable: true }], metadata: new Map() };
    writeFileSync(path, await collect(writeParquet(schema, [{ numRows: 4, columns: [column] }])));
    const [duck] = oracleTables([{ op: "duckdb", path, columns: ["c0"] }]);
    expect(duck!.columns[0]).toEqual(canonColumn(column));
    expect((await readAll(await openFile(path))).columns[0]).toEqual(canonColumn(column));
    countComparisons("parquet-fixed-size-nulls", 4);
  });
});

describe.skipIf(python === undefined)("what pyarrow writes", () => {
  const codecs = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"];
  const variants = fc.record({
    compression: fc.constantFrom(...codecs),
    data_page_version: fc.constantFrom("1.0", "2.0"),
    use_dictionary: fc.boolean(),
    data_page_size: fc.constantFrom(64, 1024, 1 << 20),
    row_group_size: fc.constantFrom(50, 5000),
    write_page_index: fc.boolean(),
    write_page_checksum: fc.boolean(),
    store_schema: fc.boolean(),
    use_compliant_nested_type: fc.boolean(),
    max_rows_per_page: fc.constantFrom(7, 20000),
  });

  it("reads the same here, in whole and in ranges", { timeout: 180_000 }, async () => {
    const specs = fc.sample(tableArb({ fixedLists: false, maxRows: 600 }), { numRuns: 160, seed: 20260003 });
    const options = fc.sample(variants, { numRuns: 160, seed: 20260004 });
    const jobs = specs.map((spec, i) => ({
      op: "write",
      path: join(dir, `theirs-${i}.parquet`),
      arrays: spec.fields.map((f, c) => ({ name: f.name, type: formatType(f.type), values: canonOf(spec)[c] })),
      options: options[i]!,
      metadata: { a: "b" },
    }));
    const written = oracle(jobs);
    let compared = 0;
    for (const [i, spec] of specs.entries()) {
      expect(written[i], JSON.stringify(options[i])).toEqual({ ok: true });
      const file = await openFile(jobs[i]!.path);
      const table = await readAll(file);
      expect(table.columns, JSON.stringify({ i, options: options[i] })).toEqual(canonOf(spec));
      const stored = options[i]!.store_schema;
      expect(table.types).toEqual(
        spec.fields.map((f) => (stored ? formatType(f.type) : formatType(f.type).replaceAll("Europe/Berlin", "UTC"))),
      );
      const [start, end] = [Math.floor(spec.rows / 3), Math.ceil(spec.rows / 2)];
      const part = await readAll(file, { start, end, batchRows: 17 });
      expect(part.columns, JSON.stringify({ i, options: options[i] })).toEqual(
        canonOf(spec).map((c) => c.slice(start, end)),
      );
      compared += spec.fields.length;
    }
    countComparisons("parquet-theirs-to-ours", compared);
  });

  it("reads the same here in every encoding", { timeout: 120_000 }, async () => {
    const rows = 1000;
    const n = (i: number): bigint => BigInt.asIntN(64, BigInt(i) * 6364136223846793005n);
    const fields: Readonly<
      Record<
        string,
        { readonly type: string; readonly values: readonly Canon[]; readonly encodings: readonly string[] }
      >
    > = {
      i32: {
        type: "int32",
        values: Array.from({ length: rows }, (_, i) => (i % 9 === 0 ? null : `i:${BigInt.asIntN(32, n(i))}`)),
        encodings: ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "PLAIN"],
      },
      i64: {
        type: "int64",
        values: Array.from({ length: rows }, (_, i) => (i % 9 === 0 ? null : `i:${n(i)}`)),
        encodings: ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "PLAIN"],
      },
      near: {
        type: "int64",
        values: Array.from({ length: rows }, (_, i) => `i:${1_760_000_000_000_000 + i * 997}`),
        encodings: ["DELTA_BINARY_PACKED"],
      },
      u32: {
        type: "uint32",
        values: Array.from({ length: rows }, (_, i) => `i:${BigInt.asUintN(32, n(i))}`),
        encodings: ["DELTA_BINARY_PACKED", "PLAIN"],
      },
      u64: {
        type: "uint64",
        values: Array.from({ length: rows }, (_, i) => `i:${BigInt.asUintN(64, n(i))}`),
        encodings: ["DELTA_BINARY_PACKED", "PLAIN"],
      },
      f32: {
        type: "float32",
        values: Array.from({ length: rows }, (_, i) => canonValue(Math.fround(Math.sin(i)), { kind: "float32" })),
        encodings: ["BYTE_STREAM_SPLIT", "PLAIN"],
      },
      f64: {
        type: "float64",
        values: Array.from({ length: rows }, (_, i) =>
          canonValue(i % 50 === 0 ? Number.NaN : Math.sin(i), { kind: "float64" }),
        ),
        encodings: ["BYTE_STREAM_SPLIT", "PLAIN"],
      },
      f16: {
        type: "float16",
        values: Array.from({ length: rows }, (_, i) => canonValue((i % 64) / 8, { kind: "float16" })),
        encodings: ["BYTE_STREAM_SPLIT", "PLAIN", "DELTA_BYTE_ARRAY"],
      },
      s: {
        type: "string",
        values: Array.from({ length: rows }, (_, i) => (i % 13 === 0 ? null : `s:${"ACGT".repeat(i % 40)}${i}é`)),
        encodings: ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "PLAIN"],
      },
      b: {
        type: "bool",
        values: Array.from({ length: rows }, (_, i) => (i % 11 === 0 ? null : n(i) % 3n === 0n)),
        encodings: ["RLE", "PLAIN"],
      },
    };
    const jobs = [];
    for (const [name, { type, values, encodings }] of Object.entries(fields)) {
      for (const encoding of encodings) {
        for (const version of ["1.0", "2.0"]) {
          const options = {
            use_dictionary: false,
            column_encoding: { [name]: encoding },
            data_page_version: version,
            data_page_size: 512,
            compression: "none",
          };
          jobs.push({
            op: "write",
            path: join(dir, `${name}-${encoding}-${version}.parquet`),
            arrays: [{ name, type, values }],
            options,
          });
        }
      }
    }
    const written = oracle(jobs);
    for (const [i, job] of jobs.entries()) {
      expect(written[i], job.path).toEqual({ ok: true });
      const got = await readAll(await openFile(job.path));
      expect(got.columns[0], job.path).toEqual(job.arrays[0]!.values);
      const part = await readAll(await openFile(job.path), { start: 333, end: 777, batchRows: 100 });
      expect(part.columns[0], job.path).toEqual(job.arrays[0]!.values.slice(333, 777));
    }
    countComparisons("parquet-encodings", jobs.length);
    expect(jobs.length).toBe(46);
  });

  it("reads the same here when a dictionary gives way to plain pages", { timeout: 60_000 }, async () => {
    const values: Canon[] = Array.from({ length: 20_000 }, (_, i) =>
      i < 9000 ? `s:v${i % 7}` : `s:${"x".repeat(40)}${i}`,
    );
    const path = join(dir, "mixed.parquet");
    const options = { dictionary_pagesize_limit: 2000, data_page_size: 4000 };
    expect(oracle([{ op: "write", path, arrays: [{ name: "s", type: "string", values }], options }])).toEqual([
      { ok: true },
    ]);
    const columns = [];
    for await (const batch of readBatches(await openFile(path), { batchRows: 4096 }))
      columns.push(...canonColumn(batch.columns[0]!));
    expect(columns).toEqual(values);
  });
});
