import type { Column } from "@usr/schema";
import type { PutCell } from "../text-buffer.ts";
import { putBytes, type TextBuffer, textBuffer } from "../text-buffer.ts";

/** How a format puts its rows together. */
export interface RowForm {
  /** What stands before each cell. */
  readonly heads: readonly Uint8Array[];
  /** What ends a row. */
  readonly tail: Uint8Array;
  readonly cell: (out: TextBuffer, column: Column, index: number) => PutCell;
}

/**
 * Puts the rows of some columns. A column with one and the same value is spelled once, together with what stands around it: of the seven
 * columns of a base that leaves three.
 */
export function rowWriter(out: TextBuffer, columns: readonly Column[], { heads, tail, cell }: RowForm): PutCell {
  const literals: Uint8Array[] = [];
  const cells: PutCell[] = [];
  let literal = textBuffer(64);
  for (const [i, column] of columns.entries()) {
    putBytes(literal, heads[i]!);
    if (isConstant(column)) {
      cell(literal, column, i)(0);
      continue;
    }
    literals.push(literal.bytes.slice(0, literal.length));
    literal = textBuffer(64);
    cells.push(cell(out, column, i));
  }
  putBytes(literal, tail);
  const last = literal.bytes.slice(0, literal.length);
  return (row) => {
    for (let i = 0; i < cells.length; i++) {
      putBytes(out, literals[i]!);
      cells[i]!(row);
    }
    putBytes(out, last);
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
