/// <reference types="node" />
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Column, DataType } from "@usr/schema";
import { columnOf, concatColumns } from "@usr/schema/columns";
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { evenLevels, rowsBefore, writtenOut } from "../src/encodings/even-levels.ts";
import { decodeHybrid, encodeHybrid } from "../src/encodings/rle.ts";
import { openParquet, readBatches, writeParquet } from "../src/index.ts";
import { bytesSource, canonColumn, collect, openFile, readAll } from "./canon.ts";

const FLOATS = { kind: "list", item: { kind: "float64" } } as const;

/** Rows of vectors, most of one width; a few others break the pattern where `odd` says so. */
const rowsArb = fc.record({
  width: fc.integer({ min: 1, max: 70 }),
  count: fc.integer({ min: 1, max: 120 }),
  odd: fc.array(fc.tuple(fc.nat(119), fc.constantFrom(null, 0, 1, 3, 71)), { maxLength: 2 }),
  start: fc.nat(60),
});

const vectorsOf = (width: number, count: number, odd: readonly (readonly [number, number | null])[]) => {
  const widths = new Map(odd);
  return Array.from({ length: count }, (_, row) => {
    const own = widths.get(row);
    if (own === null) return null;
    return Array.from({ length: own ?? width }, (_, i) => row + i / 128);
  });
};

const columnFrom = async (bytes: Uint8Array, o: { readonly start?: number; readonly batchRows?: number }) => {
  const columns: Column[] = [];
  for await (const batch of readBatches(await openParquet(bytesSource(bytes)), o)) columns.push(batch.columns[0]!);
  return columns.flatMap(canonColumn);
};

describe("vectors", () => {
  it("read back the same, of one width or not, across pages, groups and batches", async () => {
    const types: readonly DataType[] = [FLOATS, { kind: "list", item: { kind: "float32" } }];
    await fc.assert(
      fc.asyncProperty(
        rowsArb,
        fc.constantFrom(...types),
        fc.constantFrom(16, 300, 4000, 2 ** 20),
        fc.integer({ min: 1, max: 130 }),
        fc.integer({ min: 1, max: 50 }),
        async ({ width, count, odd, start }, type, pageBytes, groupRows, batchRows) => {
          const values = vectorsOf(width, count, odd);
          const fields = [{ name: "v", type, nullable: true }];
          const groups = [];
          for (let at = 0; at < count; at += groupRows) {
            const own = values.slice(at, at + groupRows);
            groups.push({ numRows: own.length, columns: [columnOf(type, own)] });
          }
          const bytes = await collect(writeParquet({ fields, metadata: new Map() }, groups, { pageBytes }));
          const expected = canonColumn(columnOf(type, values));
          expect(await columnFrom(bytes, { batchRows })).toEqual(expected);
          expect(await columnFrom(bytes, { start, batchRows })).toEqual(expected.slice(start));
        },
      ),
      { numRuns: testRuns(150) },
    );
  });

  it("of a column that is a view of a longer one are those of the view", async () => {
    const whole = columnOf(FLOATS, vectorsOf(5, 40, []));
    if (whole.layout !== "list") throw new Error("not a list");
    const view: Column = { ...whole, length: 20, offsets: whole.offsets.subarray(7, 28) };
    const schema = { fields: [{ name: "v", type: FLOATS, nullable: true }], metadata: new Map() };
    const bytes = await collect(writeParquet(schema, [{ numRows: 20, columns: [view] }], { pageBytes: 200 }));
    expect(await columnFrom(bytes, {})).toEqual(canonColumn(whole).slice(7, 27));
  });

  const reference = oracle();
  it.skipIf(reference === undefined)("that pyarrow splits between pages read the same", async () => {
    const dir = mkdtempSync(join(tmpdir(), "usr-vectors-"));
    afterAll(() => rmSync(dir, { recursive: true }));
    await reference?.python(
      `
import os, pyarrow as pa, pyarrow.parquet as pq
def main(folder):
    for width in (3, 64, 1000, 4096):
        rows = 40000 // width
        values = pa.array([float(i) for i in range(rows * width)])
        # Beside the vectors a flat column with NULLs, in a dictionary that gives way to plain pages.
        text = pa.array([None if i % 11 == 0 else "text %d" % (i // (3 if i < rows // 2 else 1)) * 20 for i in range(rows)])
        table = pa.table({"s": text, "v": pa.ListArray.from_arrays(pa.array(range(0, rows * width + 1, width), pa.int32()), values)})
        for version in ("1.0", "2.0"):
            for page in (1000, 100000):
                pq.write_table(table, os.path.join(folder, f"{width}-{version}-{page}"), data_page_version=version, data_page_size=page, use_dictionary=["s"], dictionary_pagesize_limit=20000)
`,
      dir,
    );
    for (const width of [3, 64, 1000, 4096]) {
      for (const version of ["1.0", "2.0"]) {
        for (const page of [1000, 100_000]) {
          const file = await openFile(join(dir, `${width}-${version}-${page}`));
          const columns: Column[] = [];
          const o = { columns: ["v"], batchRows: 7, windowBytes: 1 };
          for await (const batch of readBatches(file, o)) columns.push(batch.columns[0]!);
          const all = concatColumns(FLOATS, columns);
          if (all.layout !== "list" || all.child.layout !== "fixed") throw new Error("not a list of numbers");
          expect(all.offsets.every((offset, i) => offset === i * width)).toBe(true);
          expect(all.length).toBe(Math.floor(40_000 / width));
          expect(Array.prototype.every.call(all.child.values, (value, i) => value === i)).toBe(true);
          // Chunks fetched piece by piece are those fetched whole, from any row on.
          for (const start of [0, 1, Math.floor(all.length / 3)]) {
            const whole = await readAll(file, { start, batchRows: 1000 });
            expect(await readAll(file, { start, batchRows: 1000, windowBytes: 1 })).toEqual(whole);
          }
        }
      }
    }
    countComparisons("vectors", 16);
  });
});

describe("levels of one width", () => {
  it("are seen exactly where they are", () => {
    const levelsArb = fc.oneof(
      fc.record({ width: fc.integer({ min: 1, max: 40 }), phase: fc.nat(40), count: fc.integer({ min: 1, max: 300 }) }),
      fc.array(fc.constantFrom(0, 1), { minLength: 1, maxLength: 60 }),
    );
    fc.assert(
      fc.property(levelsArb, fc.option(fc.nat(300), { nil: undefined }), (given, flip) => {
        const levels = Array.isArray(given) ? Uint8Array.from(given) : writtenOut(given, given.count);
        if (flip !== undefined && flip < levels.length) levels[flip]! ^= 1;
        const bytes = encodeHybrid(levels, 0, levels.length, 1);
        const even = evenLevels(bytes, 0, bytes.length, levels.length);
        const first = levels.indexOf(0);
        const width = levels.indexOf(0, first + 1) - first;
        const same =
          first >= 0 && width > 1 && first < width && levels.every((l, i) => l === (i % width === first ? 0 : 1));
        expect(even).toEqual(same ? { width, phase: first } : undefined);
        if (even === undefined) return;
        const back = new Uint8Array(levels.length);
        decodeHybrid(bytes, 0, bytes.length, 1, levels.length, back);
        expect(writtenOut(even, levels.length)).toEqual(back);
        for (let end = 0; end <= levels.length; end++) {
          expect(rowsBefore(even, end)).toBe(levels.subarray(0, end).filter((level) => level === 0).length);
        }
      }),
      { numRuns: testRuns(500) },
    );
  });
});
