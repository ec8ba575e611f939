"""What pyarrow and DuckDB need for the same work, one process an operation: python bench/field.py OPERATION ARGUMENTS..."""
import hashlib
import sys
from datetime import datetime, timezone


def versions():
    import duckdb
    import pyarrow

    print(f"CPython {sys.version.split()[0]}, pyarrow {pyarrow.__version__}, DuckDB {duckdb.__version__}")


def pyarrow_import(source, out):
    """csv -> ids -> records.parquet of seven columns."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    sequences = pa.csv.read_csv(source, convert_options=pa.csv.ConvertOptions(column_types={"sequence": pa.string()}))[0]
    ids, lengths = [], []
    for sequence in sequences.to_pylist():
        ids.append(hashlib.sha1(b"dna|" + sequence.encode()).hexdigest())
        lengths.append(len(sequence))
    assert len(set(ids)) == len(ids)
    n = len(ids)
    same = lambda text: pa.repeat(pa.scalar(text, pa.string()), n)
    table = pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "bio_type": same("dna"),
            "sequence": sequences,
            "alphabet": same("dna_4"),
            "length": pa.array(lengths, pa.int32()),
            "source": same(source),
            "created_at": pa.repeat(pa.scalar(datetime.now(timezone.utc), pa.timestamp("us", tz="UTC")), n),
        }
    )
    pq.write_table(table, out, compression="zstd", row_group_size=65536)
    print(n)


def duckdb_merge(base, parts, out):
    """The newest value of each row over all parts, beside the base: what materialize and export of the merged view write."""
    import duckdb

    db = duckdb.connect(config={"threads": 2})
    db.execute(
        f"""COPY (SELECT b.*, m.lw__score FROM read_parquet('{base}') b LEFT JOIN (
              SELECT id, arg_max(lw__score, filename) AS lw__score FROM read_parquet('{parts}', filename = true) GROUP BY id
            ) m USING (id)) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"""
    )
    print(db.execute(f"SELECT count(lw__score) FROM read_parquet('{out}')").fetchone()[0])


def pyarrow_write(base, out):
    """The base table from memory to a file: the figure by which machines are compared. Prints the seconds of the write alone."""
    from time import perf_counter

    import pyarrow.parquet as pq

    table = pq.read_table(base)
    best = 1e9
    for _ in range(5):
        started = perf_counter()
        pq.write_table(table, out, compression="zstd", row_group_size=100_000)
        best = min(best, perf_counter() - started)
    print(best)


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
