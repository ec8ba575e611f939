/// <reference types="node" />
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { jsonRow } from "@usr/formats";
import { parseType, type Value } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { countComparisons, type NaiveKey, type NaivePart, naiveMerge, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Query } from "../src/types.ts";
import { baseBytes, type Cells, idsOf, partBytes, registryText, rootOf } from "./make.ts";
import { linesOf } from "./support.ts";

/** A namespace of a random dataset. Types are few, so that every cell can be said in JSON. */
interface RandomNamespace {
  readonly name: string;
  readonly key: NaiveKey;
  readonly columns: Readonly<Record<string, string>>;
  readonly parts: readonly (NaivePart<Value> & { readonly held: readonly string[] })[];
}

interface RandomDataset {
  readonly sequences: readonly string[];
  readonly namespaces: readonly RandomNamespace[];
  /** Materialized columns: name, type, cells. */
  readonly materialized: readonly (readonly [string, string, Cells])[];
  /** Row numbers of tombstones, and whether each says deleted. */
  readonly tombstones: readonly (readonly [number, boolean | null])[] | undefined;
}

const POOL = Array.from({ length: 40 }, (_, i) =>
  [...(i + 64).toString(4)].map((digit) => "ACGT"[Number(digit)]).join(""),
);

const cell = (type: string): fc.Arbitrary<Value> => {
  if (type === "int64") return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  if (type === "float64") return fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Number.NaN));
  if (type === "bool") return fc.boolean();
  if (type === "list<int32>")
    return fc.array(fc.option(fc.integer({ min: -5, max: 5 }), { freq: 4 }), { maxLength: 3 });
  return fc.string({ maxLength: 4 });
};

const namespace = (name: string): fc.Arbitrary<RandomNamespace> =>
  fc
    .record({
      key: fc.constantFrom<NaiveKey>("id", "id", "sequence", "sequence_norm", "sequence_ci"),
      types: fc.array(fc.constantFrom("int64", "float64", "bool", "string", "list<int32>"), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .chain(({ key, types }) => {
      const columns = Object.fromEntries(types.map((type, i) => [`${name}__${"zyx"[i]}`, type]));
      const names = Object.keys(columns);
      const row = fc.record({
        sequence: fc.constantFrom(...POOL),
        spelling: fc.constantFrom("plain", "plain", "padded", "other case", "null", "stranger"),
        values: fc.tuple(...types.map((type) => fc.option(cell(type), { freq: 2 }))),
      });
      const part = fc.record({
        uuid: fc.integer({ min: 0, max: 2 ** 30 }),
        createdAt: fc.constantFrom(0n, 1_000n, 1_500_000n, 2_000_000_000n),
        held: fc.shuffledSubarray(names, { minLength: 1 }),
        rows: fc.uniqueArray(row, { maxLength: 12, selector: ({ sequence }) => sequence }),
      });
      return fc.uniqueArray(part, { minLength: 1, maxLength: 4, selector: ({ uuid }) => uuid }).map((parts) => ({
        name,
        key,
        columns,
        parts: parts.map(({ uuid, createdAt, held, rows }) => ({
          name: `part-${String(uuid).padStart(12, "0")}.parquet`,
          createdAt,
          held,
          rows: rows.map(({ sequence, spelling, values }) => ({
            key: spell(key, sequence, spelling),
            values: Object.fromEntries(
              names.flatMap((column, i) => (held.includes(column) ? [[column, values[i] ?? null]] : [])),
            ),
          })),
        })),
      }));
    });

function spell(key: NaiveKey, sequence: string, spelling: string): string | null {
  const plain = key === "id" ? idsOf([sequence])[0]! : sequence;
  if (spelling === "null") return null;
  if (spelling === "stranger") return `${plain}x`;
  if (spelling === "padded") return `\u00a0${plain} \t`;
  return spelling === "other case" && key === "sequence_ci" ? plain.toLowerCase() : plain;
}

const dataset: fc.Arbitrary<RandomDataset> = fc
  .record({
    sequences: fc.shuffledSubarray(POOL, { maxLength: 25 }),
    namespaces: fc
      .shuffledSubarray(["alpha", "mock", "us", "zeta"], { maxLength: 3 })
      .chain((names) => fc.tuple(...names.map(namespace))),
    materialize: fc.boolean(),
    tombstones: fc.option(fc.array(fc.tuple(fc.nat(24), fc.option(fc.boolean(), { freq: 4 })), { maxLength: 8 })),
  })
  .chain(({ sequences, namespaces, materialize, tombstones }) => {
    const columns = materialize
      ? namespaces.flatMap(({ columns }) => Object.entries(columns)).filter((_, i) => i % 2 === 0)
      : [];
    const cells = fc.tuple(
      ...columns.map(([, type]) =>
        fc.array(fc.option(cell(type), { freq: 2 }), { minLength: sequences.length, maxLength: sequences.length }),
      ),
    );
    return cells.map((all) => ({
      sequences,
      namespaces,
      materialized: columns
        .toReversed()
        .map(([name, type], i): [string, string, Cells] => [name, type, all[columns.length - 1 - i]!]),
      tombstones: tombstones === null ? undefined : [...new Map(tombstones.filter(([row]) => row < sequences.length))],
    }));
  });

const query: fc.Arbitrary<Query> = fc.record(
  { includeDeleted: fc.boolean(), start: fc.nat(6), limit: fc.nat(12) },
  { requiredKeys: [] },
);

async function objectsOf(random: RandomDataset): Promise<Readonly<Record<string, Uint8Array | string>>> {
  const objects: Record<string, Uint8Array | string> = {
    "registry.yaml": registryText(Object.fromEntries(random.namespaces.map(({ name, columns }) => [name, columns]))),
    "demo/records.parquet": await baseBytes({
      sequences: random.sequences,
      extra: Object.fromEntries(random.materialized.map(([name, type, cells]) => [name, [type, cells]])),
    }),
  };
  for (const { name, key, columns, parts } of random.namespaces) {
    for (const part of parts) {
      const held: Record<string, readonly [string, Cells]> = {};
      for (const column of part.held)
        held[column] = [columns[column]!, part.rows.map(({ values }) => values[column] ?? null)];
      const keys: readonly [string, Cells] = ["string", part.rows.map((row) => row.key)];
      const stamp = new Date(Number(part.createdAt / 1_000_000n)).toISOString().replace("Z", "");
      const micros = String((part.createdAt / 1000n) % 1000n).padStart(3, "0");
      // The position of the key column is free.
      const all = part.held.length > 1 ? { ...held, [key]: keys } : { [key]: keys, ...held };
      objects[`demo/_derived/${name}/${part.name}`] = await partBytes(name, key, `${stamp}${micros}Z`, all);
    }
  }
  if (random.tombstones !== undefined) {
    objects["demo/_derived/usr.parquet"] = await partBytes("usr", "id", "2026-01-01T00:00:00.000000Z", {
      id: ["string", random.tombstones.map(([row]) => idsOf(random.sequences)[row]!)],
      usr__deleted: ["bool", random.tombstones.map(([, deleted]) => deleted)],
      usr__deleted_at: ["timestamp[us, UTC]", random.tombstones.map(([row]) => BigInt(row))],
      usr__deleted_reason: ["string", random.tombstones.map(() => null)],
    });
  }
  return objects;
}

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

test("random datasets: a scan is the naive merge", { timeout: 600_000 }, async () => {
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
  test("random datasets: a scan is what SQL gives", { timeout: 600_000 }, async () => {
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
