import type { Batch, Column, Schema } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ByteSource, openParquet, readBatches, writeParquet } from "../src/index.ts";
import { bytesSource, canonColumn, collect, readAll } from "./canon.ts";

// Pages large enough to be decompressed off the main thread, in several row groups.
const ROWS = 12_000;
const GROUP = 4_000;

const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

const columns: Readonly<Record<string, Column>> = {
  text: columnOf(
    { kind: "string" },
    Array.from({ length: ROWS }, (_, i) => (i % 7 === 0 ? null : `${(i * 2654435761) % 2 ** 32}`.padStart(60, "acgt"))),
  ),
  list: columnOf(
    { kind: "list", item: { kind: "float64" } },
    Array.from({ length: ROWS }, (_, i) =>
      i % 11 === 0 ? null : Array.from({ length: i % 9 }, (_, k) => (i * k) % 97),
    ),
  ),
  number: columnOf(
    { kind: "float64" },
    Array.from({ length: ROWS }, (_, i) => (i * 7919) % 1013),
  ),
};
const names = Object.keys(columns);
const schema: Schema = {
  fields: names.map((name) => ({ name, type: columns[name]!.type, nullable: true })),
  metadata: new Map(),
};

async function table(): Promise<Uint8Array> {
  const whole: Batch = { schema, columns: names.map((name) => columns[name]!), numRows: ROWS };
  const file = await openParquet(bytesSource(await collect(writeParquet(schema, [whole]))));
  return collect(writeParquet(schema, readBatches(file, { batchRows: GROUP }), { pageBytes: 60_000 }));
}

function counted(bytes: Uint8Array): { readonly source: ByteSource; readonly reads: () => number; close: () => void } {
  let reads = 0;
  let closed = false;
  return {
    source: {
      meta: { size: bytes.length },
      read: async (offset, length) => {
        reads++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (closed) throw new Error("read after the source was closed");
        return bytes.subarray(offset, offset + length);
      },
    },
    reads: () => reads,
    close: () => {
      closed = true;
    },
  };
}

describe("reading ahead", () => {
  it("gives the same rows as reading all, whatever is asked", async () => {
    const file = await openParquet(bytesSource(await table()));
    const canon = new Map(names.map((name) => [name, canonColumn(columns[name]!)]));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
        fc.integer({ min: 0, max: ROWS }),
        fc.integer({ min: 0, max: ROWS }),
        fc.constantFrom(300, 1_500, 4_000, 65_536),
        fc.constantFrom(20_000, 200_000, 2 ** 28),
        async (asked, a, b, batchRows, windowBytes) => {
          const [start, end] = [Math.min(a, b), Math.max(a, b)];
          const read = await readAll(file, { columns: asked, start, end, batchRows, windowBytes });
          expect(read.rows).toBe(end - start);
          for (const [i, name] of asked.entries()) expect(read.columns[i]).toEqual(canon.get(name)!.slice(start, end));
        },
      ),
      { numRuns: testRuns(20) },
    );
  });

  it("fails where the broken page is, after every row before its row group", async () => {
    const bytes = (await table()).slice();
    const sound = await openParquet(bytesSource(bytes.slice()));
    const chunk = sound.footer.rowGroups[2]!.chunks[0]!;
    const frames: number[] = [];
    for (let at = chunk.start; at < chunk.start + chunk.length - 4; at++)
      if (ZSTD_MAGIC.every((byte, i) => bytes[at + i] === byte)) frames.push(at);
    expect(frames.length).toBeGreaterThan(2);
    bytes[frames.at(-1)!] = 0;
    const file = await openParquet(bytesSource(bytes));
    let rows = 0;
    const read = async (): Promise<void> => {
      for await (const batch of readBatches(file, { batchRows: 1_000 })) rows += batch.numRows;
    };
    await expect(read()).rejects.toMatchObject({ name: "ParquetError", code: "CORRUPT" });
    expect(rows).toBeGreaterThan(2 * GROUP);
    expect(rows).toBeLessThan(ROWS);
  });

  it("fetches nothing beyond the first batch until the second is asked for, and leaves the source alone after a break", async () => {
    const { source, reads, close } = counted(await table());
    const file = await openParquet(source);
    const before = reads();
    for await (const _ of readBatches(file, { columns: ["number"] })) break;
    expect(reads()).toBe(before + 1);
    let batches = 0;
    for await (const _ of readBatches(file, { columns: ["number"] })) if (++batches === 2) break;
    expect(reads()).toBe(before + 4);
    close();
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
