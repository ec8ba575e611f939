import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { sequenceId } from "@usr/id";
import { readBatches } from "@usr/parquet";
import { type DataType, formatType, parseType, type Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { anyValue } from "@usr/testkit";
import fc from "fast-check";
import { expect } from "vitest";
import { attach, initDataset, materialize, registerNamespace, type WritableRoot } from "../src/write/index.ts";
import type { Cells } from "./make.ts";
import { codeOf } from "./support.ts";
import { bytesUnder, importCsv, parquetAt, typedTable, writableRoot } from "./write-support.ts";

// Random datasets for write-oracle, and the Python that looks at what was written of them.

export const POOL: readonly string[] = Array.from({ length: 30 }, (_, i) =>
  [...(i + 64).toString(4)].map((digit) => "ACGT"[Number(digit)]).join(""),
);

const KEYS = ["id", "sequence", "sequence_norm", "sequence_ci"] as const;

interface RandomNamespace {
  readonly name: string;
  readonly key: (typeof KEYS)[number];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly parts: readonly {
    readonly held: readonly number[];
    readonly rows: readonly (readonly [row: number, values: readonly Value[]])[];
  }[];
  readonly folded: "archive" | "keep" | undefined;
}

export interface RandomDataset {
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly namespaces: readonly RandomNamespace[];
}

const namespace = (name: string, types: fc.Arbitrary<DataType>): fc.Arbitrary<RandomNamespace> =>
  fc.array(types, { minLength: 1, maxLength: 3 }).chain((chosen) =>
    fc.record({
      name: fc.constant(name),
      key: fc.constantFrom(...KEYS),
      columns: fc.constant(chosen.map((type, i) => ({ name: `${name}__${"zyx"[i]}`, type: formatType(type) }))),
      parts: fc.array(
        fc.record({
          held: fc.shuffledSubarray(
            chosen.map((_, i) => i),
            { minLength: 1 },
          ),
          rows: fc.uniqueArray(fc.tuple(fc.nat(POOL.length - 1), fc.tuple(...chosen.map(anyFitting))), {
            maxLength: 10,
            selector: ([row]) => row,
          }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      folded: fc.option(fc.constantFrom("archive", "keep"), { nil: undefined, freq: 1 }),
    }),
  );

/** Values of a type; times within the years that other programs can say. */
const anyFitting = (type: DataType): fc.Arbitrary<Value> =>
  type.kind === "timestamp"
    ? fc.option(
        fc.bigInt({ min: -(10n ** 11n), max: 10n ** 11n }).map((n) => n * (type.unit === "ns" ? 10n ** 6n : 1n)),
      )
    : anyValue(type);

export const dataset = (types: fc.Arbitrary<DataType>): fc.Arbitrary<RandomDataset> =>
  fc.record({
    first: fc.uniqueArray(fc.nat(19), { minLength: 1, maxLength: 12 }),
    second: fc.uniqueArray(fc.integer({ min: 20, max: POOL.length - 1 }), { maxLength: 6 }),
    namespaces: fc.tuple(namespace("alpha", types), namespace("mock", types)),
  });

/** Writes a dataset `demo` with the verbs: parts, folded columns and rows that came after them. */
export const write = async (root: WritableRoot, random: RandomDataset): Promise<void> => {
  for (const { name, columns } of random.namespaces) await registerNamespace(root, { namespace: name, columns });
  await initDataset(root, "demo");
  const importRows = (rows: readonly number[]): Promise<unknown> =>
    importCsv(root, "demo", `sequence\n${rows.map((row) => `${POOL[row]}\n`).join("")}`);
  await importRows(random.first);
  for (const half of [0, 1]) {
    for (const { name, key, columns, parts } of random.namespaces) {
      for (const { held, rows } of parts.filter((_, i) => i % 2 === half)) {
        const keys = rows.map(([row]) => (key === "id" ? sequenceId("dna", POOL[row]!) : ` ${POOL[row]}\t`));
        const cells: Record<string, readonly [string, Cells]> = { key: ["string", keys] };
        for (const i of held) cells[columns[i]!.name] = [columns[i]!.type, rows.map(([, values]) => values[i]!)];
        await attach(root, "demo", await typedTable(cells), {
          path: "in.parquet",
          namespace: name,
          key,
          keyColumn: "key",
          allowMissing: true,
          overwrite: true,
        });
      }
    }
    if (half === 1) continue;
    for (const { name, folded } of random.namespaces) {
      if (folded === undefined) continue;
      const code = await codeOf(
        materialize(root, "demo", { namespaces: [name], overlays: folded }).then(() => Promise.reject(DONE)),
      );
      expect(["DONE", "NAMESPACE_NOT_FOUND"]).toContain(code);
    }
    await importRows(random.second);
  }
};

const DONE = Object.assign(new Error("done"), { code: "DONE" });

/** Writes the dataset in memory and lays its files down in a folder: syncing each to a disk is proved elsewhere, and slow. */
export const onDisk = async (
  random: RandomDataset,
  judge: (root: WritableRoot, folder: string) => Promise<void>,
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "usr-write-"));
  try {
    const root = writableRoot();
    await write(root, random);
    for (const [path, bytes] of await bytesUnder(root.storage)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), Buffer.from(bytes, "base64"));
    }
    await judge(root, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** The dataset's tables, relative to the root. */
export const tablesOf = async (root: WritableRoot): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { path } of root.storage.list("demo/")) if (path.endsWith(".parquet")) found.push(path);
  return found;
};

/** A value as both sides say it: bits of floats, integers and times as text, structs as lists. */
const canon = (value: Value, type: DataType): unknown => {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return `s:${value}`;
  if (typeof value === "bigint") return `i:${value}`;
  if (typeof value === "number") {
    if (!type.kind.startsWith("float")) return `i:${value}`;
    if (Number.isNaN(value)) return "f:nan";
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return `f:${bytes.toString("hex")}`;
  }
  if ((type.kind === "list" || type.kind === "fixed_size_list") && isList(value))
    return value.map((item) => canon(item, type.item));
  if (type.kind === "struct" && !isList(value))
    return type.fields.map((field) => canon(value[field.name]!, field.type));
  throw new Error(`${typeof value} is not ${type.kind}`);
};

const isList = (value: object): value is readonly Value[] => Array.isArray(value);

export const cellsOf = async (
  root: WritableRoot,
  path: string,
): Promise<Readonly<Record<string, readonly unknown[]>>> => {
  const file = await parquetAt(root.storage, path);
  const cells: Record<string, unknown[]> = Object.fromEntries(file.schema.fields.map(({ name }) => [name, []]));
  for await (const { columns, numRows } of readBatches(file)) {
    for (const [i, { name, type }] of file.schema.fields.entries())
      for (let row = 0; row < numRows; row++) cells[name]!.push(canon(valueAt(columns[i]!, row), type));
  }
  return cells;
};

export const CANON = `
import struct, math
import pyarrow as pa, pyarrow.parquet as pq

def storage(t):
    if pa.types.is_timestamp(t): return pa.int64()
    if pa.types.is_fixed_size_list(t): return pa.list_(pa.field("item", storage(t.value_type)), t.list_size)
    if pa.types.is_list(t): return pa.list_(pa.field("item", storage(t.value_type)))
    if pa.types.is_struct(t): return pa.struct([pa.field(f.name, storage(f.type)) for f in t])
    return t

def name_of(t):
    if pa.types.is_timestamp(t): return f"timestamp[{t.unit}" + (f", {t.tz}]" if t.tz else "]")
    if pa.types.is_fixed_size_list(t): return f"fixed_size_list<{name_of(t.value_type)}>[{t.list_size}]"
    if pa.types.is_list(t): return f"list<{name_of(t.value_type)}>"
    if pa.types.is_struct(t): return "struct<" + ",".join(f"{f.name}:{name_of(f.type)}" for f in t) + ">"
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(str(t), str(t))

def canon(v, t):
    if v is None or isinstance(v, bool): return v
    if pa.types.is_floating(t): return "f:nan" if math.isnan(v) else "f:" + struct.pack("<d", v).hex()
    if pa.types.is_integer(t): return f"i:{v}"
    if pa.types.is_struct(t): return [canon(v[f.name], f.type) for f in t]
    if pa.types.is_list(t) or pa.types.is_fixed_size_list(t): return [canon(x, t.value_type) for x in v]
    return f"s:{v}"

def main(path):
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    cells, unreadable = {}, []
    for name, t in zip(schema.names, schema.types):
        try:
            values = file.read(columns=[name]).column(0) if file.num_row_groups else pa.chunked_array([], t)
            flat = storage(t)
            cells[name] = [canon(v, flat) for c in values.chunks for v in (c if flat == t else c.cast(flat)).to_pylist()]
        except Exception as error:
            unreadable.append([name, str(error)])
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    chunks = [g.column(j) for g in groups for j in range(g.num_columns) if g.num_rows]
    # Floats that do not shrink may be kept as they are.
    codecs = {c.compression for c in chunks if not (c.compression == "UNCOMPRESSED" and c.physical_type in ("FLOAT", "DOUBLE", "FIXED_LEN_BYTE_ARRAY"))}
    flat = [file.schema.column(j) for j in range(len(file.schema)) if "." not in file.schema.column(j).path]
    return {
        "names": schema.names, "types": [name_of(t) for t in schema.types], "rows": file.metadata.num_rows,
        "metadata": {k.decode(): v.decode() for k, v in (schema.metadata or {}).items()},
        "cells": cells, "unreadable": unreadable, "codecs": sorted(codecs), "created_by": file.metadata.created_by,
        "optional": all(c.max_definition_level == 1 for c in flat),
        "statistics": all(g.column(j).is_stats_set for g in groups for j in range(min(7, g.num_columns)) if g.num_rows),
    }
`;

export interface PyFile {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly rows: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly cells: Readonly<Record<string, readonly unknown[]>>;
  readonly unreadable: readonly (readonly [string, string])[];
  readonly codecs: readonly string[];
  readonly created_by: string;
  readonly optional: boolean;
  readonly statistics: boolean;
}

/** The worker's answers are JSON of the shape its script builds. */
export const answerOf = <T>(answer: unknown): T => JSON.parse(JSON.stringify(answer));

export const BASE: readonly string[] = ["id", "bio_type", "sequence", "alphabet", "length", "source", "created_at"];
export const BASE_TYPES: readonly string[] = [
  "string",
  "string",
  "string",
  "string",
  "int32",
  "string",
  "timestamp[us, UTC]",
];

export const holdsFixedLists = (type: string): boolean => type.includes("fixed_size_list");

/** Types and values that SQL can say without help. */
export const sqlTypes: fc.Arbitrary<DataType> = fc
  .constantFrom(
    "int64",
    "int8",
    "uint64",
    "uint16",
    "float64",
    "float32",
    "bool",
    "string",
    "list<int32>",
    "list<string>",
    "struct<a:int64,b:string>",
    "list<struct<a:int64,b:float64>>",
    "timestamp[us, UTC]",
    "timestamp[ms]",
  )
  .map(parseType);

/** The merged view as SQL: newest non-NULL by (created_at, name), else the folded value; base order. */
export const MERGE = `
import duckdb, glob, math, os
import pyarrow.parquet as pq

SPACE = "".join(chr(c) for c in range(0x3001) if chr(c).strip() == "")
con = duckdb.connect()
con.execute("SET TimeZone='UTC'")

def norm(key, column):
    text = f"nullif(trim({column}, '{SPACE}'), '')"
    return f"upper({text})" if key == "sequence_ci" else text

def out(v):
    if isinstance(v, dict): return [out(x) for x in v.values()]
    if isinstance(v, list): return [out(x) for x in v]
    if isinstance(v, float): return "NaN" if math.isnan(v) else ("Infinity" if v > 0 else "-Infinity") if math.isinf(v) else repr(v)
    if isinstance(v, int) and not isinstance(v, bool): return str(v)
    return v

def main(ask):
    folder = ask["folder"]
    for (name,) in con.execute("SHOW TABLES").fetchall(): con.execute(f'DROP TABLE "{name}"')
    con.execute(f"CREATE TABLE base AS SELECT row_number() OVER () AS rowno, * FROM read_parquet('{folder}/records.parquet')")
    stored = [row[0] for row in con.execute("DESCRIBE base").fetchall()]
    select, joins = ["base.id", "base.length", "base.source"], []
    for ns in ask["namespaces"]:
        name, key = ns["name"], ns["key"]
        tables = []
        for path in glob.glob(f"{folder}/_derived/{name}/part-*.parquet"):
            made = pq.read_schema(path).metadata[b"usr:overlay_created_at"].decode()
            tables.append(f"SELECT {norm(key, key)} AS k, '{made}'::TIMESTAMPTZ AS made, '{os.path.basename(path)}' AS file, * EXCLUDE ({key}) FROM read_parquet('{path}')")
        held = []
        if tables:
            con.execute(f"CREATE TABLE parts_{name} AS " + " UNION ALL BY NAME ".join(tables))
            held = [row[0] for row in con.execute(f"DESCRIBE parts_{name}").fetchall() if "__" in row[0]]
            best = ", ".join(f"arg_max({c}, row(made, file)) FILTER (WHERE {c} IS NOT NULL) AS {c}" for c in held)
            con.execute(f"CREATE TABLE m_{name} AS SELECT k, {best} FROM parts_{name} WHERE k IS NOT NULL GROUP BY k")
            column = "id" if key == "id" else "sequence"
            joins.append(f"LEFT JOIN m_{name} ON m_{name}.k = {norm(key, 'base.' + column)}")
        for c in ns["columns"]:
            values = ([f"m_{name}.{c}"] if c in held else []) + ([f"base.{c}"] if c in stored else [])
            if not values: continue
            value = f"coalesce({', '.join(values)})"
            select.append((f"epoch_us({value})" if c in ask["times"] else value) + f" AS {c}")
    cursor = con.execute("SELECT " + ", ".join(select) + " FROM base " + " ".join(joins) + " ORDER BY rowno")
    names = [d[0] for d in cursor.description]
    rows = cursor.fetchall()
    codecs = con.execute(f"SELECT DISTINCT compression FROM parquet_metadata('{folder}/records.parquet') WHERE path_in_schema IN ({str(ask['base'])[1:-1]})").fetchall()
    repetition = con.execute(f"SELECT DISTINCT repetition_type FROM parquet_schema('{folder}/records.parquet') WHERE name IN ({str(ask['base'])[1:-1]})").fetchall()
    return {"names": names, "rows": [[out(v) for v in row] for row in rows], "codecs": [c for (c,) in codecs], "repetition": [r for (r,) in repetition]}
`;

/** A value as `MERGE` says it. Tables of DuckDB keep no sign of zero; the comparison with pyarrow does. */
export const sqlText = (value: Value, type: DataType): unknown => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return String(type.kind === "timestamp" && type.unit === "ms" ? value * 1000n : value);
  if (typeof value === "number") return type.kind.startsWith("float") ? value + 0 : String(value);
  if (isList(value)) return type.kind === "list" ? value.map((item) => sqlText(item, type.item)) : undefined;
  return type.kind === "struct" ? type.fields.map((field) => sqlText(value[field.name]!, field.type)) : undefined;
};

/** Floats come as Python spells them. */
export const fromSql = (value: unknown, type: DataType): unknown => {
  if (value === null || typeof value === "boolean") return value;
  if (type.kind.startsWith("float")) return Number(value) + 0;
  if (type.kind === "list" && Array.isArray(value)) return value.map((item: unknown) => fromSql(item, type.item));
  if (type.kind === "struct" && Array.isArray(value))
    return type.fields.map((field, i) => fromSql(value[i], field.type));
  return value;
};

export const YAML = `
import yaml
def main(text): return yaml.safe_dump(yaml.safe_load(text), sort_keys=True)
`;
