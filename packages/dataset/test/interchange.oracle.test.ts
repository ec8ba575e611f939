/// <reference types="node" />
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskStorage } from "@usr/storage/node";
import { countComparisons, oracle } from "@usr/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { DATASETS, prepared, VERBS } from "./verbs.ts";
import { importCsv, rowsOf, writableRoot } from "./write-support.ts";

// What each verb leaves on a disk, read by others: pyarrow and DuckDB see the types and metadata that the format promises, each the same
// values, and the join that the Python program makes of base, overlays and tombstones gives the rows that a scan gives.

const JUDGE = `
import glob, hashlib, json, math, os, re, duckdb, yaml, pyarrow as pa, pyarrow.parquet as pq
con = duckdb.connect()
con.execute("SET TimeZone = 'UTC'")
STAMP = re.compile(r"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z$")
TIME = pa.timestamp("us", tz="UTC")
BASE = [("id", pa.string()), ("bio_type", pa.string()), ("sequence", pa.string()), ("alphabet", pa.string()), ("length", pa.int32()), ("source", pa.string()), ("created_at", TIME)]
TOMBSTONES = [("id", pa.string()), ("usr__deleted", pa.bool_()), ("usr__deleted_at", TIME), ("usr__deleted_reason", pa.string())]
STATE = {"usr_state__masked": pa.bool_(), "usr_state__qc_status": pa.string(), "usr_state__split": pa.string(), "usr_state__supersedes": pa.string(), "usr_state__lineage": pa.list_(pa.string())}
SPELLED = {"string": pa.string(), "bool": pa.bool_(), "float64": pa.float64(), "int64": pa.int64(), "int8": pa.int8(), "list<float64>": pa.list_(pa.float64()), "list<string>": pa.list_(pa.string())}
SQL = {pa.string(): "VARCHAR", pa.bool_(): "BOOLEAN", pa.float64(): "DOUBLE", pa.int64(): "BIGINT", pa.int32(): "INTEGER", pa.int8(): "TINYINT", TIME: "TIMESTAMP WITH TIME ZONE", pa.list_(pa.float64()): "DOUBLE[]", pa.list_(pa.string()): "VARCHAR[]"}
ENVELOPE = ["event_version", "timestamp_utc", "action", "dataset", "args", "metrics", "artifacts", "maintenance", "fingerprint", "registry_hash", "actor", "version", "event_id"]

def same(what, ours, theirs):
    if ours != theirs: raise AssertionError(f"{what}: {ours!r} is not {theirs!r}")

def plain(t):
    return pa.list_(plain(t.value_type)) if pa.types.is_list(t) else t

def epoch(v):
    return int(v.timestamp()) * 1000000 + v.microsecond if hasattr(v, "timestamp") else v

def table(path, seen):
    """Names, types, metadata and values, as pyarrow and DuckDB agree on them."""
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    metadata = {k.decode(): v.decode() for k, v in (schema.metadata or {}).items()}
    raw = {k.decode(): v.decode() for k, v in (file.metadata.metadata or {}).items() if k != b"ARROW:schema"}
    same(f"{path} metadata beside ARROW:schema", metadata, raw)
    kv = {bytes(k).decode(): bytes(v).decode() for k, v in con.execute("SELECT key, value FROM parquet_kv_metadata(?)", [path]).fetchall()}
    kv.pop("ARROW:schema", None)
    same(f"{path} metadata as DuckDB sees it", metadata, kv)
    fields = [(f.name, plain(f.type)) for f in schema]
    same(f"{path} nullable", {f.nullable for f in schema}, {True})
    described = [(r[0], r[1]) for r in con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()]
    same(f"{path} types as DuckDB sees them", described, [(n, SQL[t]) for n, t in fields])
    if file.metadata.num_rows:
        chunks = [file.metadata.row_group(g).column(c) for g in range(file.num_row_groups) for c in range(file.metadata.num_columns)]
        # Floats that do not compress are stored as they are.
        codecs = {c.compression for c in chunks if c.physical_type not in ("FLOAT", "DOUBLE")}
        same(f"{path} codec", codecs, {"ZSTD"})
    columns = ", ".join(f'epoch_us("{n}") AS "{n}"' if t == TIME else f'"{n}"' for n, t in fields)
    theirs = [list(r) for r in con.execute(f"SELECT {columns} FROM read_parquet('{path}', file_row_number = true) ORDER BY file_row_number").fetchall()]
    rows = [[epoch(v) for v in row.values()] for row in file.read().to_pylist()]
    same(f"{path} values", rows, theirs)
    seen["files"] += 1
    seen["values"] += sum(len(r) for r in rows)
    return fields, metadata, rows

def base(path, frozen, seen):
    fields, metadata, rows = table(path, seen)
    same(path, fields[:7], BASE)
    same(f"{path} materialized names", [n for n, _ in fields[7:] if not re.match(r"^[a-z][a-z0-9_]*__.", n)], [])
    same(f"{path} version", metadata["usr:schema_version"], "1")
    same(f"{path} id hash", metadata["usr:id_hash"], "sha1_utf8_pipe")
    if not STAMP.match(metadata["usr:dataset_created_at"]): raise AssertionError(path)
    if metadata["usr:registry_hash"] not in frozen: raise AssertionError(f"{path} names a registry that was not frozen")
    for id, bio, sequence, alphabet, length, *_ in rows:
        same("id", id, hashlib.sha1(f"{bio}|{sequence}".encode()).hexdigest())
        same("length", length, len(sequence.strip()))

def overlay(path, frozen, seen):
    fields, metadata, rows = table(path, seen)
    namespace, key = metadata["usr:overlay_namespace"], metadata["usr:overlay_key"]
    folder = os.path.basename(os.path.dirname(path))
    same(path, namespace, os.path.basename(path)[:-8] if folder == "_derived" else folder)
    if not STAMP.match(metadata["usr:overlay_created_at"]): raise AssertionError(path)
    # A part of another program stays without one when it is given a new footer: two sites that do so get the same bytes.
    if not re.match(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-", metadata.get("usr:event_id", seen["no_event"])): raise AssertionError(path)
    if metadata["usr:registry_hash"] not in frozen: raise AssertionError(f"{path} names a registry that was not frozen")
    for source in json.loads(metadata.get("usr:compacted_from", "[]")): same(path, set(source), {"name", "created_at", "sha256"})
    keys = [row[[n for n, _ in fields].index(key)] for row in rows]
    same(f"{path} keys", len(keys), len(set(keys)))
    if namespace == "usr": return same(path, fields, TOMBSTONES)
    known = {c["name"]: SPELLED[c["type"]] for c in frozen[metadata["usr:registry_hash"]]["namespaces"][namespace]["columns"]}
    if namespace == "usr_state": same(f"{path} registered", known, STATE)
    for name, type in fields: same(f"{path} {name}", type, pa.string() if name == key else known[name])
    entry = {"namespace": namespace, "columns": [{"name": c["name"], "type": c["type"]} for c in frozen[metadata["usr:registry_hash"]]["namespaces"][namespace]["columns"]]}
    same(f"{path} contract", metadata["usr:namespace_contract_hash"], hashlib.sha256(yaml.safe_dump(entry, sort_keys=True).encode()).hexdigest())

def log(path, name, seen):
    actions = []
    for line in open(path, "rb").read().decode("ascii").splitlines():
        event = json.loads(line)
        same(f"{path} spelling", json.dumps(event, separators=(",", ":")), line)
        same(f"{path} envelope", [k for k in event if k != "recovered"], ENVELOPE)
        same(f"{path} version", event["event_version"], 1)
        same(f"{path} dataset", event["dataset"]["name"], name)
        same(f"{path} metrics", [k for k, v in event["metrics"].items() if not isinstance(v, int)], [])
        actions.append(event["action"])
        seen["events"] += 1
    return actions

def text(v):
    if isinstance(v, float): return "NaN" if math.isnan(v) else v
    return v

def joined(folder):
    """Base, overlays and tombstones as the Python program joins them: newest value of each key and column, deleted rows left out."""
    def parts(paths):
        return sorted(((pq.read_schema(p).metadata[b"usr:overlay_created_at"].decode(), os.path.basename(p), p) for p in paths), reverse=True)
    con.execute("CREATE OR REPLACE TABLE base AS SELECT row_number() OVER () AS rowno, * FROM read_parquet(?)", [f"{folder}/records.parquet"])
    stored = [r[0] for r in con.execute("DESCRIBE base").fetchall()][1:]
    select, joins = {n: f'base."{n}"' for n in stored if n != "created_at"}, []
    found = {}
    for path in glob.glob(f"{folder}/_derived/*.parquet"): found.setdefault(os.path.basename(path)[:-8], []).append(path)
    for path in glob.glob(f"{folder}/_derived/*/part-*.parquet"): found.setdefault(os.path.basename(os.path.dirname(path)), []).append(path)
    found.pop("_archived", None)
    for name in sorted(found):
        key = pq.read_schema(found[name][0]).metadata[b"usr:overlay_key"].decode()
        union = " UNION ALL BY NAME ".join(f"SELECT *, {-i} AS made FROM read_parquet('{p}')" for i, (_, _, p) in enumerate(parts(found[name])))
        columns = [r[0] for r in con.execute("DESCRIBE " + union).fetchall() if r[0] not in (key, "made")]
        best = ", ".join(f'arg_max("{c}", made) FILTER (WHERE "{c}" IS NOT NULL) AS "{c}"' for c in columns)
        con.execute(f"CREATE OR REPLACE TABLE m_{name} AS SELECT {key} AS k, {best} FROM ({union}) GROUP BY {key}")
        joins.append(f"LEFT JOIN m_{name} ON m_{name}.k = base.{'id' if key == 'id' else 'sequence'}")
        if name == "usr": continue
        for c in columns: select[c] = f'coalesce(m_{name}."{c}", base."{c}")' if c in stored else f'm_{name}."{c}"'
    where = "WHERE NOT coalesce(m_usr.usr__deleted, false)" if "usr" in found else ""
    cursor = con.execute("SELECT " + ", ".join(f'{e} AS "{n}"' for n, e in select.items()) + " FROM base " + " ".join(joins) + f" {where} ORDER BY rowno")
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, (text(v) for v in row))) for row in cursor.fetchall()]

def main(ask):
    seen = {"files": 0, "values": 0, "events": 0, "actions": {}, "rows": {}, "no_event": "00000000-0000-7000-" if ask["refreshes"] else ""}
    registry = open(f"{ask['root']}/registry.yaml").read()
    same("registry.yaml", yaml.safe_dump(yaml.safe_load(registry), sort_keys=True), registry)
    for name in ask["datasets"]:
        folder = f"{ask['root']}/{name}"
        if not os.path.exists(f"{folder}/records.parquet"): continue
        frozen = {}
        for path in glob.glob(f"{folder}/_registry/registry.*.yaml"):
            content = open(path, "rb").read()
            same(path, os.path.basename(path), f"registry.{hashlib.sha256(content).hexdigest()}.yaml")
            frozen[hashlib.sha256(content).hexdigest()] = yaml.safe_load(content)
        base(f"{folder}/records.parquet", frozen, seen)
        for path in glob.glob(f"{folder}/_snapshots/records-*.parquet"): base(path, frozen, seen)
        for path in glob.glob(f"{folder}/_derived/*.parquet") + glob.glob(f"{folder}/_derived/*/part-*.parquet"): overlay(path, frozen, seen)
        same("meta.md", open(f"{folder}/meta.md").readline(), f"name: {name}\\n")
        seen["actions"][name] = log(f"{folder}/.events.log", name, seen)
        seen["rows"][name] = joined(folder)
    return seen
`;

interface Judged {
  readonly files: number;
  readonly values: number;
  readonly events: number;
  readonly actions: Readonly<Record<string, readonly string[]>>;
  readonly rows: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

const answerOf = <T>(answer: unknown): T => JSON.parse(JSON.stringify(answer));

const python = oracle();
let compared = 0;
afterAll(() => {
  if (python !== undefined) countComparisons("dataset: files of every verb against pyarrow and DuckDB", compared);
});

describe.skipIf(python === undefined)("what others read of each verb", () => {
  const worker = python?.worker(JUDGE);
  afterAll(() => worker?.[Symbol.asyncDispose]());

  test.each(VERBS)("$name", { timeout: 60_000 }, async (verb) => {
    const folder = await mkdtemp(join(tmpdir(), "usr-interchange-"));
    try {
      const disk = diskStorage(folder);
      const origin = await prepared(verb);
      for await (const { path } of origin.list("")) {
        const handle = (await origin.open(path))!;
        await disk.put(path, await handle.read(0, handle.meta.size));
      }
      const root = writableRoot(disk, 7);
      await verb.run(root);
      // One more commit on top: what the verb left can be gone on with.
      await importCsv(root, "demo", "sequence\nGATTACCA\n");
      const judged = answerOf<Judged>(
        await worker!.ask({ root: folder, datasets: DATASETS, refreshes: verb.name.includes("refresh") }),
      );
      for (const [dataset, theirs] of Object.entries(judged.rows)) {
        const ours = await rowsOf(root, dataset);
        expect(theirs).toEqual(ours.map(({ created_at: _, ...row }) => row));
      }
      expect(judged.actions["demo"]?.at(-1)).toBe("import_rows");
      compared += judged.values + judged.events;
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("every verb was judged", () => {
    expect(compared).toBeGreaterThan(VERBS.length * 50);
  });
});
