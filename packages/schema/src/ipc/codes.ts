import type { FloatKind, IntegerKind, TimestampUnit } from "../types.ts";

/** Members of the union `Type` in Arrow's Schema.fbs that have a meaning here. */
export const TypeCode = {
  null: 1,
  int: 2,
  float: 3,
  utf8: 5,
  bool: 6,
  timestamp: 10,
  list: 12,
  struct: 13,
  fixedSizeList: 16,
  largeUtf8: 20,
  largeList: 21,
  utf8View: 24,
  listView: 25,
  largeListView: 26,
} as const;

/** Names of the other members, as messages show them. */
export const OTHER_NAMES: ReadonlyMap<number, string> = new Map([
  [4, "binary"],
  [7, "decimal"],
  [8, "date"],
  [9, "time"],
  [11, "interval"],
  [14, "union"],
  [15, "fixed_size_binary"],
  [17, "map"],
  [18, "duration"],
  [19, "large_binary"],
  [22, "run_end_encoded"],
  [23, "binary_view"],
]);

/** By precision code. */
export const FLOATS: readonly FloatKind[] = ["float16", "float32", "float64"];

/** By unit code. */
export const UNITS: readonly ("s" | TimestampUnit)[] = ["s", "ms", "us", "ns"];

export const INTEGERS: Readonly<Record<IntegerKind, { readonly bits: number; readonly signed: boolean }>> = {
  int8: { bits: 8, signed: true },
  int16: { bits: 16, signed: true },
  int32: { bits: 32, signed: true },
  int64: { bits: 64, signed: true },
  uint8: { bits: 8, signed: false },
  uint16: { bits: 16, signed: false },
  uint32: { bits: 32, signed: false },
  uint64: { bits: 64, signed: false },
};

/** The integer kind of a width and sign; `undefined` if there is none. */
export function integerKind(bits: number, signed: boolean): IntegerKind | undefined {
  switch (bits) {
    case 8:
      return signed ? "int8" : "uint8";
    case 16:
      return signed ? "int16" : "uint16";
    case 32:
      return signed ? "int32" : "uint32";
    case 64:
      return signed ? "int64" : "uint64";
    default:
      return undefined;
  }
}
