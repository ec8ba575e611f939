import type { ParquetFile } from "@usr/parquet";
import type { Snapshot } from "../types.ts";
import type { ViewColumn } from "./view.ts";

/** Bytes of merged rows that are held together, about. */
const HELD_BYTES = 64 * 1024 * 1024;
/** Rows of a batch that are not wide: of short sequences some 4 MB, of which a few are on their way at a time. */
export const BATCH_ROWS = 16_384;
/** Each batch asks every part for its rows. Where parts are many, so are the rows of a batch. */
const ROWS_A_PART = 64;
const MOST_ROWS = 65_536;

const perRow = ({ rowGroups, numRows }: ParquetFile): number =>
  numRows === 0 ? 0 : rowGroups.reduce((sum, { byteSize }) => sum + byteSize, 0) / numRows;

/** The encoded bytes of a merged row, about: what the files of the chosen columns hold for a row, whichever of their columns are chosen. */
const rowBytes = (snapshot: Snapshot, chosen: readonly ViewColumn[]): number => {
  let bytes = chosen.some(({ stored }) => stored) ? perRow(snapshot.base.file) : 0;
  for (const overlay of new Set(chosen.flatMap(({ overlays }) => overlays)))
    bytes += overlay.parts.reduce((widest, { file }) => Math.max(widest, perRow(file)), 0);
  return bytes;
};

/** Rows to merge at a time: fewer of those that hold long vectors, more where there are many parts. */
export const batchRowsOf = (snapshot: Snapshot, chosen: readonly ViewColumn[]): number => {
  const overlays = [...new Set(chosen.flatMap((column) => column.overlays))];
  const parts = overlays.reduce((most, overlay) => Math.max(most, overlay.parts.length), 0);
  const rows = Math.min(MOST_ROWS, Math.max(BATCH_ROWS, parts * ROWS_A_PART));
  return Math.max(1, Math.min(rows, Math.floor(HELD_BYTES / Math.max(1, rowBytes(snapshot, chosen)))));
};

/** Whether the chosen columns of the largest row group of the base fit into memory, four batches at most. */
export const groupsFit = (snapshot: Snapshot, chosen: readonly ViewColumn[]): boolean => {
  const largest = snapshot.base.file.rowGroups.reduce((most, { numRows }) => Math.max(most, numRows), 0);
  return largest * rowBytes(snapshot, chosen) <= 4 * HELD_BYTES;
};
