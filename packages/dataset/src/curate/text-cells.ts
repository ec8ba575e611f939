import type { Column } from "@usr/schema";
import { isValid } from "@usr/schema/columns";

/** Short cells as text; equal neighbours, the rule in these columns, are decoded once. */
export const textCells = (column: Column | undefined): ((row: number) => string | undefined) => {
  if (column?.layout !== "utf8") return () => undefined;
  const { data, offsets } = column;
  const decoder = new TextDecoder();
  let [start, end] = [0, -1];
  let text = "";
  const isSame = (from: number, to: number): boolean => {
    if (to - from !== end - start) return false;
    for (let k = 0; k < to - from; k++) if (data[from + k] !== data[start + k]) return false;
    return true;
  };
  return (row) => {
    if (!isValid(column, row)) return undefined;
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    if (!isSame(from, to)) {
      text = decoder.decode(data.subarray(from, to));
      [start, end] = [from, to];
    }
    return text;
  };
};

/** The text that all cells of a column are; `undefined` where they differ or one is missing, and where there are none. */
export const constantText = (column: Column | undefined): string | undefined => {
  if (column?.layout !== "utf8" || column.validity !== undefined || column.length === 0) return undefined;
  const { data, offsets, length } = column;
  const [first, size] = [offsets[0]!, offsets[1]! - offsets[0]!];
  for (let i = 2; i <= length; i++) if (offsets[i] !== first + i * size) return undefined;
  for (let k = first + size; k < offsets[length]!; k++) if (data[k] !== data[k - size]) return undefined;
  return new TextDecoder().decode(data.subarray(first, first + size));
};
