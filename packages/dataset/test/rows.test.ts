import { openParquet, type ParquetFile } from "@usr/parquet";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findRows, type RowRange, readRanges } from "../src/read/rows.ts";
import { baseBytes, idsOf } from "./make.ts";

const fileOf = async (bytes: Uint8Array): Promise<ParquetFile> =>
  openParquet({
    meta: { size: bytes.length },
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  });

describe("findRows", () => {
  it("gives the same rows with filters and without, for ids that are there and ids that are not", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[ACGT]{1,3}$/), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.stringMatching(/^[ACGT]{1,3}$/), { maxLength: 12 }),
        async (sequences, groupRows, asked) => {
          const ids = idsOf(sequences);
          const wanted = [...idsOf(asked), "no id", ""];
          const expected = new Map<string, number[]>();
          for (const id of wanted) {
            const rows = ids.flatMap((other, row) => (other === id ? [row] : []));
            if (rows.length > 0) expected.set(id, rows);
          }
          for (const write of [{}, { bloomFilters: ["id"] }, { bloomFilters: ["id"], createdBy: "somebody" }]) {
            const file = await fileOf(await baseBytes({ sequences, groupRows, write }));
            expect(new Map([...(await findRows(file, wanted))].sort())).toEqual(new Map([...expected].sort()));
          }
        },
      ),
      { numRuns: testRuns(100) },
    );
  });
});

describe("readRanges without columns", () => {
  it("counts the rows of each range in batches that neither cross row groups nor grow with them", async () => {
    const bytes = await baseBytes({ sequences: ["A", "C", "G", "T", "AA", "AC", "AG"], groupRows: 3 });
    const small = await fileOf(bytes);
    expect(
      await counted(small, [
        { start: 1, end: 5 },
        { start: 6, end: 7 },
      ]),
    ).toEqual([
      [1, 2],
      [3, 2],
      [6, 1],
    ]);
    // Only the footer is asked: a group may be as large as other writers make it.
    const group = { numRows: 200_000, startRow: 0, byteSize: 0 };
    const large = { ...small, numRows: 200_000, rowGroups: [group] };
    expect(await counted(large, [{ start: 10, end: 200_000 }])).toEqual([
      [10, 65_536],
      [65_546, 65_536],
      [131_082, 65_536],
      [196_618, 3_382],
    ]);
  });
});

const counted = async (
  file: ParquetFile,
  ranges: readonly RowRange[],
): Promise<readonly (readonly [number, number])[]> => {
  const found: (readonly [number, number])[] = [];
  for await (const { batch, row } of readRanges(file, ranges, [])) found.push([row, batch.numRows]);
  return found;
};
