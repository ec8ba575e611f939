/// <reference types="node" />
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Query, Root } from "../src/types.ts";
import {
  COLUMNS,
  cellsOf,
  filterText,
  naive,
  objectsOf,
  sqlText,
  tableBytes,
  tables,
  tests,
} from "./filter-support.ts";
import { rootOf } from "./make.ts";
import { batchesOf, linesOf } from "./support.ts";

type Row = Readonly<Record<string, Value>>;

const valuesOf = async (root: Root, query: Query): Promise<readonly Row[]> =>
  (await batchesOf(root, "demo", query)).flatMap(({ schema, columns, numRows }) =>
    Array.from({ length: numRows }, (_, row) =>
      Object.fromEntries(schema.fields.map(({ name }, c) => [name, valueAt(columns[c]!, row)])),
    ),
  );

test("a filtered scan is the scan, filtered by the plain words of the rules", { timeout: 120_000 }, async () => {
  let kept = 0;
  let dropped = 0;
  await fc.assert(
    fc.asyncProperty(
      tables,
      fc.array(fc.tuple(fc.nat(30), cellsOf), { maxLength: 6 }),
      fc.integer({ min: 1, max: 9 }),
      tests,
      fc.record({ start: fc.nat(3), limit: fc.nat(9) }, { requiredKeys: [] }),
      async (rows, newer, groupRows, filter, page) => {
        const root = await rootOf(await objectsOf(rows, new Map(newer), groupRows));
        const all = await valuesOf(root, {});
        const where = filterText(filter);
        const want = all.filter((row) => naive(filter, row) === true);
        const { start = 0, limit } = page;
        const columns = ["id", "m__f64", "m__l"];
        const paged = want.slice(start, limit === undefined ? undefined : start + limit);
        expect(await valuesOf(root, { where }), where).toStrictEqual(want);
        expect(await valuesOf(root, { where, columns, ...page }), where).toStrictEqual(
          paged.map((row) => Object.fromEntries(columns.map((name) => [name, row[name]]))),
        );
        kept += want.length;
        dropped += all.length - want.length;
      },
    ),
    { numRuns: testRuns(400) },
  );
  expect(Math.min(kept, dropped)).toBeGreaterThan(100);
});

const DUCKDB = `
import duckdb
con = duckdb.connect()
con.execute("SET TimeZone='UTC'")

def main(ask):
    return [[row[0] for row in con.execute(f"SELECT id FROM (SELECT row_number() OVER () AS n, * FROM read_parquet('{ask['path']}')) WHERE {sql} ORDER BY n").fetchall()] for sql in ask["filters"]]
`;
const python = oracle();

describe.skipIf(python === undefined)("DuckDB as the judge", () => {
  test("a filter keeps the rows that SQL keeps", { timeout: 120_000 }, async () => {
    await using worker = python!.worker(DUCKDB);
    const folder = await mkdtemp(join(tmpdir(), "usr-filter-"));
    let compared = 0;
    try {
      await fc.assert(
        fc.asyncProperty(tables, fc.array(tests, { minLength: 8, maxLength: 8 }), async (rows, filters) => {
          // DuckDB has no half floats and no half microseconds.
          const shared = filters.filter((filter) => !/m__f16|0000005/.test(filterText(filter)));
          const path = join(folder, "records.parquet");
          await writeFile(path, await tableBytes(rows, 5));
          const answers = await worker.ask({ path, filters: shared.map(sqlText) });
          const root = await rootOf(await objectsOf(rows, new Map(), 5));
          for (const [i, filter] of shared.entries()) {
            const lines = await linesOf(root, "demo", { columns: ["id"], where: filterText(filter) });
            const ids = lines.map((line): unknown => JSON.parse(line).id);
            expect(ids, `${filterText(filter)} as ${sqlText(filter)}`).toEqual(
              Array.isArray(answers) ? answers[i] : answers,
            );
            compared++;
          }
        }),
        { numRuns: testRuns(60) },
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    countComparisons("filters", compared);
    expect(compared).toBeGreaterThan(100);
    expect(Object.keys(COLUMNS).length).toBeGreaterThan(0);
  });
});
