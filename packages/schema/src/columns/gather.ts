import type { BoolColumn, Column, DataType, FixedColumn, FixedValues, ListColumn, Utf8Column } from "../types.ts";
import { bitmapBytes, getBit, setBit, validityOf } from "./bits.ts";
import { collectRuns, copyRanges, type Ranges } from "./copy-ranges.ts";
import { allocateFixed, checkOffset } from "./layout.ts";
import { nullColumn } from "./null-column.ts";
import { conform, layouts } from "./sources.ts";
import { asBytes, asHalves, asWords } from "./words.ts";

/** Which rows to take: `rows[i]` of `columns[sources[i]]`, or of the first column where there are no sources. Negative = NULL. */
interface Selection {
  readonly sources: Int32Array | undefined;
  readonly rows: Int32Array;
  readonly hasNulls: boolean;
}

/** Below this many bytes a loop beats a view and `set`. */
const SHORT = 24;

/**
 * Row i of the result is row `rows[i]` of `columns[sources[i]]`, NULL where either is negative. Without `sources` all rows come from `columns[0]`.
 * Linear in the rows and the bytes taken; neighbouring rows are copied together.
 *
 * @throws RangeError for a source or row that does not exist; SchemaError `TYPE_MISMATCH` for a column of another type (Arrow's null type counts as
 * missing rows), `TOO_LARGE` past 2^31 - 1 text bytes or list elements.
 */
export function gatherColumns(
  type: DataType,
  columns: readonly Column[],
  sources: Int32Array | undefined,
  rows: Int32Array,
): Column {
  return gather(type, columns, { sources, rows, hasNulls: checkSelection(columns, sources, rows) });
}

/** Whether any row is NULL by selection. */
function checkSelection(columns: readonly Column[], sources: Int32Array | undefined, rows: Int32Array): boolean {
  if (sources !== undefined && sources.length !== rows.length) {
    throw new RangeError(`There are ${sources.length} sources for ${rows.length} rows.`);
  }
  const lengths = Int32Array.from(columns, (column) => column.length);
  let hasNulls = false;
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    const source = sources === undefined ? 0 : sources[i]!;
    if (row < 0 || source < 0) {
      hasNulls = true;
    } else if (source >= lengths.length || row >= lengths[source]!) {
      throw new RangeError(`Row ${row} of column ${source} does not exist.`);
    }
  }
  return hasNulls;
}

function gather(type: DataType, columns: readonly Column[], selection: Selection): Column {
  const from = columns.map((column) => conform(type, column));
  const length = selection.rows.length;
  const validity = gatherValidity(from, selection);
  switch (type.kind) {
    case "null":
      return { layout: "null", type, length };
    case "string":
      return { layout: "utf8", type, length, validity, ...gatherUtf8(layouts(from, "utf8"), selection, validity) };
    case "bool":
      return { layout: "bool", type, length, validity, values: gatherBool(layouts(from, "bool"), selection) };
    case "list": {
      const lists = layouts(from, "list");
      const { offsets, inner } = gatherList(lists, selection, validity);
      const children = lists.map((column) => column.child);
      return { layout: "list", type, length, validity, offsets, child: copyRanges(type.item, children, inner) };
    }
    case "fixed_size_list": {
      const { size } = type;
      const { sources, rows } = selection;
      const inner = collectRuns(length);
      for (let i = 0; i < length; i += 1) {
        const row = rows[i]!;
        const source = sources === undefined ? 0 : sources[i]!;
        if (row < 0 || source < 0) {
          inner.add(-1, 0, size);
        } else {
          inner.add(source, row * size, (row + 1) * size);
        }
      }
      const children = layouts(from, "fixed_list").map((column) => column.child);
      return {
        layout: "fixed_list",
        type,
        length,
        validity,
        size,
        child: copyRanges(type.item, children, inner.finish()),
      };
    }
    case "struct": {
      const structs = layouts(from, "struct");
      const children = type.fields.map((field, i) =>
        gather(
          field.type,
          structs.map((column) => column.children[i] ?? nullColumn(field.type, column.length)),
          selection,
        ),
      );
      return { layout: "struct", type, length, validity, children };
    }
    default: {
      const values = allocateFixed(type, length);
      gatherFixed(layouts(from, "fixed"), selection, values);
      return { layout: "fixed", type, length, validity, values };
    }
  }
}

function gatherValidity(columns: readonly Column[], { sources, rows, hasNulls }: Selection): Uint8Array | undefined {
  if (!hasNulls && columns.every((column) => column.validity === undefined)) {
    return undefined;
  }
  const bitmaps = columns.map((column) => column.validity);
  const result = new Uint8Array(bitmapBytes(rows.length));
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    const source = sources === undefined ? 0 : sources[i]!;
    if (row >= 0 && source >= 0) {
      const bitmap = bitmaps[source];
      if (bitmap === undefined || getBit(bitmap, row)) {
        setBit(result, i);
      }
    }
  }
  return validityOf(result, rows.length);
}

function gatherBool(columns: readonly BoolColumn[], { sources, rows }: Selection): Uint8Array {
  const result = new Uint8Array(bitmapBytes(rows.length));
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    const source = sources === undefined ? 0 : sources[i]!;
    if (row >= 0 && source >= 0 && getBit(columns[source]!.values, row)) {
      setBit(result, i);
    }
  }
  return result;
}

// One loop per width, so that each sees one array class only.

function gatherFixed(columns: readonly FixedColumn[], selection: Selection, target: FixedValues): void {
  const width = target.BYTES_PER_ELEMENT;
  if (width === 1) {
    const sources = columns.map((column) => asBytes(column.values));
    gather1(sources, selection, asBytes(target));
  } else if (width === 2) {
    const sources = columns.map((column) => asHalves(column.values));
    gather2(sources, selection, asHalves(target));
  } else {
    const sources = columns.map((column) => asWords(column.values));
    (width === 4 ? gather4 : gather8)(sources, selection, asWords(target));
  }
}

function gather1(columns: readonly Uint8Array[], { sources, rows }: Selection, target: Uint8Array): void {
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    const source = sources === undefined ? 0 : sources[i]!;
    if (row >= 0 && source >= 0) {
      target[i] = columns[source]![row]!;
    }
  }
}

function gather2(columns: readonly Uint16Array[], { sources, rows }: Selection, target: Uint16Array): void {
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    const source = sources === undefined ? 0 : sources[i]!;
    if (row >= 0 && source >= 0) {
      target[i] = columns[source]![row]!;
    }
  }
}

function gather4(columns: readonly Uint32Array[], { sources, rows }: Selection, target: Uint32Array): void {
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    const source = sources === undefined ? 0 : sources[i]!;
    if (row >= 0 && source >= 0) {
      target[i] = columns[source]![row]!;
    }
  }
}

function gather8(columns: readonly Uint32Array[], { sources, rows }: Selection, target: Uint32Array): void {
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    const source = sources === undefined ? 0 : sources[i]!;
    if (row >= 0 && source >= 0) {
      const column = columns[source]!;
      target[2 * i] = column[2 * row]!;
      target[2 * i + 1] = column[2 * row + 1]!;
    }
  }
}

function gatherUtf8(
  columns: readonly Utf8Column[],
  { sources, rows }: Selection,
  validity: Uint8Array | undefined,
): { offsets: Int32Array; data: Uint8Array } {
  const offsets = new Int32Array(rows.length + 1);
  let size = 0;
  for (let i = 0; i < rows.length; i += 1) {
    if (validity === undefined || getBit(validity, i)) {
      const from = columns[sources === undefined ? 0 : sources[i]!]!.offsets;
      const row = rows[i]!;
      size += from[row + 1]! - from[row]!;
      checkOffset(size, "bytes of text");
    }
    offsets[i + 1] = size;
  }
  const data = new Uint8Array(size);
  // A run of bytes that follow one another in their source is copied once.
  let runSource = 0;
  let runStart = 0;
  let runEnd = 0;
  let at = 0;
  for (let i = 0; i < rows.length; i += 1) {
    if (offsets[i] === offsets[i + 1]) {
      continue;
    }
    const source = sources === undefined ? 0 : sources[i]!;
    const from = columns[source]!.offsets;
    const row = rows[i]!;
    if (source !== runSource || from[row] !== runEnd) {
      copyText(columns[runSource]!.data, runStart, runEnd, data, at);
      at += runEnd - runStart;
      runSource = source;
      runStart = from[row]!;
    }
    runEnd = from[row + 1]!;
  }
  if (runEnd > runStart) {
    copyText(columns[runSource]!.data, runStart, runEnd, data, at);
  }
  return { offsets, data };
}

function copyText(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > SHORT) {
    target.set(source.subarray(start, end), at);
    return;
  }
  for (let i = start; i < end; i += 1) {
    target[at + i - start] = source[i]!;
  }
}

function gatherList(
  columns: readonly ListColumn[],
  { sources, rows }: Selection,
  validity: Uint8Array | undefined,
): { offsets: Int32Array; inner: Ranges } {
  const offsets = new Int32Array(rows.length + 1);
  const inner = collectRuns(rows.length);
  for (let i = 0; i < rows.length; i += 1) {
    if (validity === undefined || getBit(validity, i)) {
      const source = sources === undefined ? 0 : sources[i]!;
      const from = columns[source]!.offsets;
      const row = rows[i]!;
      inner.add(source, from[row]!, from[row + 1]!);
    }
    offsets[i + 1] = inner.total();
  }
  return { offsets, inner: inner.finish() };
}
