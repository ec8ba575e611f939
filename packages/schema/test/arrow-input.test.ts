/// <reference types="node" />
import { readFileSync } from "node:fs";
import { type Batch, type Field, parseType, type Schema, SchemaError } from "@usr/schema";
import { readArrow, toArrow, writeArrow } from "@usr/schema/arrow";
import { columnOf, valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import * as arrow from "apache-arrow";
import { describe, expect, it } from "vitest";
import { verifiedInput } from "../src/arrow/messages.ts";

const SCHEMA: Schema = {
  fields: [
    ["n", "int64"],
    ["t", "string"],
    ["l", "list<int8>"],
  ].map(([name, type]): Field => ({ name: name!, type: parseType(type!), nullable: true })),
  metadata: new Map([["k", "v"]]),
};
const batchOf = (from: number, numRows: number): Batch => {
  const rows = Array.from({ length: numRows }, (_, i) => from + i);
  return {
    schema: SCHEMA,
    columns: [
      columnOf(
        SCHEMA.fields[0]!.type,
        rows.map((n) => (n % 3 === 0 ? null : BigInt(n))),
      ),
      columnOf(
        SCHEMA.fields[1]!.type,
        rows.map((n) => "é".repeat(n % 5)),
      ),
      columnOf(
        SCHEMA.fields[2]!.type,
        rows.map((n) => new Array<number>(n % 4).fill(n)),
      ),
    ],
    numRows,
  };
};
const BATCHES = [batchOf(0, 7), batchOf(7, 0), batchOf(7, 30)];
const rowsOf = (batches: readonly Batch[]): readonly unknown[] =>
  batches.flatMap(({ columns, numRows }) =>
    Array.from({ length: numRows }, (_, row) => columns.map((column) => valueAt(column, row))),
  );
const ROWS = rowsOf(BATCHES);

async function join(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<readonly Batch[]> {
  const found: Batch[] = [];
  for await (const batch of (await readArrow(source)).batches()) found.push(batch);
  return found;
}

const refused = async (source: AsyncIterable<Uint8Array>): Promise<readonly unknown[]> => {
  const error: unknown = await readAll(source).catch((error: unknown) => error);
  return error instanceof SchemaError ? [error.code, error.details["why"]] : [error];
};

const FILE = await join(writeArrow(SCHEMA, BATCHES, { form: "file" }));
const STREAM = await join(writeArrow(SCHEMA, BATCHES, { form: "stream" }));
const records = BATCHES.map(toArrow);
const LEGACY = new arrow.RecordBatchStreamWriter({ writeLegacyIpcFormat: true }).writeAll(records).toUint8Array(true);
const THEIR_FILE = arrow.RecordBatchFileWriter.writeAll(records).toUint8Array(true);
const FORMS = [
  ["a file", FILE],
  ["a stream", STREAM],
  ["a stream of before 2019", LEGACY],
  ["a file of apache-arrow", THEIR_FILE],
] as const;

describe.each(FORMS)("%s", (name, bytes) => {
  it.each([1, 2, 3, 5, 7, 8, 9, 10, 11, 16, 64, 333, 100_000])("is read in chunks of %d bytes", async (size) => {
    const batches = await readAll(inChunks(bytes, size));
    expect(batches.map((batch) => batch.numRows)).toEqual([7, 30]);
    expect(rowsOf(batches)).toEqual(ROWS);
    expect(batches.map((batch) => [...batch.schema.metadata])).toEqual([[["k", "v"]], [["k", "v"]]]);
  });

  it("is read out of a larger buffer, at any place", async () => {
    for (let at = 0; at < 9; at++) {
      const around = new Uint8Array(bytes.length + 16).fill(0xff);
      around.set(bytes, at);
      expect(rowsOf(await readAll(inChunks(around.subarray(at, at + bytes.length), bytes.length)))).toEqual(ROWS);
    }
  });

  it("comes as pieces at multiples of 8, views of the source where it has them there", async () => {
    for (const size of [5, 24, 64, bytes.length]) {
      const input = await verifiedInput(inChunks(bytes, size));
      if (input instanceof Uint8Array) expect(Buffer.compare(input, bytes)).toBe(0);
      else {
        let views = 0;
        for await (const piece of input) {
          expect(piece.byteOffset % 8).toBe(0);
          views += Number(piece.buffer === bytes.buffer);
        }
        if (size === bytes.length) expect(views).toBeGreaterThan(0);
      }
    }
  });

  it("gives no row more where it is cut, and all before", async () => {
    const step = Math.ceil(bytes.length / testRuns(bytes.length / 7));
    for (let size = 0; size < bytes.length; size += step) {
      const found = await readAll(inChunks(bytes.subarray(0, size), 100)).catch((error: unknown) => {
        expect(error).toMatchObject({ name: "SchemaError", code: "CORRUPT" });
        return [];
      });
      expect(ROWS.slice(0, rowsOf(found).length)).toEqual(rowsOf(found));
      if (name.includes("file")) expect(found).toEqual([]);
    }
  });
});

describe("bytes that are no Arrow IPC", () => {
  const of = (...parts: readonly (string | Uint8Array)[]): AsyncIterable<Uint8Array> =>
    inChunks(new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part)))), 3);
  const END = new Uint8Array(Int32Array.of(-1, 0).buffer);

  it("hold nothing, or an end at once", async () => {
    for (const parts of [[], [END], [new Uint8Array(4)]])
      expect(await refused(of(...parts))).toEqual(["CORRUPT", undefined]);
  });
  it("start as a file and are none", async () => {
    expect(await refused(of("ARROW2\0\0", FILE.subarray(8)))).toEqual([
      "CORRUPT",
      "it starts neither as a file nor as a stream",
    ]);
    expect(await refused(of("ARROW1\0\x01", FILE.subarray(8)))).toEqual([
      "CORRUPT",
      "it starts neither as a file nor as a stream",
    ]);
    expect(await refused(of("ARR"))).toEqual(["CORRUPT", "it ends within a message"]);
    expect(await refused(of("ARROW1"))).toEqual(["CORRUPT", "it ends within a message"]);
    expect(await refused(of("ARROW1\0\0"))).toEqual(["CORRUPT", "it ends within a message"]);
    expect(await refused(of("ARROW1\0\0", END))).toEqual(["CORRUPT", "the file has no footer: it is cut short"]);
    expect(await refused(of("ARROW1\0\0abcd"))).toEqual(["CORRUPT", "the file has no footer: it is cut short"]);
  });
  it("are a file whose end says something else", async () => {
    const at = FILE.length - 10;
    for (const change of [1, -1]) {
      const wrong = FILE.slice();
      new DataView(wrong.buffer).setInt32(at, new DataView(wrong.buffer).getInt32(at, true) + change, true);
      expect(await refused(of(wrong))).toEqual(["CORRUPT", "the file has no footer: it is cut short"]);
    }
    const named = FILE.slice();
    named[FILE.length - 1] = 0x32;
    expect(await refused(of(named))).toEqual(["CORRUPT", "the file has no footer: it is cut short"]);
    // Without the end mark a file is cut short, where a stream is not.
    const footer = new DataView(FILE.buffer).getInt32(at, true);
    expect(await refused(of(FILE.subarray(0, at - footer - 8)))).toEqual([
      "CORRUPT",
      "the file has no end mark: it is cut short",
    ]);
    expect(rowsOf(await readAll(of(STREAM.subarray(0, -8))))).toEqual(ROWS);
  });
  it("say so of themselves where apache-arrow says it otherwise", async () => {
    const names = SCHEMA.fields.map((field) => field.name);
    const reader = await readArrow(of(FILE));
    expect(reader.fields.map(({ name, nullable, metadata }) => [name, nullable, metadata.size])).toEqual(
      names.map((name) => [name, true, 0]),
    );
    const first = reader
      .batches({ columns: ["t", "none"] })
      [Symbol.asyncIterator]()
      .next();
    await expect(first).rejects.toMatchObject({
      code: "TYPE_MISMATCH",
      details: { column: "none", columns: names },
    });
  });
});

describe("the source", () => {
  const watched = (bytes: Uint8Array, failure?: Error) => {
    const calls = { next: 0, return: 0 };
    const chunks = inChunks(bytes, 64);
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          calls.next += 1;
          if (failure !== undefined && calls.next > 10) throw failure;
          return await chunks.next();
        },
        return: async () => {
          calls.return += 1;
          return { done: true, value: undefined };
        },
      }),
    };
    return { calls, source };
  };

  it("is let go when it is read, refused, left or fails", async () => {
    const whole = watched(FILE);
    await readAll(whole.source);
    expect(whole.calls.return).toBe(1);
    const wrong = watched(new Uint8Array(100));
    await expect(readArrow(wrong.source)).rejects.toMatchObject({ code: "CORRUPT" });
    expect(wrong.calls.return).toBe(1);
    const left = watched(STREAM);
    for await (const batch of (await readArrow(left.source)).batches()) {
      expect(batch.numRows).toBe(7);
      break;
    }
    expect(left.calls.return).toBe(1);
    expect(left.calls.next).toBeLessThan(STREAM.length / 64);
    const failure = new TypeError("gone");
    const failing = watched(STREAM, failure);
    await expect(readAll(failing.source)).rejects.toBe(failure);
    expect(failing.calls.return).toBe(1);
  });

  it("need not be one that can be let go", async () => {
    const chunks = inChunks(STREAM, 64);
    const source = { [Symbol.asyncIterator]: () => ({ next: async () => await chunks.next() }) };
    expect(rowsOf(await readAll(source))).toEqual(ROWS);
  });

  it("is not read after the signal", async () => {
    const reason = new Error("enough");
    const control = new AbortController();
    const { calls, source } = watched(STREAM);
    const reader = await readArrow(source, { signal: control.signal });
    control.abort(reason);
    const reading = (async () => {
      for await (const batch of reader.batches()) expect(batch.numRows).toBeGreaterThan(0);
    })();
    const before = calls.next;
    await expect(reading).rejects.toBe(reason);
    expect(calls).toEqual({ next: before, return: 1 });
    const writing = writeArrow(SCHEMA, BATCHES, { form: "stream", signal: control.signal });
    await expect(join(writing)).rejects.toBe(reason);
  });
});

describe("what is written", () => {
  it.each<[string, readonly Field[]]>([
    ["another name", [{ ...SCHEMA.fields[0]!, name: "m" }, ...SCHEMA.fields.slice(1)]],
    ["another type", [{ ...SCHEMA.fields[0]!, type: { kind: "int32" } }, ...SCHEMA.fields.slice(1)]],
    ["a field less", SCHEMA.fields.slice(1)],
    ["a field more", [...SCHEMA.fields, { name: "more", type: { kind: "bool" }, nullable: true }]],
    ["another order", SCHEMA.fields.toReversed()],
  ])("has the fields announced, not %s", async (_, fields) => {
    for (const form of ["file", "stream"] as const) {
      const other = writeArrow({ ...SCHEMA, fields }, BATCHES, { form });
      await expect(join(other)).rejects.toMatchObject({ code: "TYPE_MISMATCH" });
    }
  });
  it("is named where it is other than announced", async () => {
    const other = writeArrow({ ...SCHEMA, fields: SCHEMA.fields.slice(1) }, BATCHES, { form: "stream" });
    await expect(join(other)).rejects.toThrow(
      "A batch of (n: int64, t: string, l: list<int8>) cannot be written under (t: string, l: list<int8>).",
    );
  });
  it("may say otherwise whether a field can be missing, and what belongs to it", async () => {
    const fields = SCHEMA.fields.map((field) => ({ ...field, nullable: false }));
    const bytes = await join(writeArrow({ fields, metadata: new Map() }, BATCHES, { form: "file" }));
    const reader = await readArrow(inChunks(bytes, 1000));
    expect(reader.fields.map((field) => field.nullable)).toEqual([false, false, false]);
    expect(reader.metadata.size).toBe(0);
  });
});

describe("compressed bodies", () => {
  it("that cannot be unpacked are refused, with what the codec says", async () => {
    const good = readFileSync(new URL("./fixtures/arrow/view-zstd-stream.arrow", import.meta.url));
    const bytes = new Uint8Array(good);
    bytes.fill(0, good.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])) + 4);
    const error: unknown = await readAll(inChunks(bytes, 100_000)).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: "SchemaError", code: "CORRUPT" });
    expect(error instanceof SchemaError && error.cause instanceof Error).toBe(true);
  });
  const { compressionRegistry, CompressionType } = arrow;
  it("are unpacked by what the application has taught apache-arrow, else by us", async () => {
    await readAll(inChunks(STREAM, 1000));
    for (const type of [CompressionType.LZ4_FRAME, CompressionType.ZSTD]) {
      const ours = compressionRegistry.get(type);
      expect(ours?.decode).toBeTypeOf("function");
      const mine = { decode: (bytes: Uint8Array): Uint8Array => bytes };
      compressionRegistry.set(type, mine);
      await readAll(inChunks(STREAM, 1000));
      expect(compressionRegistry.get(type)).toBe(mine);
      compressionRegistry.set(type, ours!);
    }
  });
});
