import { valueAt } from "@usr/schema/columns";
import { scanSnapshot } from "../../read/scan.ts";
import type { Snapshot } from "../../types.ts";

/** A set of stored rows, one bit a row. */
export interface RowMask {
  /** How many rows are in it. */
  readonly size: number;
  has(row: number): boolean;
  add(row: number): void;
}

export const createRowMask = (rows: number): RowMask => {
  const bits = new Uint8Array((rows + 7) >> 3);
  let size = 0;
  const has = (row: number): boolean => ((bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
  return {
    get size() {
      return size;
    },
    has,
    add: (row) => {
      if (has(row)) return;
      bits[row >> 3] = bits[row >> 3]! | (1 << (row & 7));
      size++;
    },
  };
};

/** Rows `[start, start + numRows)` that are not in the mask, by their place in the range; `undefined` = all of them. */
export const rowsOutside = (mask: RowMask, start: number, numRows: number): Int32Array | undefined => {
  if (mask.size === 0) return undefined;
  const outside = new Int32Array(numRows);
  let count = 0;
  for (let i = 0; i < numRows; i++) if (!mask.has(start + i)) outside[count++] = i;
  return count === numRows ? undefined : outside.subarray(0, count);
};

/** The stored rows that are deleted. The snapshot must have the tombstones open. */
export const deletedRows = async (snapshot: Snapshot): Promise<RowMask> => {
  const rows = createRowMask(snapshot.base.file.numRows);
  if (snapshot.tombstones === undefined) return rows;
  let row = 0;
  for await (const batch of scanSnapshot(snapshot, { columns: ["usr__deleted"], includeDeleted: true })) {
    for (let i = 0; i < batch.numRows; i++, row++) if (valueAt(batch.columns[0]!, i) === true) rows.add(row);
  }
  return rows;
};
