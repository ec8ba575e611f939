/// <reference types="node" />
import { type Batch, type DataType, type Field, parseType, type Schema } from "@usr/schema";
import { fromArrow, readArrow, toArrow, writeArrow } from "@usr/schema/arrow";
import { columnOf, sliceColumn, valueAt } from "@usr/schema/columns";
import { encodeArrowSchema } from "@usr/schema/ipc";
import { anyType, anyValue, testRuns } from "@usr/testkit";
import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifyFile } from "../src/arrow/verify.ts";
import { shown } from "./shown.ts";

const valuesOf = (batch: Batch): unknown[] =>
  batch.columns.map((column) => Array.from({ length: batch.numRows }, (_, row) => shown(valueAt(column, row))));

/** Batches of one schema; some are cut out of longer ones, so that offsets and bitmaps start anywhere. */
const anyBatches: fc.Arbitrary<readonly Batch[]> = fc
  .array(anyType(), { minLength: 1, maxLength: 3 })
  .chain((types) => {
    const fields = types.map((type, i): Field => ({ name: `f${i}`, type, nullable: true }));
    const schema = { fields, metadata: new Map([["usr:k", "é"]]) };
    const batch = fc.nat(20).chain((length) =>
      fc
        .tuple(
          fc.nat(length),
          fc.tuple(...types.map((type) => fc.array(anyValue(type), { minLength: length, maxLength: length }))),
        )
        .map(([from, columns]): Batch => {
          const whole = columns.map((rows, i) => columnOf(types[i]!, rows));
          return { schema, numRows: length - from, columns: whole.map((column) => sliceColumn(column, from, length)) };
        }),
    );
    return fc.array(batch, { maxLength: 3 });
  });

/** The bytes again, in chunks of other sizes. */
async function* rechunk(bytes: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for await (const chunk of bytes) {
    const joined = new Uint8Array(rest.length + chunk.length);
    joined.set(rest);
    joined.set(chunk, rest.length);
    rest = joined;
    for (; rest.length >= size; rest = rest.slice(size)) {
      yield rest.slice(0, size);
    }
  }
  if (rest.length > 0) {
    yield rest;
  }
}

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
  }
  return size;
}

describe("the bridge to apache-arrow", () => {
  it("carries every batch there and back", () => {
    fc.assert(
      fc.property(anyBatches, (batches) => {
        for (const batch of batches) {
          const record = toArrow(batch);
          expect(record.numRows).toBe(batch.numRows);
          const back = fromArrow(record);
          expect(back.schema.fields).toEqual(batch.schema.fields);
          expect(back.schema.metadata).toEqual(batch.schema.metadata);
          expect(valuesOf(back)).toEqual(valuesOf(batch));
        }
      }),
      { numRuns: testRuns(400) },
    );
  });

  it("reads record batches that apache-arrow has cut", () => {
    fc.assert(
      fc.property(anyBatches, fc.nat(20), fc.nat(20), (batches, a, b) => {
        for (const batch of batches) {
          const start = Math.min(a, b, batch.numRows);
          const end = Math.min(Math.max(a, b), batch.numRows);
          const cut = fromArrow(toArrow(batch).slice(start, end));
          const expected = batch.columns.map((column) => sliceColumn(column, start, end));
          expect(valuesOf(cut)).toEqual(valuesOf({ ...batch, columns: expected, numRows: end - start }));
        }
      }),
      { numRuns: testRuns(400) },
    );
  });

  it("shares memory both ways", () => {
    const type: DataType = { kind: "float64" };
    const column = columnOf(type, [1, 2, 3]);
    const batch = {
      schema: { fields: [{ name: "x", type, nullable: true }], metadata: new Map() },
      columns: [column],
      numRows: 3,
    };
    const values: unknown = toArrow(batch).data.children[0]?.values;
    const [back] = fromArrow(toArrow(batch)).columns;
    expect(column.layout === "fixed" && values === column.values).toBe(true);
    expect(column.layout === "fixed" && back?.layout === "fixed" && back.values.buffer === column.values.buffer).toBe(
      true,
    );
  });

  it("looks dictionaries up, and makes seconds milliseconds", () => {
    const words = arrow.vectorFromArray(
      ["a", null, "b", "a"],
      new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()),
    );
    const table = new arrow.Table({
      words,
      seconds: arrow.makeVector(
        arrow.makeData({ type: new arrow.TimestampSecond(), data: BigInt64Array.of(0n, -1n, 2n, 3n) }),
      ),
    });
    const batch = fromArrow(table.batches[0]!);
    expect(batch.schema.fields.map((field) => field.type)).toEqual([
      { kind: "string" },
      { kind: "timestamp", unit: "ms" },
    ]);
    expect(valuesOf(batch)).toEqual([
      ["a", null, "b", "a"],
      [0n, -1000n, 2000n, 3000n],
    ]);
  });

  it("refuses types that tables do not have", () => {
    const table = new arrow.Table({ day: arrow.vectorFromArray([new Date(0)], new arrow.DateDay()) });
    expect(() => fromArrow(table.batches[0]!)).toThrow(/The column "day" is of the Arrow type Date32/);
  });
});

/** Types whose values and messages are made of every part of the format. */
const EVERY = [
  ...["string", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"],
  ...["float16", "float32", "float64", "timestamp[ms]", "timestamp[us, UTC]", "timestamp[ns, Europe/Berlin]"],
  ...["list<string>", "fixed_size_list<int16>[2]", "fixed_size_list<float32>[1]", "struct<a:int8,b:list<bool>>"],
].map(parseType);

const EVERY_SCHEMA: Schema = {
  fields: EVERY.map((type, i): Field => ({ name: `f${i}`, type, nullable: i % 3 > 0 })),
  metadata: new Map([
    ["usr:k", "é"],
    ["", ""],
  ]),
};
const EVERY_BATCHES = [0, 1, 2].map((seed): Batch => {
  const numRows = [9, 1, 40][seed]!;
  const columns = EVERY.map((type) => {
    const rows = fc.array(anyValue(type), { minLength: numRows, maxLength: numRows });
    return columnOf(type, fc.sample(rows, { numRuns: 1, seed })[0]!);
  });
  return { schema: EVERY_SCHEMA, columns, numRows };
});

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

/** A field and all below it, as a plain object. */
const described = ({ name, nullable, type }: arrow.Field): unknown => ({
  name,
  nullable,
  type: String(type),
  timezone: arrow.DataType.isTimestamp(type) ? (type.timezone ?? undefined) : undefined,
  children: (type.children ?? []).map(described),
});
const EVERY_FIELD = toArrow(EVERY_BATCHES[0]!).schema.fields.map(described);

describe("apache-arrow", () => {
  it.each(["file", "stream"] as const)("reads what is written in the %s form", async (form) => {
    const bytes = await bytesOf(writeArrow(EVERY_SCHEMA, EVERY_BATCHES, { form }));
    const reader = arrow.RecordBatchReader.from(bytes).open();
    // Files are read by their footer.
    expect(reader.isFile()).toBe(form === "file");
    expect(reader.schema.fields.map(described)).toEqual(EVERY_FIELD);
    expect([...reader.schema.metadata]).toEqual([...EVERY_SCHEMA.metadata]);
    expect([...reader].map((batch) => valuesOf(fromArrow(batch)))).toEqual(EVERY_BATCHES.map(valuesOf));
    if (form === "file") {
      expect(reader.isFile() && reader.numRecordBatches).toBe(3);
      expect(verifyFile(bytes)).toBeUndefined();
    }
  });

  it.each(["file", "stream"] as const)("reads a schema without batches in the %s form", async (form) => {
    const bytes = await bytesOf(writeArrow(EVERY_SCHEMA, [], { form }));
    expect(arrow.tableFromIPC(bytes).schema.fields.map(described)).toEqual(EVERY_FIELD);
    if (form === "file") expect(verifyFile(bytes)).toBeUndefined();
  });

  it("reads the schema that Parquet files carry", () => {
    for (const [schema, fields] of [
      [EVERY_SCHEMA, EVERY_FIELD],
      [{ fields: [], metadata: new Map<string, string>() }, []],
    ] as const) {
      const message = Buffer.from(encodeArrowSchema(schema), "base64");
      expect(message.length % 8).toBe(0);
      const found = arrow.tableFromIPC(Buffer.concat([message, new Uint8Array(8).fill(255, 0, 4)])).schema;
      expect(found.fields.map(described)).toEqual(fields);
      expect([...found.metadata]).toEqual([...schema.metadata]);
    }
  });
});

describe("Arrow IPC", () => {
  it.each(["file", "stream"] as const)("writes and reads the %s form", async (form) => {
    await fc.assert(
      fc.asyncProperty(anyBatches, fc.integer({ min: 1, max: 2000 }), async (batches, chunk) => {
        const schema = batches[0]?.schema ?? { fields: [], metadata: new Map() };
        const reader = await readArrow(rechunk(writeArrow(schema, batches, { form }), chunk));
        expect(reader.fields.map(({ name, type, nullable }) => ({ name, type, nullable }))).toEqual(schema.fields);
        expect(reader.metadata).toEqual(schema.metadata);
        const found: unknown[] = [];
        for await (const batch of reader.batches()) {
          found.push(valuesOf(batch));
        }
        expect(found).toEqual(batches.filter((batch) => batch.numRows > 0).map(valuesOf));
      }),
      { numRuns: testRuns(150) },
    );
  });

  it("reads files that apache-arrow has written, which lack the schema message", async () => {
    await fc.assert(
      fc.asyncProperty(anyBatches, fc.integer({ min: 1, max: 2000 }), async (batches, chunk) => {
        fc.pre(batches.length > 0);
        const writer = arrow.RecordBatchFileWriter.writeAll(batches.map(toArrow));
        const bytes = writer.toUint8Array(true);
        const source = async function* (): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < bytes.length; at += chunk) {
            yield bytes.slice(at, at + chunk);
          }
        };
        const reader = await readArrow(source());
        const found: unknown[] = [];
        for await (const batch of reader.batches()) {
          found.push(valuesOf(batch));
        }
        expect(reader.fields.map((field) => field.type)).toEqual(batches[0]!.schema.fields.map((field) => field.type));
        expect(found).toEqual(batches.filter((batch) => batch.numRows > 0).map(valuesOf));
      }),
      { numRuns: testRuns(100) },
    );
  });

  const numbers = (...rows: readonly bigint[]): Batch => ({
    schema: {
      fields: ["a", "b"].map((name): Field => ({ name, type: { kind: "int64" }, nullable: true })),
      metadata: new Map(),
    },
    columns: [
      columnOf({ kind: "int64" }, rows),
      columnOf(
        { kind: "int64" },
        rows.map((row) => -row),
      ),
    ],
    numRows: rows.length,
  });

  it("gives the columns asked for, in the order asked", async () => {
    const batch = numbers(1n, 2n);
    const reader = await readArrow(writeArrow(batch.schema, [batch], { form: "stream" }));
    for await (const { schema, columns } of reader.batches({ columns: ["b"] })) {
      expect(schema.fields.map((field) => field.name)).toEqual(["b"]);
      expect(valueAt(columns[0]!, 1)).toBe(-2n);
    }
    const again = await readArrow(writeArrow(batch.schema, [batch], { form: "file" }));
    await expect(
      again
        .batches({ columns: ["c"] })
        [Symbol.asyncIterator]()
        .next(),
    ).rejects.toMatchObject({ code: "TYPE_MISMATCH" });
  });

  it("pulls batches as bytes are pulled, and closes the source when the reader leaves", async () => {
    let pulled = 0;
    let closed = false;
    const batches = async function* (): AsyncGenerator<Batch> {
      try {
        for (;;) {
          pulled += 1;
          yield numbers(BigInt(pulled));
        }
      } finally {
        closed = true;
      }
    };
    const reader = await readArrow(writeArrow(numbers().schema, batches(), { form: "stream" }));
    for await (const batch of reader.batches()) {
      if (valueAt(batch.columns[0]!, 0) === 5n) {
        break;
      }
    }
    expect(pulled).toBeLessThan(20);
    expect(closed).toBe(true);
  });

  it("refuses a batch of another schema", async () => {
    const other: Batch = { schema: { fields: [], metadata: new Map() }, columns: [], numRows: 0 };
    const writing = writeArrow(numbers().schema, [other], { form: "stream" });
    await expect(drain(writing)).rejects.toMatchObject({ code: "TYPE_MISMATCH" });
  });

  it("refuses damaged bytes, and never hangs on them", async () => {
    const type: DataType = {
      kind: "struct",
      fields: [
        { name: "s", type: { kind: "string" } },
        { name: "l", type: { kind: "list", item: { kind: "int32" } } },
      ],
    };
    const batch: Batch = {
      schema: { fields: [{ name: "x", type, nullable: true }], metadata: new Map() },
      columns: [columnOf(type, [{ s: "abcdef", l: [1, 2] }, null, { s: "é", l: null }])],
      numRows: 3,
    };
    for (const form of ["file", "stream"] as const) {
      const parts: number[] = [];
      for await (const chunk of writeArrow(batch.schema, [batch, batch], { form })) {
        parts.push(...chunk);
      }
      const good = Uint8Array.from(parts);
      const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 5 });
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(edits, fc.nat(good.length), fc.boolean(), async (edits, size, cut) => {
          const bytes = good.slice(0, cut ? size : good.length);
          for (const [at, byte] of edits) {
            bytes[at] = byte;
          }
          try {
            const reader = await readArrow(
              (async function* () {
                yield bytes;
              })(),
            );
            for await (const read of reader.batches()) {
              valuesOf(read);
            }
          } catch (error) {
            refused += 1;
            expect(error).toMatchObject({ name: "SchemaError" });
          }
        }),
        { numRuns: testRuns(500) },
      );
      expect(refused).toBeGreaterThan(testRuns(500) / 10);
    }
  });

  it("refuses a file that is cut anywhere", async () => {
    const batch = numbers(1n, 2n, 3n);
    const parts: number[] = [];
    for await (const chunk of writeArrow(batch.schema, [batch], { form: "file" })) {
      parts.push(...chunk);
    }
    const step = Math.ceil(parts.length / testRuns(parts.length));
    for (let size = 0; size < parts.length; size += step) {
      const cut = async function* (): AsyncGenerator<Uint8Array> {
        yield Uint8Array.from(parts.slice(0, size));
      };
      const reading = readArrow(cut()).then(async (reader) => {
        for await (const read of reader.batches()) {
          expect(read.numRows).toBe(3);
        }
      });
      await expect(reading).rejects.toMatchObject({ code: "CORRUPT" });
    }
  });

  it("passes errors of the source on as they are", async () => {
    const failure = new Error("the disk is gone");
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(255, 255);
      throw failure;
    };
    await expect(readArrow(source())).rejects.toBe(failure);
    const aborted = AbortSignal.abort(new Error("enough"));
    await expect(readArrow(writeArrow(numbers().schema, [], { form: "stream" }), { signal: aborted })).rejects.toThrow(
      "enough",
    );
  });
});
