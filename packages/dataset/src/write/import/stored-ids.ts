import { createKeyTable, type KeyTable } from "@usr/overlay/write";
import { type ParquetFile, readBatches } from "@usr/parquet";
import type { Column } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import type { Snapshot } from "../../types.ts";

/** The ids of a base with the first row of each, deleted ones too. */
export const storedIds = async (file: ParquetFile): Promise<KeyTable> => {
  const ids = createKeyTable({ expected: file.numRows, fold: false });
  let row = 0;
  for await (const batch of readBatches(file, { columns: ["id"] })) {
    const [column] = batch.columns;
    if (column?.layout === "utf8") addKeys(ids, column.data, column.offsets, row, new Int32Array(column.length));
    row += batch.numRows;
  }
  return ids;
};

/** The ids that the tombstones call deleted, whether they are stored or not. The snapshot must have the tombstones open. */
export const deletedIds = async ({ tombstones }: Snapshot): Promise<KeyTable> => {
  const ids = createKeyTable({ expected: 0, fold: false });
  if (tombstones === undefined) return ids;
  for await (const batch of readBatches(tombstones.file, { columns: ["id", "usr__deleted"] })) {
    const deleted = batch.columns[1];
    addAll(ids, batch.columns[0], 0, (i) => deleted !== undefined && valueAt(deleted, i) === true);
  }
  return ids;
};

/**
 * Adds the keys `bytes[offsets[i], offsets[i + 1])`, `0 <= i < out.length`, key i with the value `first + i`; what `add` says of it goes into
 * `out[i]`.
 */
export const addKeys = (
  keys: KeyTable,
  bytes: Uint8Array,
  offsets: Int32Array,
  first: number,
  out: Int32Array,
): void => {
  for (let i = 0; i < out.length; i++) {
    i = keys.addEach(bytes, offsets, i, out.length, first, out);
    if (i < out.length) out[i] = keys.add(bytes, offsets[i]!, offsets[i + 1]!, first + i);
  }
};

const addAll = (
  ids: KeyTable,
  column: Column | undefined,
  firstRow: number,
  wanted: (row: number) => boolean,
): void => {
  if (column?.layout !== "utf8") return;
  for (let i = 0; i < column.length; i++)
    if (wanted(i)) ids.add(column.data, column.offsets[i]!, column.offsets[i + 1]!, firstRow + i);
};
