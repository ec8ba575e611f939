/// <reference types="node" />
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DataType, formatType } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { diskStorage } from "@usr/storage/node";
import { anyType, countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { scan } from "../src/index.ts";
import { attach, initDataset, materialize, registerNamespace } from "../src/write/index.ts";
import { codeOf } from "./support.ts";
// Whether pyarrow, DuckDB and PyYAML see in our files what we see in them.
import {
  answerOf,
  BASE,
  BASE_TYPES,
  CANON,
  cellsOf,
  dataset,
  fromSql,
  holdsFixedLists,
  MERGE,
  onDisk,
  POOL,
  type PyFile,
  type RandomDataset,
  sqlText,
  sqlTypes,
  tablesOf,
  write,
  YAML,
} from "./write-oracle-support.ts";
import { bytesUnder, importCsv, parquetAt, typedTable, writableRoot } from "./write-support.ts";

const python = oracle();
const compared = { values: 0, files: 0, merged: 0, registries: 0, unreadable: 0 };

afterAll(() => {
  if (python === undefined) return;
  countComparisons("dataset: written tables against pyarrow", compared.values);
  countComparisons("dataset: merge of written parts against DuckDB", compared.merged);
  countComparisons("dataset: registries against PyYAML", compared.registries);
});

describe.skipIf(python === undefined)("what Python sees in our files", () => {
  test("pyarrow: names, types, metadata, values of every table", { timeout: 600_000 }, async () => {
    await using worker = python!.worker(CANON);
    await fc.assert(
      fc.asyncProperty(dataset(anyType({ depth: 2 })), async (random) => {
        await onDisk(random, async (root, folder) => {
          for (const path of await tablesOf(root)) {
            const ours = await parquetAt(root.storage, path);
            const theirs = answerOf<PyFile>(await worker.ask(join(folder, path)));
            const { fields, metadata } = ours.schema;
            expect(theirs.names).toEqual(fields.map(({ name }) => name));
            expect(theirs.types).toEqual(fields.map(({ type }) => formatType(type)));
            expect(theirs.metadata).toEqual(Object.fromEntries(metadata));
            expect(theirs.rows).toBe(ours.numRows);
            expect(theirs.optional).toBe(true);
            expect(theirs.created_by).toMatch(/^usr\b/);
            if (ours.numRows > 0) expect(theirs.codecs).toEqual(["ZSTD"]);
            if (/\/records[^/]*\.parquet$/.test(path)) {
              expect(theirs.names.slice(0, 7)).toEqual(BASE);
              expect(theirs.types.slice(0, 7)).toEqual(BASE_TYPES);
              expect(theirs.statistics).toBe(true);
            }
            const cells = await cellsOf(root, path);
            for (const [i, name] of theirs.names.entries()) {
              const refused = theirs.unreadable.find(([column]) => column === name);
              if (refused !== undefined) {
                // pyarrow cannot read NULL among fixed-size lists; every other type it must read.
                expect(holdsFixedLists(theirs.types[i]!), `${name} ${theirs.types[i]}: ${refused[1]}`).toBe(true);
                compared.unreadable++;
                continue;
              }
              expect(theirs.cells[name], `${path} ${name} ${theirs.types[i]}`).toEqual(cells[name]);
              compared.values += cells[name]!.length;
            }
            compared.files++;
          }
        });
      }),
      { numRuns: testRuns(80) },
    );
    expect(compared.files).toBeGreaterThan(0);
    expect(compared.values).toBeGreaterThan(compared.unreadable);
  });

  test("DuckDB: the merge as SQL, over tables the verbs wrote", { timeout: 600_000 }, async () => {
    await using worker = python!.worker(MERGE);
    let datasets = 0;
    await fc.assert(
      fc.asyncProperty(dataset(sqlTypes), async (random) => {
        await onDisk(random, async (root, folder) => {
          const columns = random.namespaces.flatMap(({ columns }) => columns);
          const answer = answerOf<{
            readonly names: readonly string[];
            readonly rows: readonly (readonly unknown[])[];
            readonly codecs: readonly string[];
            readonly repetition: readonly string[];
          }>(
            await worker.ask({
              folder: join(folder, "demo"),
              base: BASE,
              times: columns.filter(({ type }) => type.startsWith("timestamp")).map(({ name }) => name),
              namespaces: random.namespaces.map(({ name, key, columns }) => ({
                name,
                key,
                columns: columns.map((column) => column.name),
              })),
            }),
          );
          expect(answer.codecs).toEqual(["ZSTD"]);
          expect(answer.repetition).toEqual(["OPTIONAL"]);
          const types: DataType[] = [];
          const found: unknown[][] = [];
          for await (const batch of scan(root, "demo", { columns: answer.names })) {
            types.splice(0, types.length, ...batch.schema.fields.map(({ type }) => type));
            for (let row = 0; row < batch.numRows; row++)
              found.push(batch.columns.map((column, i) => sqlText(valueAt(column, row), types[i]!)));
          }
          const asked = answer.rows.map((row) => row.map((value, i) => fromSql(value, types[i]!)));
          expect(found).toEqual(asked);
          compared.merged += asked.length * answer.names.length;
          datasets++;
        });
      }),
      { numRuns: testRuns(100) },
    );
    expect(datasets).toBeGreaterThanOrEqual(testRuns(100));
    expect(compared.merged).toBeGreaterThan(0);
  });

  test("PyYAML: registry.yaml and its frozen copies are safe_dump", { timeout: 600_000 }, async () => {
    await using worker = python!.worker(YAML);
    const words = fc.option(
      fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 120 }),
        fc.constantFrom("null", "1.0", "2020-01-01", "yes", " a ", "a: b"),
      ),
      { nil: undefined },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyType({ depth: 2 }), { minLength: 1, maxLength: 4 }),
        words,
        words,
        async (types, owner, description) => {
          const root = writableRoot();
          const columns = types.map((type, i) => ({ name: `mock__c${i}`, type: formatType(type) }));
          await registerNamespace(root, { namespace: "mock", columns: columns.slice(0, 1) });
          await initDataset(root, "demo");
          await registerNamespace(root, { namespace: "mock", columns, owner, description });
          await importCsv(root, "demo", "sequence\nACACACACAC\n");
          for (const [path, bytes] of await bytesUnder(root.storage)) {
            if (!path.endsWith(".yaml")) continue;
            const text = Buffer.from(bytes, "base64").toString("utf8");
            expect(await worker.ask(text)).toBe(text);
            compared.registries++;
          }
        },
      ),
      { numRuns: testRuns(100) },
    );
  });

  test("a base of REQUIRED columns and of row groups without rows takes rows and overlays", async () => {
    const script = `
import pyarrow as pa, pyarrow.parquet as pq
def main(ask):
    path, rewrite = ask
    if rewrite:
        table = pq.read_table(path)
        table = table.append_column("mock__z", pa.array([[1.0, 2.0]] * len(table)))
        table = table.cast(pa.schema([f.with_nullable(False) for f in table.schema], metadata=table.schema.metadata))
        with pq.ParquetWriter(path, table.schema) as out:
            for start, rows in [(0, 0), (0, 20000), (0, 0), (20000, len(table) - 20000), (0, 0)]: out.write_table(table.slice(start, rows))
    file = pq.ParquetFile(path)
    last = file.read().slice(file.metadata.num_rows - 2).to_pylist()
    return {"nullable": [f.nullable for f in file.schema_arrow], "groups": [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)],
        "last": [[row["sequence"], row["mock__z"]] for row in last]}
`;
    const folder = await mkdtemp(join(tmpdir(), "usr-write-"));
    try {
      const root = writableRoot(diskStorage(folder));
      await registerNamespace(root, { namespace: "mock", columns: [{ name: "mock__z", type: "list<float64>" }] });
      await initDataset(root, "demo");
      const sequences = Array.from(
        { length: 20_005 },
        (_, i) =>
          `A${i
            .toString(4)
            .padStart(8, "0")
            .replace(/./g, (digit) => "ACGT"[Number(digit)]!)}`,
      );
      await importCsv(root, "demo", `sequence\n${sequences.join("\n")}\n`);
      const path = join(folder, "demo/records.parquet");
      const foreign = await python!.python(script, [path, true]);
      expect(foreign).toMatchObject({ nullable: Array(8).fill(false), groups: [0, 20_000, 0, 5, 0] });
      const cells = {
        key: ["string", [sequences[3]!, sequences[20_004]!]],
        z: ["list<float64>", [[null], []]],
      } as const;
      const o = { path: "in.parquet", namespace: "mock", key: "sequence", keyColumn: "key", overwrite: true } as const;
      await attach(root, "demo", await typedTable(cells), o);
      await materialize(root, "demo");
      await importCsv(root, "demo", "sequence\nTTTT\n");
      const all: unknown[] = [];
      for await (const { columns, numRows } of scan(root, "demo", { columns: ["sequence", "mock__z"] }))
        for (let row = 0; row < numRows; row++) all.push([valueAt(columns[0]!, row), valueAt(columns[1]!, row)]);
      expect(all).toEqual([
        ...sequences.map((sequence, i) => [sequence, i === 3 ? [null] : i === 20_004 ? [] : [1, 2]]),
        ["TTTT", null],
      ]);
      const found = await python!.python(script, [path, false]);
      expect(found).toMatchObject({
        nullable: Array(8).fill(true),
        last: [
          [sequences[20_004], []],
          ["TTTT", null],
        ],
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("a base with a column that only others can read is not rewritten", async () => {
    const script = `
import pyarrow as pa, pyarrow.parquet as pq
from decimal import Decimal
def main(path):
    table = pq.read_table(path)
    pq.write_table(table.append_column("mock__z", pa.array([Decimal("1.5")] * len(table), pa.decimal128(20, 2))), path)
`;
    const random: RandomDataset = { first: [1, 2, 3], second: [], namespaces: [] };
    const folder = await mkdtemp(join(tmpdir(), "usr-write-"));
    try {
      const root = writableRoot(diskStorage(folder));
      await registerNamespace(root, { namespace: "mock", columns: [{ name: "mock__n", type: "int8" }] });
      await write(root, random);
      const path = join(folder, "demo/records.parquet");
      await python!.python(script, path);
      const before = await readFile(path);
      const keys = { key: ["string", [POOL[1]!]], n: ["int8", [1]] } as const;
      const o = { path: "in.parquet", namespace: "mock", key: "sequence", keyColumn: "key" } as const;
      // A part beside it changes nothing in the base.
      expect(await attach(root, "demo", await typedTable(keys), o)).toMatchObject({ rows_matched: 1 });
      expect(await codeOf(importCsv(root, "demo", "sequence\nACACACACAC\n"))).toBe("NOT_SUPPORTED");
      expect(await codeOf(materialize(root, "demo"))).toBe("NOT_SUPPORTED");
      await registerNamespace(root, { namespace: "late", columns: [{ name: "late__n", type: "int8" }] });
      expect(await codeOf(attach(root, "demo", await typedTable(keys), { ...o, overwrite: true }))).toBe(
        "NOT_SUPPORTED",
      );
      expect(await readFile(path)).toEqual(before);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
