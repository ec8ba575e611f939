import type { BaseKeys } from "./base-keys.ts";

export interface NextGroup {
  readonly rows: number;
  /** Whether it stays like this, whatever rows come. */
  readonly settled: boolean;
}

/**
 * How many rows from row `from` of ascending `base` on make a row group: all rows of a group of the base that fits, whose keys need not be encoded
 * then, or `size` others.
 */
export const nextGroup = (
  base: Int32Array,
  from: number,
  { size, fit }: { readonly size: number; readonly fit: number },
  keys: BaseKeys | undefined,
): NextGroup => {
  /** The rows of the group of the base that begins at `at`, as far as they are there; 0 = one is missing, or there is none. */
  const wholeFrom = (at: number): number => {
    const first = base[at]!;
    const all = (keys?.groupEnd(first) ?? first) - first;
    const rows = Math.min(all, base.length - at);
    return rows > 0 && all <= fit && base[at + rows - 1] === first + rows - 1 ? rows : 0;
  };
  const first = base[from]!;
  const whole = wholeFrom(from);
  if (whole > 0) return { rows: whole, settled: keys?.groupEnd(first) === first + whole };
  const rows = Math.min(size, base.length - from);
  for (const start of keys?.starts ?? []) {
    if (start <= first) continue;
    if (start > base[from + rows - 1]!) break;
    const at = lowerBound(base, start, from, from + rows);
    if (base[at] !== start) continue;
    const there = wholeFrom(at);
    if (there > 0) return { rows: at - from, settled: keys?.groupEnd(start) === start + there };
  }
  return { rows, settled: rows === size };
};

/** The first place in `[from, end)` of ascending values whose value is not less. */
const lowerBound = (values: Int32Array, value: number, from: number, end: number): number => {
  let [low, high] = [from, end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
};
