import type { Batch, Column } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ByteSource,
  nullCount,
  openParquet,
  type ParquetFile,
  type ReadOptions,
  readBatches,
  writeParquet,
} from "../src/index.ts";
import { bytesSource, canonColumn, collect, readAll } from "./canon.ts";
import { batchOf, schemaOf, tableArb } from "./tables.ts";

interface Counted {
  readonly source: ByteSource;
  readonly reads: { readonly offset: number; readonly length: number }[];
}

function counted(bytes: Uint8Array): Counted {
  const reads: { offset: number; length: number }[] = [];
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    reads.push({ offset, length });
    return bytes.subarray(offset, offset + length);
  };
  return { source: { meta: { size: bytes.length }, read }, reads };
}

const ids: Column = columnOf(
  { kind: "string" },
  Array.from({ length: 40_000 }, (_, i) => `${(i * 2654435761) % 2 ** 32}`.padStart(40, "ab")),
);
const numbers: Column = columnOf(
  { kind: "float64" },
  Array.from({ length: 40_000 }, (_, i) => Math.sin(i)),
);

async function big(groupRows: number): Promise<Uint8Array> {
  const schema = {
    fields: [
      { name: "id", type: ids.type, nullable: true },
      { name: "x", type: numbers.type, nullable: true },
    ],
    metadata: new Map(),
  };
  const whole: Batch = { schema, columns: [ids, numbers], numRows: 40_000 };
  const file = await openParquet(bytesSource(await collect(writeParquet(schema, [whole]))));
  return collect(writeParquet(schema, readBatches(file, { batchRows: groupRows }), { pageBytes: 50_000 }));
}

async function rows(file: ParquetFile, o?: ReadOptions): Promise<readonly number[]> {
  const out: number[] = [];
  for await (const batch of readBatches(file, o)) out.push(batch.numRows);
  return out;
}

describe("batches", () => {
  it("end with the row group, have at most batchRows rows, and come in row order", async () => {
    const file = await openParquet(bytesSource(await big(15_000)));
    expect(file.rowGroups.map((g) => [g.startRow, g.numRows])).toEqual([
      [0, 15_000],
      [15_000, 15_000],
      [30_000, 10_000],
    ]);
    expect(await rows(file)).toEqual([15_000, 15_000, 10_000]);
    expect(await rows(file, { batchRows: 10_000 })).toEqual([10_000, 5_000, 10_000, 5_000, 10_000]);
    expect(await rows(file, { start: 14_999, end: 30_001 })).toEqual([1, 15_000, 1]);
    expect(await rows(file, { start: 40_000 })).toEqual([]);
    expect(await rows(file, { end: 0 })).toEqual([]);
    expect(await rows(file, { columns: [], start: 39_999, end: 1e9 })).toEqual([1]);
    const swapped = await readAll(file, { columns: ["x", "id"], start: 20_000, end: 20_003 });
    expect(swapped.names).toEqual(["x", "id"]);
    expect(swapped.columns[1]).toEqual(canonColumn(ids).slice(20_000, 20_003));
  });

  it("fetch the footer once, neighbouring chunks together, and only the pages asked for", async () => {
    const bytes = await big(40_000);
    const { source, reads } = counted(bytes);
    const file = await openParquet(source);
    expect(reads.length).toBe(1);
    await rows(file);
    expect(reads.length).toBe(2);
    reads.length = 0;
    await rows(file, { start: 20_000, end: 20_010, columns: ["x"] });
    expect(reads.length).toBe(2);
    expect(reads.reduce((sum, r) => sum + r.length, 0)).toBeLessThan(60_000);
  });

  it("of large row groups are fetched in parts", async () => {
    const { source, reads } = counted(await big(40_000));
    const file = await openParquet(source);
    reads.length = 0;
    const whole = await readAll(file);
    const parts = await readAll(file, { windowBytes: 200_000, batchRows: 1000 });
    expect(parts.columns).toEqual(whole.columns);
    expect(Math.max(...reads.slice(1).map((r) => r.length))).toBeLessThan(600_000);
  });

  it("stop when the signal says so", async () => {
    const file = await openParquet(bytesSource(await big(40_000)));
    const controller = new AbortController();
    const batches = readBatches(file, { signal: controller.signal, batchRows: 10 });
    expect((await batches.next()).done).toBe(false);
    controller.abort(new Error("enough"));
    await expect(batches.next()).rejects.toThrow("enough");
  });

  it("refuse columns that are not there and options that are no numbers", async () => {
    const file = await openParquet(bytesSource(await big(40_000), "a.parquet"));
    await expect(rows(file, { columns: ["y"] })).rejects.toMatchObject({
      name: "ParquetError",
      code: "COLUMN_NOT_FOUND",
      details: { column: "y" },
    });
    await expect(rows(file, { start: -1 })).rejects.toMatchObject({ code: "INVALID" });
    await expect(rows(file, { batchRows: 0 })).rejects.toMatchObject({ code: "INVALID" });
    await expect(openParquet(bytesSource(new Uint8Array(100), "b.parquet"))).rejects.toThrow(/^b\.parquet: /);
  });
});

describe("nullCount", () => {
  it("is the number of NULLs of flat columns and unknown for others", async () => {
    await fc.assert(
      fc.asyncProperty(tableArb({ fixedLists: true, maxRows: 100 }), async (spec) => {
        const step = 30;
        const groups: Batch[] = [];
        for (let at = 0; at < spec.rows; at += step) groups.push(batchOf(spec, at, Math.min(at + step, spec.rows)));
        const file = await openParquet(bytesSource(await collect(writeParquet(schemaOf(spec), groups))));
        for (const [i, field] of spec.fields.entries()) {
          const nested = ["list", "fixed_size_list", "struct"].includes(field.type.kind);
          const nulls = canonColumn(spec.columns[i]!).filter((v) => v === null).length;
          expect(nullCount(file, field.name)).toBe(nested ? undefined : nulls);
        }
      }),
    );
  });
});
