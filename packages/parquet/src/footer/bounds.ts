import type { DataType } from "@usr/schema";
import { readableShape } from "../open.ts";
import { getBytes, getStruct } from "../thrift/fields.ts";
import type { ParquetFile } from "../types.ts";
import type { SchemaNode } from "./format.ts";
import { META, REPETITION, STATS } from "./format.ts";

/**
 * NULLs of a column over the whole file, from the statistics. `undefined` where they do not tell: a nested column, or a row group
 * without a count. Throws `COLUMN_NOT_FOUND` or `NOT_SUPPORTED`.
 */
export function nullCount(file: ParquetFile, column: string): number | undefined {
  const shape = readableShape(file, column);
  if (shape.kind !== "leaf") return undefined;
  const { leaf } = shape;
  if (leaf.repetition === REPETITION.required) return 0;
  let total = 0;
  for (const group of file.footer.rowGroups) {
    if (group.numRows === 0) continue;
    const { nulls } = group.chunks[leaf.firstLeaf]!;
    if (nulls === undefined || nulls > group.numRows) return undefined;
    total += nulls;
  }
  return total;
}

/** What the statistics of one column in one row group promise. */
export interface ColumnBounds {
  /** Rows without a value; `undefined` = not told. */
  readonly nulls: number | undefined;
  /**
   * Every value but NaN is at least `min` and at most `max`, in the order of the type: numbers by value, text by its UTF-8 bytes, false
   * before true (0 and 1). The bounds need not be values of the column, and cut text need not be whole characters.
   */
  readonly range: { readonly min: Bound; readonly max: Bound } | undefined;
}
export type Bound = number | bigint | Uint8Array;

/**
 * The bounds of a flat column in one row group, from the footer alone; of a nested column nothing is told. Statistics in an order that is not
 * the type's, of a wrong width, with NaN, or that contradict each other tell nothing. Throws `COLUMN_NOT_FOUND` or `NOT_SUPPORTED`.
 */
export function columnBounds(file: ParquetFile, rowGroup: number, column: string): ColumnBounds {
  const shape = readableShape(file, column);
  const group = file.footer.rowGroups[rowGroup];
  if (shape.kind !== "leaf" || group === undefined) return { nulls: undefined, range: undefined };
  const { leaf } = shape;
  const chunk = group.chunks[leaf.firstLeaf]!;
  const counted = chunk.nulls !== undefined && chunk.nulls <= group.numRows ? chunk.nulls : undefined;
  const nulls = leaf.repetition === REPETITION.required ? 0 : counted;
  const statistics = getStruct(chunk.meta, META.statistics);
  if (statistics === undefined || !hasTypeOrder(file, leaf)) return { nulls, range: undefined };
  const min = decodeBound(shape.type, getBytes(statistics, STATS.minValue));
  const max = decodeBound(shape.type, getBytes(statistics, STATS.maxValue));
  const sound = min !== undefined && max !== undefined && !isBelow(max, min);
  return { nulls, range: sound ? { min, max } : undefined };
}

/** Whether the bounds of a column are in the order of its type. */
export function hasTypeOrder(file: ParquetFile, leaf: SchemaNode): boolean {
  return file.footer.declared.typeOrdered[leaf.firstLeaf] === true;
}

function decodeBound(type: DataType, bytes: Uint8Array | undefined): Bound | undefined {
  if (bytes === undefined) return undefined;
  if (type.kind === "string") return bytes;
  if (bytes.length !== boundWidth(type)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (type.kind) {
    case "bool":
      return bytes[0]! > 1 ? undefined : bytes[0];
    case "int8":
    case "int16":
    case "int32":
      return view.getInt32(0, true);
    case "uint8":
    case "uint16":
    case "uint32":
      return view.getUint32(0, true);
    case "int64":
    case "timestamp":
      return view.getBigInt64(0, true);
    case "uint64":
      return view.getBigUint64(0, true);
    case "float32":
      return ordered(view.getFloat32(0, true));
    case "float64":
      return ordered(view.getFloat64(0, true));
    default:
      return undefined;
  }
}

function boundWidth({ kind }: DataType): number {
  if (kind === "bool") return 1;
  return kind === "int64" || kind === "uint64" || kind === "timestamp" || kind === "float64" ? 8 : 4;
}

function ordered(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

function isBelow(a: Bound, b: Bound): boolean {
  if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) return a < b;
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return a.length < b.length;
}
