import type { Column } from "@usr/schema";
import type { PutCell } from "../text-buffer.ts";
import { putAscii, putInteger, type TextBuffer } from "../text-buffer.ts";
import { fixedCell } from "./json-row.ts";
import { putFloats } from "./put-floats.ts";

/** Numbers and times as the text that `fixedCell` gives, without the string where that is possible. */
export function putFixed(out: TextBuffer, column: Extract<Column, { layout: "fixed" }>): PutCell {
  const { type, values } = column;
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) return putWide(out, column);
  if (values instanceof Float64Array || values instanceof Float32Array) return putFloats(out, values);
  if (type.kind === "float16") {
    const text = fixedCell(column);
    return (row) => putAscii(out, text(row));
  }
  return (row) => putInteger(out, values[row]!);
}

/** 64 bits. Times and counters repeat the value above them more often than not: then its text is put again. */
function putWide(out: TextBuffer, column: Extract<Column, { layout: "fixed" }>): PutCell {
  const { buffer, byteOffset, length } = column.values;
  const halves = new Int32Array(buffer, byteOffset, length * 2);
  const text = fixedCell(column);
  let low = 0;
  let high = 0;
  let last: string | undefined;
  return (row) => {
    if (last === undefined || halves[row * 2] !== low || halves[row * 2 + 1] !== high) {
      low = halves[row * 2]!;
      high = halves[row * 2 + 1]!;
      last = text(row);
    }
    putAscii(out, last);
  };
}
