/// <reference types="node" />
// Megabytes a second of this package: `node --conditions=@usr/source bench/codec.ts [rows]`. One figure per line, best of three runs.
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, Column, Schema } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { type ByteSource, chunkOf, openParquet, type RowGroup, readBatches, writeParquet } from "../src/index.ts";

const rows = Number(process.argv[2] ?? 1_000_000);
const groupRows = 100_000;
const dir = mkdtempSync(join(tmpdir(), "usr-bench-"));

let state = 12345;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state;
}

function texts(count: number, length: () => number, letters: string): Column {
  const offsets = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) offsets[i + 1] = offsets[i]! + length();
  const data = new Uint8Array(offsets[count]!);
  for (let i = 0; i < data.length; i++) data[i] = letters.charCodeAt((random() >>> 16) % letters.length);
  return { layout: "utf8", type: { kind: "string" }, length: count, offsets, data };
}

function constant(count: number, text: string): Column {
  return columnOf(
    { kind: "string" },
    Array.from({ length: count }, () => text),
  );
}

const string = { kind: "string" } as const;
const instant = { kind: "timestamp", unit: "us", timezone: "UTC" } as const;
const base: Schema = {
  fields: [
    { name: "id", type: string, nullable: true },
    { name: "bio_type", type: string, nullable: true },
    { name: "sequence", type: string, nullable: true },
    { name: "alphabet", type: string, nullable: true },
    { name: "length", type: { kind: "int32" }, nullable: true },
    { name: "source", type: string, nullable: true },
    { name: "created_at", type: instant, nullable: true },
  ],
  metadata: new Map(),
};

function baseBatch(count: number): Batch {
  const sequence = texts(count, () => 60 + ((random() >>> 16) % 141), "ACGT");
  const lengths = new Int32Array(count);
  if (sequence.layout === "utf8")
    for (let i = 0; i < count; i++) lengths[i] = sequence.offsets[i + 1]! - sequence.offsets[i]!;
  return {
    schema: base,
    numRows: count,
    columns: [
      texts(count, () => 40, "0123456789abcdef"),
      constant(count, "dna"),
      sequence,
      constant(count, "dna_4"),
      { layout: "fixed", type: { kind: "int32" }, length: count, values: lengths },
      constant(count, "import:/data/library.csv"),
      { layout: "fixed", type: instant, length: count, values: new BigInt64Array(count).fill(1_760_000_000_123_456n) },
    ],
  };
}

function vectorBatch(count: number, width: number): Batch {
  const values = Float64Array.from({ length: count * width }, () => (random() + random() / 2 ** 32) / 2 ** 31 - 1);
  const offsets = Int32Array.from({ length: count + 1 }, (_, i) => i * width);
  const type = { kind: "list", item: { kind: "float64" } } as const;
  const child: Column = { layout: "fixed", type: type.item, length: values.length, values };
  return {
    schema: { fields: [{ name: "v", type, nullable: true }], metadata: new Map() },
    numRows: count,
    columns: [{ layout: "list", type, length: count, offsets, child }],
  };
}

function bytesIn(batch: Batch): number {
  const of = (c: Column): number => {
    if (c.layout === "utf8") return c.data.length;
    if (c.layout === "fixed") return c.values.byteLength;
    return c.layout === "list" ? of(c.child) : 0;
  };
  return batch.columns.reduce((sum, c) => sum + of(c), 0);
}

async function save(path: string, schema: Schema, groups: Iterable<RowGroup> | AsyncIterable<RowGroup>): Promise<void> {
  const fd = openSync(path, "w");
  for await (const part of writeParquet(schema, groups)) writeSync(fd, part);
  closeSync(fd);
}

function source(fd: number): ByteSource {
  return {
    meta: { size: fstatSync(fd).size },
    read: async (offset, length) => {
      const out = new Uint8Array(length);
      readSync(fd, out, 0, length, offset);
      return out;
    },
  };
}

async function best(name: string, megabytes: number, work: () => Promise<number>): Promise<void> {
  let seconds = Number.POSITIVE_INFINITY;
  let counted = 0;
  for (let run = 0; run < 3; run++) {
    const start = performance.now();
    counted = await work();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
  }
  console.log(
    `${name.padEnd(28)} ${seconds.toFixed(3)} s  ${(megabytes / seconds).toFixed(0).padStart(5)} MB/s  ${counted} rows`,
  );
}

async function measure(name: string, batch: Batch, repeat: number): Promise<void> {
  const path = join(dir, `${name}.parquet`);
  const megabytes = (bytesIn(batch) * repeat) / 1e6;
  await best(`${name}: write`, megabytes, async () => {
    await save(
      path,
      batch.schema,
      Array.from({ length: repeat }, () => batch),
    );
    return batch.numRows * repeat;
  });
  const fd = openSync(path, "r");
  await best(`${name}: read`, megabytes, async () => {
    let count = 0;
    for await (const b of readBatches(await openParquet(source(fd)))) count += b.numRows;
    return count;
  });
  await best(`${name}: first 10 rows`, 0, async () => {
    let count = 0;
    for await (const b of readBatches(await openParquet(source(fd)), { end: 10 })) count += b.numRows;
    return count;
  });
  await best(`${name}: copy chunks`, megabytes, async () => {
    const file = await openParquet(source(fd));
    const groups = file.rowGroups.map((g, i) => ({
      numRows: g.numRows,
      columns: file.schema.fields.map((f) => chunkOf(file, i, f.name)),
    }));
    await save(join(dir, "copy.parquet"), file.schema, groups);
    return file.numRows;
  });
  closeSync(fd);
  console.log(
    `${name}: ${(statSync(path).size / 1e6).toFixed(1)} MB on disk out of ${megabytes.toFixed(0)} MB; peak RSS ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
  );
}

try {
  await measure("base", baseBatch(Math.min(groupRows, rows)), Math.max(1, Math.round(rows / groupRows)));
  await measure("vectors", vectorBatch(Math.min(100_000, rows), 64), 1);
} finally {
  rmSync(dir, { recursive: true });
}
