import type { Column, Utf8Column } from "@usr/schema";
import { columnBuilder, isValid } from "@usr/schema/columns";
import { foldsCase, keyText, stripInto } from "../keys/key-bytes.ts";
import type { OverlayKey } from "../types.ts";

/**
 * A column of keys (text) as parts store them: without white space around, in upper case for `sequence_ci`, NULL where blank. Already
 * normal columns come back as they are.
 */
export function normalizeKeys(key: OverlayKey, column: Column): Column {
  if (column.layout !== "utf8" || isNormal(key, column)) return column;
  const fold = foldsCase(key);
  const range = new Int32Array(2);
  const builder = columnBuilder(column.type);
  for (let row = 0; row < column.length; row++) {
    range.fill(0);
    if (isValid(column, row)) stripInto(range, column.data, column.offsets[row]!, column.offsets[row + 1]!);
    builder.append(range[0] === range[1] ? null : keyText(column.data, range[0]!, range[1]!, fold));
  }
  return builder.finish();
}

function isNormal(key: OverlayKey, column: Utf8Column): boolean {
  const range = new Int32Array(2);
  for (let row = 0; row < column.length; row++) {
    if (!isValid(column, row)) continue;
    const start = column.offsets[row]!;
    const end = column.offsets[row + 1]!;
    stripInto(range, column.data, start, end);
    if (range[0] !== start || range[1] !== end || start === end) return false;
    if (foldsCase(key) && hasLower(column.data, start, end)) return false;
  }
  return true;
}

function hasLower(data: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (data[i]! >= 97 && data[i]! <= 122) return true;
  return false;
}
