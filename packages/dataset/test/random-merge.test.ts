/// <reference types="node" />
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { jsonRow } from "@usr/formats";
import { parseType, type Value } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { countComparisons, naiveMerge, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Query } from "../src/types.ts";
import { idsOf, rootOf } from "./make.ts";
import { dataset, objectsOf, type RandomDataset } from "./random-dataset.ts";
import { linesOf } from "./support.ts";

const query: fc.Arbitrary<Query> = fc.record(
  { includeDeleted: fc.boolean(), start: fc.nat(6), limit: fc.nat(12) },
  { requiredKeys: [] },
);

/** The merged view by the plain words of the rule. Each row: name -> [type, value]. */
function expected(
  random: RandomDataset,
  { includeDeleted, start = 0, limit }: Query,
): readonly Readonly<Record<string, unknown>>[] {
  const ids = idsOf(random.sequences);
  const merged = new Map<string, readonly Value[]>();
  for (const { name: _, key, columns, parts } of random.namespaces) {
    const names = Object.keys(columns).filter((column) => parts.some((part) => part.held.includes(column)));
    const cells = naiveMerge(key, key === "id" ? ids : random.sequences, parts, names);
    for (const [i, column] of names.entries()) {
      merged.set(
        column,
        cells.map((row) => row[i] ?? null),
      );
    }
  }
  const rows = ids.map((id, row) => {
    const sequence = random.sequences[row]!;
    const view: Record<string, unknown> = {
      id,
      bio_type: "dna",
      sequence,
      alphabet: "dna_4",
      length: sequence.length,
      source: "test",
    };
    view["created_at"] = json("timestamp[us, UTC]", 1_700_000_000_000_000n + BigInt(row));
    for (const [name, type, cells] of random.materialized)
      view[name] = json(type, merged.get(name)?.[row] ?? cells[row]!);
    const mark = random.tombstones?.find(([deleted]) => deleted === row);
    const shown = random.tombstones !== undefined && includeDeleted === true;
    const later = [...random.namespaces].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const name of [...later.map((other) => other.name), ...(shown ? ["usr"] : [])].sort()) {
      if (name === "usr") {
        view["usr__deleted"] = mark?.[1] ?? null;
        view["usr__deleted_at"] = mark === undefined ? null : json("timestamp[us, UTC]", BigInt(row));
        view["usr__deleted_reason"] = null;
      }
      for (const [column, type] of Object.entries(later.find((other) => other.name === name)?.columns ?? {})) {
        if (merged.has(column) && !(column in view)) view[column] = json(type, merged.get(column)![row]!);
      }
    }
    return { view, deleted: mark?.[1] === true };
  });
  const visible = rows.filter(({ deleted }) => includeDeleted === true || !deleted).map(({ view }) => view);
  return visible.slice(start, limit === undefined ? undefined : start + limit);
}

/** A value as the row printer says it. */
function json(type: string, value: Value): unknown {
  const parsed = parseType(type);
  const batch = {
    schema: { fields: [{ name: "v", type: parsed, nullable: true }], metadata: new Map<string, string>() },
    columns: [columnOf(parsed, [value])],
    numRows: 1,
  };
  const row: { readonly v: unknown } = JSON.parse(jsonRow(batch, 0));
  return row.v;
}

test("random datasets: a scan is the naive merge", { timeout: 1_800_000 }, async () => {
  let rows = 0;
  await fc.assert(
    fc.asyncProperty(dataset, query, async (random, asked) => {
      const root = await rootOf(await objectsOf(random));
      const want = expected(random, asked);
      const found = (await linesOf(root, "demo", asked)).map((line): Record<string, unknown> => JSON.parse(line));
      expect(found.map(Object.entries)).toStrictEqual(want.map(Object.entries));
      const ids = want.map((row) => String(row["id"])).toReversed();
      const byId = await linesOf(root, "demo", { ids, includeDeleted: asked.includeDeleted });
      expect(byId.map((line): unknown => JSON.parse(line))).toStrictEqual(want.toReversed());
      rows += want.length;
    }),
    { numRuns: testRuns(2000) },
  );
  expect(rows).toBeGreaterThan(0);
});

/** The same view as SQL. DuckDB sorts instants and names itself; keys are trimmed of what Python's strip takes. */
const DUCKDB = `
import duckdb, glob, os, math, datetime
import pyarrow.parquet as pq

SPACE = "".join(chr(c) for c in range(0x3001) if chr(c).strip() == "")

def norm(key, column):
    text = f"nullif(trim({column}, '{SPACE}'), '')"
    return f"upper({text})" if key == "sequence_ci" else text

def out(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53: return str(value)
    return value

def main(ask):
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'")
    folder = ask["folder"]
    base = pq.read_table(folder + "/records.parquet").select(["id", "sequence"] + ask["stored"])
    con.register("base0", base)
    con.execute("CREATE TABLE base AS SELECT row_number() OVER () AS rowno, * FROM base0")
    select, joins = ["base.id"], []
    for ns in ask["namespaces"]:
        name, key, columns = ns["name"], ns["key"], ns["columns"]
        tables = []
        for i, path in enumerate(sorted(glob.glob(folder + "/_derived/" + name + "/part-*.parquet"))):
            created = pq.read_schema(path).metadata[b"usr:overlay_created_at"].decode()
            tables.append(f"SELECT {norm(key, key)} AS k, '{created}'::TIMESTAMPTZ AS made, '{os.path.basename(path)}' AS file, * EXCLUDE ({key}) FROM read_parquet('{path}')")
        con.execute(f"CREATE TABLE parts_{name} AS " + " UNION ALL BY NAME ".join(tables))
        held = [row[0] for row in con.execute(f"DESCRIBE parts_{name}").fetchall()]
        columns = [c for c in columns if c in held]
        best = ", ".join(f"arg_max({c}, row(made, file)) FILTER (WHERE {c} IS NOT NULL) AS {c}" for c in columns)
        con.execute(f"CREATE TABLE m_{name} AS SELECT k, {best} FROM parts_{name} WHERE k IS NOT NULL GROUP BY k")
        column = "id" if key == "id" else "sequence"
        joins.append(f"LEFT JOIN m_{name} ON m_{name}.k = {norm(key, 'base.' + column)}")
        select += [f"coalesce(m_{name}.{c}, base.{c}) AS {c}" if c in ask["stored"] else f"m_{name}.{c}" for c in columns]
    where = ""
    if ask["tombstones"]:
        joins.append(f"LEFT JOIN read_parquet('{folder}/_derived/usr.parquet') t ON t.id = base.id")
        where = "WHERE NOT coalesce(t.usr__deleted, false)"
    cursor = con.execute("SELECT " + ", ".join(select) + " FROM base " + " ".join(joins) + " " + where + " ORDER BY rowno")
    names = [d[0] for d in cursor.description]
    rows = cursor.fetchall()
    con.close()
    return [{n: out(v) for n, v in zip(names, row)} for row in rows]
`;

const python = oracle();

describe.skipIf(python === undefined)("DuckDB as the judge", () => {
  test("random datasets: a scan is what SQL gives", { timeout: 1_800_000 }, async () => {
    await using worker = python!.worker(DUCKDB);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(dataset, async (random) => {
        const objects = await objectsOf(random);
        const folder = await mkdtemp(join(tmpdir(), "usr-random-"));
        try {
          for (const [path, body] of Object.entries(objects)) {
            await mkdir(dirname(join(folder, path)), { recursive: true });
            await writeFile(join(folder, path), body);
          }
          const held = random.namespaces.map(({ name, key, columns }) => ({
            name,
            key,
            columns: Object.keys(columns),
          }));
          const answer = await worker.ask({
            folder: join(folder, "demo"),
            stored: random.materialized.map(([name]) => name),
            namespaces: held,
            tombstones: random.tombstones !== undefined,
          });
          const rows: readonly Readonly<Record<string, unknown>>[] = Array.isArray(answer) ? answer : [];
          const columns = Object.keys(rows[0] ?? { id: null });
          const found = await linesOf(await rootOf(objects), "demo", { columns });
          expect(found.map((line): unknown => JSON.parse(line))).toEqual(rows);
          compared += rows.length * columns.length;
        } finally {
          await rm(folder, { recursive: true });
        }
      }),
      { numRuns: testRuns(2000) },
    );
    expect(compared).toBeGreaterThan(0);
    countComparisons("dataset: merged view against DuckDB", compared);
  });
});
