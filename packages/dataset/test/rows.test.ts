import { openParquet, type ParquetFile } from "@usr/parquet";
import { describe, expect, it } from "vitest";
import { type RowRange, readRanges } from "../src/read/rows.ts";
import { baseBytes } from "./make.ts";

describe("readRanges without columns", () => {
  it("counts the rows of each range in batches that neither cross row groups nor grow with them", async () => {
    const bytes = await baseBytes({ sequences: ["A", "C", "G", "T", "AA", "AC", "AG"], groupRows: 3 });
    const small = await openParquet({
      meta: { size: bytes.length },
      read: async (offset, length) => bytes.subarray(offset, offset + length),
    });
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
