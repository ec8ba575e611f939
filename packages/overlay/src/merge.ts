import { nullCount } from "@usr/parquet";
import type { Column, DataType, Field } from "@usr/schema";
import { gatherColumns, isValid, nullColumn, sliceColumn } from "@usr/schema/columns";
import { OverlayError } from "./error.ts";
import { type RowLocator, rowLocator } from "./part-rows.ts";
import { type PayloadReaders, payloadReaders } from "./payload.ts";
import type { PayloadReader, Piece } from "./payload-reader.ts";
import type { KeyIndex, LateIndex, MergeCursor, MergeOptions, Overlay, Part, PartRows } from "./types.ts";

const SORT_BYTES = 128 * 1024 * 1024;
const SMALL_PART_BYTES = 128 * 1024;

/**
 * The merged view of one overlay: for each base row and column the value of the newest part that has one. NULL is no value and hides
 * nothing; NaN, empty text and empty lists are values. Keys are compared after normalisation; rows whose key is NULL, blank or not in
 * the base are passed over.
 *
 * Only parts that hold one of the columns are read: their keys once; their values along with the base where the part is in base order.
 * A part in another order has the requested columns decoded and sorted, for as many base rows at a time as `sortBytes` has room for. Once every row of a range has its value, older parts are not
 * consulted for it. Under an index of the whole base the keys of all parts are read at the first `read`, so that a repeated key is always
 * refused; under an index of some rows, the keys of a part are read when a row first wants a value that it may hold. Keys that are stored in the same
 * bytes as those of a part before are compared instead of decoded; under a late index, so are those of our own parts with the ids of the base,
 * and where all parts are like that the index is not built. Memory: 8 bytes a matched row and part (once for parts of the same
 * keys), one decoded batch a part and column, the requested columns of small parts, and `sortBytes` for parts that are out of order.
 *
 * @throws OverlayError `KEY_MISMATCH` where the index is of another key, `COLUMN_NOT_REGISTERED` where the overlay has no such column
 */
export function mergeOverlay(overlay: Overlay, index: KeyIndex | LateIndex, o: MergeOptions): MergeCursor {
  if (normalForm(index.key) !== normalForm(overlay.key)) {
    throw new OverlayError(
      "KEY_MISMATCH",
      `Namespace ${overlay.namespace} is keyed by ${overlay.key}, the index by ${index.key}.`,
      {
        details: { namespace: overlay.namespace, key: overlay.key, index: index.key },
      },
    );
  }
  const fields = o.columns.map((name) => fieldOf(overlay, name));
  // Nothing below names the index: what named it would hold it as long as the cursor lives.
  const complete = !("complete" in index) || index.complete;
  const locator = rowLocator(index, o);
  let opening: Promise<Layers> | undefined;

  const open = async (): Promise<Layers> => {
    const bytes = o.sortBytes ?? SORT_BYTES;
    const limits = {
      room: { bytes, left: bytes },
      smallPartBytes: o.smallPartBytes ?? SMALL_PART_BYTES,
      signal: o.signal,
    };
    const wanted = overlay.parts.filter((part) => fields.some((field) => part.columns.includes(field.name)));
    const layers = layersOf(wanted, fields, locator, (part) => payloadReaders(part, fields, limits));
    // Over the whole base every part is checked for repeated keys; for a few rows older parts that have no say are left alone.
    if (complete) {
      await locator.locateAll(wanted);
      locator.forget();
    }
    return layers;
  };

  const begin = (): Promise<Layers> => {
    o.signal?.throwIfAborted();
    opening ??= open();
    return opening;
  };

  return {
    fields,
    open: async () => {
      await begin();
    },
    read: async (start, end) => {
      const layers = await begin();
      return Promise.all(fields.map((field, i) => mergeRange(layers, i, field.type, start, end)));
    },
    [Symbol.asyncDispose]: async () => {
      // A failed opening was told to the reader, and holds nothing.
      const layers = await opening?.catch(() => undefined);
      await layers?.close();
    },
  };
}

function normalForm(key: string): string {
  return key === "sequence_norm" ? "sequence" : key;
}

function fieldOf(overlay: Overlay, name: string): Field {
  const field = overlay.fields.find((other) => other.name === name);
  if (field !== undefined) return field;
  throw new OverlayError("COLUMN_NOT_REGISTERED", `Namespace ${overlay.namespace} holds no column ${name}.`, {
    details: { namespace: overlay.namespace, column: name },
  });
}

/** Whether the part may hold a value of the column. Its statistics may say that all are NULL: then it is not decoded. */
function holdsValues(part: Part, column: string): boolean {
  const field = part.file.schema.fields.find((other) => other.name === column);
  if (field === undefined || field.type.kind === "null" || column === part.key) return false;
  return nullCount(part.file, column) !== part.file.numRows;
}

/** A part that holds rows of the base. */
interface Layer {
  readonly rows: PartRows;
  /** Reads the column of the field of this index; `undefined` = the part has nothing to say of it. */
  reader(field: number): PayloadReader | undefined;
  close(): Promise<void>;
}

/** The parts that hold rows of the base, newest first. */
interface Layers {
  /** Those that are known already. */
  readonly found: readonly Layer[];
  /** The layer of an index, looked for where it is not known; `undefined` = there are not so many. */
  at(index: number): Promise<Layer | undefined>;
  close(): Promise<void>;
}

/**
 * Layers of parts, which are looked through once for all fields: of a thousand parts that may hold one of a few rows, a few do, and only those have
 * readers. Passed over without looking are those that hold values of no field.
 */
function layersOf(
  parts: readonly Part[],
  fields: readonly Field[],
  locator: RowLocator,
  readersOf: (part: Part) => PayloadReaders,
): Layers {
  const found: Layer[] = [];
  let next = 0;
  let finding: Promise<boolean> | undefined;

  /** Goes on to the next layer, if there is one. */
  const find = async (): Promise<boolean> => {
    for (; next < parts.length; next++) {
      const part = parts[next]!;
      if (!fields.some((field) => holdsValues(part, field.name))) continue;
      const rows = await locator.locate(part);
      if (rows.count === 0) continue;
      found.push(layerOf(part, rows, fields, readersOf(part)));
      next++;
      return true;
    }
    return false;
  };

  return {
    found,
    at: async (index) => {
      while (index >= found.length) {
        finding ??= find().finally(() => {
          finding = undefined;
        });
        if (!(await finding)) break;
      }
      return found[index];
    },
    close: async () => {
      for (const layer of found) await layer.close();
    },
  };
}

function layerOf(part: Part, rows: PartRows, fields: readonly Field[], readers: PayloadReaders): Layer {
  const opened = new Map<number, PayloadReader | undefined>();
  return {
    rows,
    reader: (index) => {
      if (opened.has(index)) return opened.get(index);
      const field = fields[index]!;
      const reader = holdsValues(part, field.name) ? readers(rows, field) : undefined;
      opened.set(index, reader);
      return reader;
    },
    close: async () => {
      for (const reader of opened.values()) await reader?.close();
    },
  };
}

async function mergeRange(layers: Layers, field: number, type: DataType, start: number, end: number): Promise<Column> {
  const length = end - start;
  const columns: Column[] = [];
  const sources = new Int32Array(length).fill(-1);
  const rows = new Int32Array(length);
  let open = length;
  for (let next = 0; open > 0; next++) {
    const layer = layers.found[next] ?? (await layers.at(next));
    if (layer === undefined) break;
    const { rows: held } = layer;
    const { base } = held;
    const range = openRange(held, sources, start, end);
    const reader = range && layer.reader(field);
    if (range === undefined || reader === undefined) continue;
    const pieces = await reader.pieces(range.from, range.to);
    if (columns.length === 0) {
      const whole = wholeRange(pieces, reader, range, length);
      if (whole !== undefined) return whole;
    }
    const firstSource = columns.length;
    for (const piece of pieces) columns.push(piece.column);
    let p = 0;
    for (let i = range.from; i < range.to; i++) {
      const at = (base === undefined ? i : base[i]!) - start;
      if (sources[at]! >= 0) continue;
      const position = reader.position(i);
      while (position >= pieces[p]!.at + pieces[p]!.column.length) p++;
      const { at: first, column } = pieces[p]!;
      if (column.validity !== undefined && !isValid(column, position - first)) continue;
      sources[at] = firstSource + p;
      rows[at] = position - first;
      open--;
    }
  }
  return assemble(type, columns, sources, rows, open);
}

/** The values of a part that has one for each of `length` rows, side by side in one piece, as parts in base order do: no row is looked at. */
function wholeRange(
  pieces: readonly Piece[],
  reader: PayloadReader,
  { from, to }: { readonly from: number; readonly to: number },
  length: number,
): Column | undefined {
  if (to - from !== length) return undefined;
  const first = reader.position(from);
  const piece = pieces.find(({ at, column }) => at <= first && first + length <= at + column.length);
  if (piece === undefined || piece.column.validity !== undefined) return undefined;
  for (let i = 1; i < length; i++) if (reader.position(from + i) !== first + i) return undefined;
  return sliceColumn(piece.column, first - piece.at, first - piece.at + length);
}

/** The entries for base rows `[start, end)`, narrowed to those between the first and the last row that still wants a value. */
function openRange(
  { base, count }: PartRows,
  sources: Int32Array,
  start: number,
  end: number,
): { readonly from: number; readonly to: number } | undefined {
  let from = base === undefined ? start : lowerBound(base, start);
  let to = base === undefined ? Math.min(end, count) : lowerBound(base, end);
  while (from < to && sources[(base?.[from] ?? from) - start]! >= 0) from++;
  while (to > from && sources[(base?.[to - 1] ?? to - 1) - start]! >= 0) to--;
  return from < to ? { from, to } : undefined;
}

function lowerBound(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function assemble(
  type: DataType,
  columns: readonly Column[],
  sources: Int32Array,
  rows: Int32Array,
  open: number,
): Column {
  const length = sources.length;
  if (open === length) return nullColumn(type, length);
  if (open === 0 && isRun(sources, rows)) return sliceColumn(columns[sources[0]!]!, rows[0]!, rows[0]! + length);
  return gatherColumns(type, columns, sources, rows);
}

/** Whether the rows are neighbours in one column: then a view of it will do. */
function isRun(sources: Int32Array, rows: Int32Array): boolean {
  for (let i = 1; i < rows.length; i++) {
    if (sources[i] !== sources[0] || rows[i] !== rows[0]! + i) return false;
  }
  return true;
}
