import type { Column, DataType, FixedColumn, FixedValues, ListColumn, Utf8Column } from "../types.ts";
import { bitmapBytes, copyBits, setBits, validityOf } from "./bits.ts";
import { allocateFixed, checkOffset } from "./layout.ts";
import { nullColumn } from "./null-column.ts";
import { conform, layouts } from "./sources.ts";
import { type Words, wordsOf, wordsPerSlot } from "./words.ts";

/** Runs of rows, one after the other: rows `starts[i] .. ends[i]` of column `sources[i]`, or as many NULLs where the source is negative. */
export interface Ranges {
  readonly sources: Int32Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly count: number;
  /** Rows of all runs together. */
  readonly total: number;
}

/** Below this many words a loop beats a view and `set`. */
const SHORT = 16;

/** The rows of all runs as one column. Trusts the runs to be within their columns. */
export function copyRanges(type: DataType, columns: readonly Column[], ranges: Ranges): Column {
  const sources = columns.map((column) => conform(type, column));
  const length = ranges.total;
  const validity = copyValidity(sources, ranges);
  switch (type.kind) {
    case "null":
      return { layout: "null", type, length };
    case "string":
      return { layout: "utf8", type, length, validity, ...copyUtf8(layouts(sources, "utf8"), ranges) };
    case "bool": {
      const values = new Uint8Array(bitmapBytes(length));
      eachRun(ranges, layouts(sources, "bool"), (column, start, rows, at) =>
        copyBits(column.values, start, values, at, rows),
      );
      return { layout: "bool", type, length, validity, values };
    }
    case "list": {
      const { offsets, inner } = copyListRanges(layouts(sources, "list"), ranges);
      const child = copyRanges(
        type.item,
        layouts(sources, "list").map((column) => column.child),
        inner,
      );
      return { layout: "list", type, length, validity, offsets, child };
    }
    case "fixed_size_list": {
      const { size } = type;
      checkOffset(length * size, "list elements");
      const inner: Ranges = {
        ...ranges,
        starts: ranges.starts.map((start) => start * size),
        ends: ranges.ends.map((end) => end * size),
        total: length * size,
      };
      const child = copyRanges(
        type.item,
        layouts(sources, "fixed_list").map((column) => column.child),
        inner,
      );
      return { layout: "fixed_list", type, length, validity, size, child };
    }
    case "struct": {
      const structs = layouts(sources, "struct");
      const children = type.fields.map((field, i) =>
        copyRanges(
          field.type,
          structs.map((column) => column.children[i] ?? nullColumn(field.type, column.length)),
          ranges,
        ),
      );
      return { layout: "struct", type, length, validity, children };
    }
    default: {
      const values = allocateFixed(type, length);
      copyFixed(layouts(sources, "fixed"), ranges, values);
      return { layout: "fixed", type, length, validity, values };
    }
  }
}

/** Calls back for every run that has a source. */
function eachRun<C>(
  ranges: Ranges,
  columns: readonly C[],
  copy: (column: C, start: number, rows: number, at: number) => void,
): void {
  const { sources, starts, ends } = ranges;
  let at = 0;
  for (let i = 0; i < ranges.count; i += 1) {
    const start = starts[i]!;
    const rows = ends[i]! - start;
    const source = sources[i]!;
    if (source >= 0 && rows > 0) {
      copy(columns[source]!, start, rows, at);
    }
    at += rows;
  }
}

function copyValidity(columns: readonly Column[], ranges: Ranges): Uint8Array | undefined {
  const { sources, count } = ranges;
  let needed = columns.some((column) => column.validity !== undefined);
  for (let i = 0; i < count && !needed; i += 1) {
    needed = sources[i]! < 0;
  }
  if (!needed) {
    return undefined;
  }
  const validity = new Uint8Array(bitmapBytes(ranges.total));
  eachRun(ranges, columns, (column, start, rows, at) => {
    if (column.validity === undefined) {
      setBits(validity, at, rows);
    } else {
      copyBits(column.validity, start, validity, at, rows);
    }
  });
  return validityOf(validity, ranges.total);
}

function copyFixed(columns: readonly FixedColumn[], ranges: Ranges, values: FixedValues): void {
  const target = wordsOf(values);
  const scale = wordsPerSlot(values);
  const sources = columns.map((column) => wordsOf(column.values));
  eachRun(ranges, sources, (source, start, rows, at) =>
    copyWords(source, start * scale, rows * scale, target, at * scale),
  );
}

function copyWords(source: Words, start: number, count: number, target: Words, at: number): void {
  if (count > SHORT) {
    target.set(source.subarray(start, start + count), at);
    return;
  }
  for (let i = 0; i < count; i += 1) {
    target[at + i] = source[start + i]!;
  }
}

function copyUtf8(columns: readonly Utf8Column[], ranges: Ranges): { offsets: Int32Array; data: Uint8Array } {
  let size = 0;
  eachRun(ranges, columns, (column, start, rows) => {
    size += column.offsets[start + rows]! - column.offsets[start]!;
  });
  checkOffset(size, "bytes of text");
  const offsets = new Int32Array(ranges.total + 1);
  const data = new Uint8Array(size);
  const { sources, starts, ends } = ranges;
  let row = 0;
  let at = 0;
  for (let i = 0; i < ranges.count; i += 1) {
    const start = starts[i]!;
    const end = ends[i]!;
    const source = sources[i]!;
    if (source < 0) {
      offsets.fill(at, row + 1, row + 1 + end - start);
      row += end - start;
    } else {
      const column = columns[source]!;
      const first = column.offsets[start]!;
      const last = column.offsets[end]!;
      data.set(column.data.subarray(first, last), at);
      for (let j = start + 1; j <= end; j += 1) {
        row += 1;
        offsets[row] = column.offsets[j]! - first + at;
      }
      at += last - first;
    }
  }
  return { offsets, data };
}

/** The new offsets of a list column, and the runs of child rows behind them. */
function copyListRanges(columns: readonly ListColumn[], ranges: Ranges): { offsets: Int32Array; inner: Ranges } {
  const offsets = new Int32Array(ranges.total + 1);
  const inner = collectRuns(ranges.count);
  let row = 0;
  for (let i = 0; i < ranges.count; i += 1) {
    const start = ranges.starts[i]!;
    const end = ranges.ends[i]!;
    const source = ranges.sources[i]!;
    const at = inner.total();
    if (source < 0) {
      offsets.fill(at, row + 1, row + 1 + end - start);
      row += end - start;
    } else {
      const column = columns[source]!;
      const first = column.offsets[start]!;
      inner.add(source, first, column.offsets[end]!);
      for (let j = start + 1; j <= end; j += 1) {
        row += 1;
        offsets[row] = column.offsets[j]! - first + at;
      }
    }
  }
  return { offsets, inner: inner.finish() };
}

export interface RunCollector {
  add(source: number, start: number, end: number): void;
  total(): number;
  finish(): Ranges;
}

/**
 * Collects at most `capacity` runs, joining those that continue one another: rows of a merge mostly come in order, and long runs are copied at
 * memory speed. `add` throws SchemaError `TOO_LARGE` past 2^31 - 1 rows.
 */
export function collectRuns(capacity: number): RunCollector {
  const sources = new Int32Array(capacity);
  const starts = new Int32Array(capacity);
  const ends = new Int32Array(capacity);
  let count = 0;
  let total = 0;
  return {
    add(source, start, end) {
      if (end === start) {
        return;
      }
      total += end - start;
      checkOffset(total, "rows or list elements");
      if (count > 0 && sources[count - 1] === source && ends[count - 1] === start) {
        ends[count - 1] = end;
        return;
      }
      sources[count] = source;
      starts[count] = start;
      ends[count] = end;
      count += 1;
    },
    total: () => total,
    finish: () => ({ sources, starts, ends, count, total }),
  };
}
