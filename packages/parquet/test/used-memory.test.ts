/// <reference types="node" />
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, Column } from "@usr/schema";
import { countComparisons, oracle } from "@usr/testkit";
import { afterAll, describe, expect, it } from "vitest";
import { type ByteSource, openParquet, type ReadOptions, readBatches } from "../src/index.ts";
import { bytesSource, canonColumn } from "./canon.ts";

/** The values of all batches, looked at when the last one was read. */
const valuesOf = async (source: ByteSource, o: ReadOptions = {}): Promise<readonly (readonly unknown[])[]> => {
  const batches: Batch[] = [];
  for await (const batch of readBatches(await openParquet(source), o)) batches.push(batch);
  const columns: Column[][] = batches[0]?.columns.map((_, i) => batches.map((batch) => batch.columns[i]!)) ?? [];
  return columns.map((own) => own.flatMap(canonColumn));
};

describe("memory that is used again", () => {
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
