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
