import type { Column } from "../types.ts";
import { sliceBits } from "./bits.ts";

/**
 * Rows `start` to `end` (excluded, clamped to the column). Values are views of the column's memory; only bitmaps are copied, where `start` does not
 * fall on a byte. Constant time otherwise.
 *
 * @throws RangeError unless 0 <= start <= end.
 */
export function sliceColumn(column: Column, start: number, end: number): Column {
  if (!(start >= 0 && start <= end)) {
    throw new RangeError(`Rows ${start} to ${end} are no range.`);
  }
  const from = Math.min(start, column.length);
  const to = Math.min(end, column.length);
  return from === 0 && to === column.length ? column : slice(column, from, to);
}

function slice(column: Column, start: number, end: number): Column {
  const length = end - start;
  const { type } = column;
  const validity = column.validity === undefined ? undefined : sliceBits(column.validity, start, length);
  switch (column.layout) {
    case "null":
      return { layout: "null", type, length };
    case "fixed":
      return { layout: "fixed", type, length, validity, values: column.values.subarray(start, end) };
    case "bool":
      return { layout: "bool", type, length, validity, values: sliceBits(column.values, start, length) };
    case "utf8":
      return {
        layout: "utf8",
        type,
        length,
        validity,
        offsets: column.offsets.subarray(start, end + 1),
        data: column.data,
      };
    case "list":
      return {
        layout: "list",
        type,
        length,
        validity,
        offsets: column.offsets.subarray(start, end + 1),
        child: column.child,
      };
    case "fixed_list": {
      const { size } = column;
      return {
        layout: "fixed_list",
        type,
        length,
        validity,
        size,
        child: slice(column.child, start * size, end * size),
      };
    }
    case "struct":
      return {
        layout: "struct",
        type,
        length,
        validity,
        children: column.children.map((child) => slice(child, start, end)),
      };
  }
}
