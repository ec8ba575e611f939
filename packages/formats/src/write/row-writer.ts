import { type Batch, byteSize, type Column } from "@usr/schema";
import type { PutCell } from "../text-buffer.ts";
import { putBytes, type TextBuffer, textBuffer } from "../text-buffer.ts";
import { JOINED_BYTES, joinRows, type RowPart, type Texts } from "./join-rows.ts";

export type TextColumn = Extract<Column, { layout: "utf8" }>;

/** How a format puts its rows together. */
export interface RowForm {
  /** What stands before each cell. */
  readonly heads: readonly Uint8Array[];
  /** What ends a row. */
  readonly tail: Uint8Array;
  readonly cell: (out: TextBuffer, column: Column, index: number) => PutCell;
  /** What stands on both sides of each text of a column, where every row has one and stands there as it is; else undefined. */
  readonly plain: (column: TextColumn) => Uint8Array | undefined;
}

/** Rows that are put together at a time, where they are short. */
const BLOCK = 1024;
/** About what a number takes, to say how many rows make a block. */
const NUMBER_BYTES = 24;
/** The text of a list or a struct over the bytes of its values. */
const SPELLED = 3;

/** The text of a block of rows of one column. */
type Cells = (from: number, rows: number) => Texts;

/**
 * Puts some of the rows of a batch, from the given one on, and says which comes next. A column with one and the same value is spelled once, together with
 * what stands around it: of the seven columns of a base that leaves three. Plain text is copied from where it lies; other values are spelled column by
 * column.
 */
export function rowWriter(
  out: TextBuffer,
  { columns, numRows }: Batch,
  { heads, tail, cell, plain }: RowForm,
): (row: number) => number {
  const parts: (Uint8Array | Cells)[] = [];
  const texts: TextColumn[] = [];
  let rowBytes = tail.length;
  let literal = textBuffer(64);
  const literalEnds = (): void => {
    parts.push(literal.bytes.subarray(0, literal.length));
    rowBytes += literal.length;
    literal = textBuffer(64);
  };
  for (const [i, column] of columns.entries()) {
    putBytes(literal, heads[i]!);
    if (isConstant(column)) {
      cell(literal, column, i)(0);
      continue;
    }
    const around = column.layout === "utf8" ? plain(column) : undefined;
    if (around !== undefined) putBytes(literal, around);
    literalEnds();
    if (column.layout === "utf8") texts.push(column);
    else if (column.layout === "fixed" || column.layout === "bool") rowBytes += NUMBER_BYTES;
    else rowBytes += SPELLED * (byteSize(column) / column.length);
    if (column.layout === "utf8" && around !== undefined) {
      const { data, offsets } = column;
      parts.push((first) => ({ data, offsets, first }));
      putBytes(literal, around);
    } else parts.push(spelled((to) => cell(to, column, i)));
  }
  putBytes(literal, tail);
  literalEnds();

  /** How many rows from `row` on make a block: of long ones fewer. */
  const blockAt = (row: number): number => {
    let rows = Math.min(BLOCK, numRows - row);
    while (rows > 1) {
      let size = rows * rowBytes;
      for (const { offsets } of texts) size += offsets[row + rows]! - offsets[row]!;
      if (size <= JOINED_BYTES) break;
      rows >>= 1;
    }
    return rows;
  };
  return (row) => {
    const rows = blockAt(row);
    const joined = parts.map((part): RowPart => (part instanceof Uint8Array ? part : part(row, rows)));
    joinRows(out, joined, rows);
    return row + rows;
  };
}

/** The cells of a column as its format spells them. */
function spelled(cell: (to: TextBuffer) => PutCell): Cells {
  const to = textBuffer(1024);
  const put = cell(to);
  const offsets = new Int32Array(BLOCK + 1);
  return (from, rows) => {
    to.length = 0;
    for (let i = 0; i < rows; i++) {
      put(from + i);
      offsets[i + 1] = to.length;
    }
    return { data: to.bytes, offsets, first: 0 };
  };
}

/** Whether all rows have the same value, as far as that is told by a comparison of bytes. */
function isConstant(column: Column): boolean {
  if (column.length === 0) return false;
  if (column.layout === "null") return true;
  if (column.validity !== undefined) return false;
  if (column.layout === "utf8") {
    const { offsets, data, length } = column;
    const size = offsets[1]! - offsets[0]!;
    for (let row = 1; row < length; row++) {
      const start = offsets[row]!;
      if (offsets[row + 1]! - start !== size) return false;
      for (let at = start; at < start + size; at++) if (data[at] !== data[at - size]) return false;
    }
    return true;
  }
  if (column.layout !== "fixed" || column.values.BYTES_PER_ELEMENT < 4) return false;
  const { buffer, byteOffset, BYTES_PER_ELEMENT } = column.values;
  const step = BYTES_PER_ELEMENT / 4;
  const words = new Int32Array(buffer, byteOffset, column.length * step);
  for (let i = step; i < words.length; i++) if (words[i] !== words[i - step]) return false;
  return true;
}
