/// <reference types="node" />
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, Column } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  type ByteSource,
  openParquet,
  type ReadOptions,
  type RowGroup,
  readBatches,
  writeParquet,
} from "../src/index.ts";
import { bytesSource, canonColumn, collect } from "./canon.ts";
import { batchOf, schemaOf, tableArb } from "./tables.ts";

/** The values of all batches, looked at when the last one was read. */
const valuesOf = async (source: ByteSource, o: ReadOptions = {}): Promise<readonly (readonly unknown[])[]> => {
  const batches: Batch[] = [];
  for await (const batch of readBatches(await openParquet(source), o)) batches.push(batch);
  const columns: Column[][] = batches[0]?.columns.map((_, i) => batches.map((batch) => batch.columns[i]!)) ?? [];
  return columns.map((own) => own.flatMap(canonColumn));
};

/** A source that reads into the memory it is given, as a disk does, and soils the rest of it. */
const intoSource = (bytes: Uint8Array): ByteSource & { readonly given: Set<ArrayBufferLike>; reads: number } => ({
  meta: { size: bytes.length },
  given: new Set(),
  reads: 0,
  async read(offset, length, o) {
    if (o?.into === undefined) return bytes.slice(offset, offset + length);
    this.given.add(o.into.buffer);
    this.reads++;
    const answer = o.into.fill(0xa5).subarray(0, length);
    answer.set(bytes.subarray(offset, offset + length));
    return answer;
  },
});

describe("memory that is used again", () => {
  it("shows in no column: windows of any table, read one after the other", async () => {
    await fc.assert(
      fc.asyncProperty(
        tableArb({ fixedLists: true, maxRows: 120 }),
        fc.constantFrom("zstd" as const, "uncompressed" as const),
        fc.nat({ max: 40 }),
        async (spec, codec, start) => {
          // A column that makes each window large enough for memory of its own.
          const wide = { kind: "string" } as const;
          const fields = [...schemaOf(spec).fields, { name: "wide", type: wide, nullable: true }];
          const groups: RowGroup[] = [];
          for (let at = 0; at < spec.rows; at += 17) {
            const { numRows, columns } = batchOf(spec, at, Math.min(at + 17, spec.rows));
            const texts = Array.from({ length: numRows }, (_, i) => `${at + i}`.repeat(20_000));
            groups.push({ numRows, columns: [...columns, columnOf(wide, texts)] });
          }
          const bytes = await collect(
            writeParquet({ fields, metadata: new Map() }, groups, { codec, pageBytes: 9000 }),
          );
          const source = intoSource(bytes);
          const o = { start, batchRows: 11 };
          expect(await valuesOf(source, o)).toEqual(await valuesOf(bytesSource(bytes), o));
          // Two windows at a time, and larger ones where the former did not suffice.
          if (codec === "uncompressed" && source.reads > 4) expect(source.given.size).toBeLessThan(source.reads);
        },
      ),
      { numRuns: testRuns(40) },
    );
  });

  const reference = oracle();
  it.skipIf(reference === undefined)(
    "shows in no column: pages of large chunks, of every kind pyarrow writes",
    async () => {
      const dir = mkdtempSync(join(tmpdir(), "usr-memory-"));
      afterAll(() => rmSync(dir, { recursive: true }));
      await reference?.python(
        `
import os, random, pyarrow as pa, pyarrow.parquet as pq
def main(folder):
    random.seed(7)
    rows = 3000
    noise = [random.random() for _ in range(rows * 16)]
    table = pa.table({
        "id": ["%040x" % random.getrandbits(160) for _ in range(rows)],
        "vector": pa.ListArray.from_arrays(pa.array(range(0, rows * 16 + 1, 16), pa.int32()), pa.array(noise)),
        "few": [None if i % 7 == 0 else "text %d" % (i % 500) for i in range(rows)],
        "even": [float(i // 50) for i in range(rows)],
        # Pages that shrink beside pages that do not.
        "mixed": [noise[i] if (i // 500) % 2 else 0.5 for i in range(rows)],
    })
    for codec in ("none", "snappy", "lz4", "zstd"):
        for version in ("1.0", "2.0"):
            pq.write_table(table, os.path.join(folder, f"{codec}-{version}"), compression=codec, data_page_version=version, data_page_size=9000, write_batch_size=100, use_dictionary=["few", "id"], dictionary_pagesize_limit=10000)
`,
        dir,
      );
      const expected = await valuesOf(bytesSource(readFileSync(join(dir, "none-1.0"))));
      let compared = 0;
      for (const codec of ["none", "snappy", "lz4", "zstd"]) {
        for (const version of ["1.0", "2.0"]) {
          const bytes = readFileSync(join(dir, `${codec}-${version}`));
          for (const o of [{}, { windowBytes: 70_000, batchRows: 700 }]) {
            expect(await valuesOf(bytesSource(bytes), o)).toEqual(expected);
            compared++;
          }
        }
      }
      countComparisons("memory used again", compared);
    },
  );
});
