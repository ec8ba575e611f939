/// <reference types="node" />
import type { Batch, Field, Value } from "@usr/schema";
import { readArrow, writeArrow } from "@usr/schema/arrow";
import { columnOf, valueAt } from "@usr/schema/columns";
import { anyType, anyValue, countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const PYTHON = `
import base64, io, struct, pyarrow as pa, pyarrow.ipc as ipc

def enc(s):
    if not s.is_valid: return None
    t = s.type
    if pa.types.is_dictionary(t): return enc(s.value if isinstance(s.value, pa.Scalar) else pa.scalar(s.as_py()))
    if pa.types.is_timestamp(t): return {"i": str(s.value)}
    if pa.types.is_struct(t): return {"s": [[t.field(i).name, enc(s[i])] for i in range(t.num_fields)]}
    if pa.types.is_list(t) or pa.types.is_large_list(t) or pa.types.is_fixed_size_list(t): return [enc(x) for x in s.values]
    v = s.as_py()
    if isinstance(v, bool) or isinstance(v, str): return v
    if isinstance(v, int): return {"i": str(v)}
    return {"f": "nan" if v != v else struct.pack(">d", v).hex()}

def large(t):
    if pa.types.is_string(t): return pa.large_string()
    if pa.types.is_list(t): return pa.large_list(large(t.value_type))
    return t

def main(task):
    data = base64.b64decode(task["bytes"])
    reader = ipc.open_file(data) if task["form"] == "file" else ipc.open_stream(data)
    table = pa.Table.from_batches(list(reader) if task["form"] == "stream" else [reader.get_batch(i) for i in range(reader.num_record_batches)], reader.schema)
    table.validate(full=True)
    values = [[enc(x) for x in column] for column in table.columns]
    how = task["how"]
    for i, field in enumerate(table.schema):
        column = table.column(i)
        if how == "large": column = column.cast(large(field.type))
        if how == "view" and pa.types.is_string(field.type): column = column.cast(pa.string_view())
        if how == "dictionary" and pa.types.is_string(field.type): column = column.dictionary_encode()
        if how == "unified" and pa.types.is_string(field.type): column = column.dictionary_encode().unify_dictionaries()
        table = table.set_column(i, pa.field(field.name, column.type), column)
    out = io.BytesIO()
    if how == "polars":
        import polars
        polars.from_arrow(table).write_ipc(out, compression=task["compression"] or "uncompressed")
    else:
        options = ipc.IpcWriteOptions(compression=task["compression"])
        with (ipc.new_file if task["again"] == "file" else ipc.new_stream)(out, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=task["chunk"])
    return {"values": values, "bytes": base64.b64encode(out.getvalue()).decode()}
`;

/** A value as the script above says it. */
function said(value: Value): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") {
    return value;
  }
  if (typeof value === "bigint") {
    return { i: String(value) };
  }
  if (typeof value === "number") {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return { f: Number.isNaN(value) ? "nan" : view.getBigUint64(0).toString(16).padStart(16, "0") };
  }
  return Array.isArray(value)
    ? value.map(said)
    : { s: Object.entries(value).map(([name, inner]) => [name, said(inner)]) };
}

const integers = new Set(["int8", "int16", "int32", "uint8", "uint16", "uint32"]);

/** Python tells small integers from floats; here both are numbers. */
function saidOf(batches: readonly Batch[]): unknown[] {
  const fields = batches[0]!.schema.fields;
  return fields.map((field, i) =>
    batches.flatMap((batch) =>
      Array.from({ length: batch.numRows }, (_, row) => typed(field.type, valueAt(batch.columns[i]!, row))),
    ),
  );
}

function typed(type: Field["type"], value: Value): unknown {
  if (value === null) {
    return null;
  }
  if (integers.has(type.kind)) {
    return { i: String(value) };
  }
  if ((type.kind === "list" || type.kind === "fixed_size_list") && Array.isArray(value)) {
    return value.map((item: Value) => typed(type.item, item));
  }
  if (type.kind === "struct" && typeof value === "object") {
    const entries = new Map(Object.entries(value));
    return { s: type.fields.map((field) => [field.name, typed(field.type, entries.get(field.name) ?? null)]) };
  }
  return said(value);
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    parts.push(chunk.slice());
  }
  return Buffer.concat(parts).toString("base64");
}

async function readAll(base64: string): Promise<Batch[]> {
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(Buffer.from(base64, "base64"));
  };
  const found: Batch[] = [];
  for await (const batch of (await readArrow(source())).batches()) {
    found.push(batch);
  }
  return found;
}

const forms = fc.constantFrom("file" as const, "stream" as const);

describe.skipIf(!process.env["USR_ORACLE_PYTHON"])("Arrow IPC against pyarrow and polars", () => {
  it("is read by pyarrow, and what pyarrow writes is read here", async () => {
    await using python = oracle()!.worker(PYTHON);
    let compared = 0;
    const table = fc.array(anyType({ depth: 2 }), { minLength: 1, maxLength: 3 }).chain((types) => {
      const fields = types.map((type, i): Field => ({ name: `f${i}`, type, nullable: true }));
      const rows = fc
        .integer({ min: 1, max: 30 })
        .chain((length) =>
          fc.tuple(...types.map((type) => fc.array(anyValue(type), { minLength: length, maxLength: length }))),
        );
      return fc.array(rows, { minLength: 1, maxLength: 3 }).map((batches) =>
        batches.map(
          (columns): Batch => ({
            schema: { fields, metadata: new Map([["k", "v"]]) },
            columns: columns.map((values, i) => columnOf(types[i]!, values)),
            numRows: columns[0]!.length,
          }),
        ),
      );
    });
    const variant = fc.record({
      form: forms,
      again: forms,
      how: fc.constantFrom("plain", "large", "view", "dictionary", "unified"),
      compression: fc.constantFrom(null, "lz4", "zstd"),
      chunk: fc.integer({ min: 1, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(table, variant, async (batches, drawn) => {
        // A file cannot replace a dictionary between batches: pyarrow refuses to write one.
        const variant = drawn.how === "dictionary" && drawn.again === "file" ? { ...drawn, how: "unified" } : drawn;
        const bytes = await bytesOf(writeArrow(batches[0]!.schema, batches, { form: variant.form }));
        const answer = await python.ask({ ...variant, bytes });
        const { values, bytes: theirs } = answer as { values: unknown; bytes: string };
        expect(values).toEqual(saidOf(batches));
        const again = await readAll(theirs);
        expect(again[0]!.schema.fields.map((field) => field.type)).toEqual(
          batches[0]!.schema.fields.map((field) => field.type),
        );
        expect(saidOf(again)).toEqual(values);
        compared += 2;
      }),
      { numRuns: testRuns(250) },
    );
    countComparisons("schema: Arrow IPC", compared);
  });

  it("reads what polars writes", async () => {
    await using python = oracle()!.worker(PYTHON);
    const columns = {
      s: columnOf({ kind: "string" }, ["short", "longer than twelve bytes", null, "é".repeat(20)]),
      i: columnOf({ kind: "int64" }, [9007199254740993n, null, -1n, 0n]),
      f: columnOf({ kind: "float64" }, [0.1, Number.NaN, -0, null]),
      b: columnOf({ kind: "bool" }, [true, null, false, true]),
      t: columnOf({ kind: "timestamp", unit: "us", timezone: "UTC" }, [1n, null, -1n, 2n ** 60n]),
      l: columnOf({ kind: "list", item: { kind: "int32" } }, [[1, null], [], null, [3]]),
      v: columnOf({ kind: "fixed_size_list", item: { kind: "float32" }, size: 2 }, [[1, 2], null, [0.5, null], [3, 4]]),
      n: columnOf({ kind: "struct", fields: [{ name: "a", type: { kind: "string" } }] }, [
        { a: "x" },
        { a: null },
        { a: "y" },
        { a: "z" },
      ]),
    };
    const fields = Object.entries(columns).map(
      ([name, column]): Field => ({ name, type: column.type, nullable: true }),
    );
    const batch: Batch = { schema: { fields, metadata: new Map() }, columns: Object.values(columns), numRows: 4 };
    const bytes = await bytesOf(writeArrow(batch.schema, [batch], { form: "file" }));
    for (const compression of [null, "lz4", "zstd"]) {
      const answer = await python.ask({ form: "file", how: "polars", compression, bytes });
      const again = await readAll((answer as { bytes: string }).bytes);
      expect(again[0]!.schema.fields.map((field) => field.type)).toEqual(fields.map((field) => field.type));
      expect(saidOf(again)).toEqual(saidOf([batch]));
    }
    countComparisons("schema: Arrow IPC of polars", 3);
  });
});
