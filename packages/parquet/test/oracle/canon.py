"""Values of Parquet files as canonical JSON. stdin: a JSON list of jobs; stdout: one JSON line per job.

job {"op": "read", "path"}: {"names", "types", "rows", "columns", "metadata"} or {"error"}
job {"op": "read-each", ...}: the same, column by column; a column that cannot be read is null
job {"op": "duckdb", "path"}: the same, read by DuckDB
job {"op": "equals", "a", "b"}: {"equal": bool, "rows"} by pyarrow's Table.equals
job {"op": "bloom-probe", "path", "column", "values"}: for each value the row groups that DuckDB does not rule out
job {"op": "write", "path", "arrays": [{"name", "type", "values"}], "options", ...}: writes with pyarrow
"""

import json
import math
import struct
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def storage(t):
    """The type with timestamps as their integers."""
    if pa.types.is_timestamp(t):
        return pa.int64()
    if pa.types.is_dictionary(t):
        return storage(t.value_type)
    if pa.types.is_fixed_size_list(t):
        return pa.list_(storage(t.value_type), t.list_size)
    if pa.types.is_large_list(t):
        return pa.large_list(storage(t.value_type))
    if pa.types.is_list(t):
        return pa.list_(storage(t.value_type))
    if pa.types.is_struct(t):
        return pa.struct([pa.field(f.name, storage(f.type)) for f in t])
    return t


def name_of(t):
    if pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return "string"
    if pa.types.is_dictionary(t):
        return name_of(t.value_type)
    if pa.types.is_timestamp(t):
        return f"timestamp[{t.unit}" + (f", {t.tz}]" if t.tz else "]")
    if pa.types.is_fixed_size_list(t):
        return f"fixed_size_list<{name_of(t.value_type)}>[{t.list_size}]"
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return f"list<{name_of(t.value_type)}>"
    if pa.types.is_struct(t):
        return "struct<" + ",".join(f"{f.name}:{name_of(f.type)}" for f in t) + ">"
    return {"halffloat": "float16", "string_view": "string", "float": "float32", "double": "float64"}.get(str(t), str(t))


def canon(v, t):
    if v is None:
        return None
    if pa.types.is_floating(t):
        return "f:nan" if math.isnan(v) else "f:" + struct.pack("<d", v).hex()
    if pa.types.is_boolean(t):
        return bool(v)
    if pa.types.is_integer(t):
        return f"i:{v}"
    if pa.types.is_struct(t):
        return {f.name: canon(v[f.name], f.type) for f in t}
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t):
        return [canon(x, t.value_type) for x in v]
    if pa.types.is_null(t):
        return None
    return f"s:{v}"


def column(arr):
    t = storage(arr.type)
    if isinstance(arr, pa.ChunkedArray):
        out = []
        for c in arr.chunks:
            out.extend(column(c))
        return out
    if t != arr.type:
        arr = arr.cast(t)
    return [canon(v, t) for v in arr.to_pylist()]


def table_of(table):
    md = table.schema.metadata or {}
    return {
        "names": table.column_names,
        "types": [name_of(f.type) for f in table.schema],
        "rows": table.num_rows,
        "columns": [column(c) for c in table.columns],
        "metadata": {k.decode(): v.decode() for k, v in md.items()},
    }


def read_each(path):
    f = pq.ParquetFile(path)
    names, types, cols = [], [], []
    for i, field in enumerate(f.schema_arrow):
        names.append(field.name)
        types.append(name_of(field.type))
        try:
            cols.append(column(f.read(columns=[field.name]).column(0)))
        except Exception:
            cols.append(None)
    md = f.schema_arrow.metadata or {}
    return {"names": names, "types": types, "rows": f.metadata.num_rows, "columns": cols, "metadata": {k.decode(): v.decode() for k, v in md.items()}}


def parse(t):
    def split(s):
        out, depth, cur = [], 0, ""
        for ch in s:
            if ch == "," and depth == 0:
                out.append(cur)
                cur = ""
                continue
            depth += ch in "<["
            depth -= ch in ">]"
            cur += ch
        return out + [cur]

    if t.startswith("list<"):
        return pa.list_(parse(t[5:-1]))
    if t.startswith("fixed_size_list<"):
        head, size = t[16:-1].rsplit(">[", 1)
        return pa.list_(parse(head), int(size))
    if t.startswith("struct<"):
        return pa.struct([(p.split(":", 1)[0], parse(p.split(":", 1)[1])) for p in split(t[7:-1])])
    if t.startswith("timestamp["):
        parts = [p.strip() for p in t[10:-1].split(",")]
        return pa.timestamp(parts[0], tz=parts[1] if len(parts) > 1 else None)
    return {"bool": pa.bool_(), "string": pa.string()}.get(t) or getattr(pa, t)()


def uncanon(v):
    if isinstance(v, str):
        if v.startswith("i:"):
            return int(v[2:])
        if v == "f:nan":
            return float("nan")
        if v.startswith("f:"):
            return struct.unpack("<d", bytes.fromhex(v[2:]))[0]
        return v[2:]
    if isinstance(v, list):
        return [uncanon(x) for x in v]
    if isinstance(v, dict):
        return {k: uncanon(x) for k, x in v.items()}
    return v


def array_of(values, t):
    a = pa.array([uncanon(v) for v in values], storage(t))
    return a if a.type == t else a.cast(t)


def bound(statistics, which):
    try:
        return str(getattr(statistics, which + "_raw")) if statistics.has_min_max else None
    except Exception as e:  # halves have no raw form
        return type(e).__name__


def write(job):
    arrays, fields = [], []
    for spec in job["arrays"]:
        t = parse(spec["type"])
        arrays.append(array_of(spec["values"], t))
        fields.append(pa.field(spec["name"], t, nullable=spec.get("nullable", True)))
    md = {k: v for k, v in (job.get("metadata") or {}).items()}
    pq.write_table(pa.table(arrays, pa.schema(fields, metadata=md or None)), job["path"], **job.get("options", {}))
    return {"ok": True}


def run(job):
    op = job["op"]
    if op == "read":
        return table_of(pq.read_table(job["path"], partitioning=None, page_checksum_verification=True))
    if op == "read-each":
        return read_each(job["path"])
    if op == "duckdb":
        import duckdb

        con = duckdb.connect()
        con.execute("set timezone='UTC'")
        return table_of(con.execute(f"select {', '.join(job['columns']) or '1'} from read_parquet('{job['path']}')").arrow().read_all())
    if op == "equals":
        a = pq.read_table(job["a"], partitioning=None)
        b = pq.read_table(job["b"], partitioning=None)
        return {"equal": a.equals(b), "rows": a.num_rows}
    if op == "write":
        return write(job)
    if op == "write-odd":
        import datetime
        import decimal

        day = datetime.date(2026, 1, 2)
        t = pa.table(
            {
                "id": pa.array(["a", None, "c"]),
                "large": pa.array(["x", "y", None], pa.large_string()),
                "view": pa.array(["x", "y", None], pa.string_view()),
                "dict": pa.array(["x", "y", "x"]).dictionary_encode(),
                "nothing": pa.nulls(3),
                "longs": pa.array([[1], None, []], pa.large_list(pa.int64())),
                "seconds": pa.array([1, None, -1], pa.timestamp("s", "Asia/Tokyo")),
                "date": pa.array([day, None, day]),
                "time": pa.array([1, 2, 3], pa.time64("us")),
                "decimal": pa.array([decimal.Decimal("1.5"), None, None]),
                "binary": pa.array([b"\xff", None, b""]),
                "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
                "duration": pa.array([1, 2, 3], pa.duration("us")),
                "deep": pa.array([{"d": [day]}, None, None]),
                "n": pa.array([1, 2, 3], pa.uint16()),
            },
            metadata={"usr:x": "y"},
        )
        pq.write_table(t, job["path"], store_schema=job["store_schema"])
        return {"ok": True}
    if op == "write-int96":
        t = pa.table({"n": [1, 2], "t": pa.array([1, 2], pa.timestamp("us"))})
        pq.write_table(t, job["path"], use_deprecated_int96_timestamps=True)
        return {"ok": True}
    if op == "duckdb-copy":
        import duckdb

        duckdb.connect().execute(f"copy (select * from read_parquet('{job['from']}')) to '{job['path']}' (format parquet, {job['options']})")
        return {"ok": True}
    if op == "bloom-probe":
        import duckdb

        con = duckdb.connect()
        probe = "select row_group_id from parquet_bloom_probe(?, ?, ?) where not bloom_filter_excludes order by 1"
        return [[g for (g,) in con.execute(probe, [job["path"], job["column"], v]).fetchall()] for v in job["values"]]
    if op == "footer":
        m = pq.read_metadata(job["path"])
        return {
            "rows": m.num_rows,
            "created_by": m.created_by,
            "groups": [
                [
                    {
                        "path": g.column(i).path_in_schema,
                        "codec": g.column(i).compression,
                        "encodings": sorted(g.column(i).encodings),
                        "stats": None
                        if g.column(i).statistics is None
                        else {
                            "nulls": g.column(i).statistics.null_count,
                            "min": bound(g.column(i).statistics, "min"),
                            "max": bound(g.column(i).statistics, "max"),
                        },
                    }
                    for i in range(m.num_columns)
                ]
                for g in (m.row_group(k) for k in range(m.num_row_groups))
            ],
        }
    raise ValueError(op)


for job in json.load(sys.stdin):
    try:
        result = run(job)
    except Exception as e:  # the caller compares failures too
        result = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(result), flush=True)
