import type { Column, DataType, FixedColumn, TimestampUnit } from "@usr/schema";
import { formatType, sameType } from "@usr/schema";
import { gatherColumns, isValid, nullColumn } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";

/**
 * Whether values of `from` can take the type `to` without a change of meaning. These are the differences that folding overlays into the base
 * through a query engine leaves behind: wider floats, other timestamp units and zones, lists for fixed-size lists (and the other way round).
 */
export function isConvertible(from: DataType, to: DataType): boolean {
  if (sameType(from, to) || from.kind === "null") return true;
  if (isListType(from) && isListType(to)) return isConvertible(from.item, to.item);
  switch (from.kind) {
    case "float16":
      return to.kind === "float32" || to.kind === "float64";
    case "float32":
      return to.kind === "float64";
    case "timestamp":
      return to.kind === "timestamp" && (from.timezone === undefined) === (to.timezone === undefined);
    case "struct":
      return (
        to.kind === "struct" &&
        from.fields.length === to.fields.length &&
        from.fields.every((field, i) => {
          const other = to.fields[i]!;
          return field.name === other.name && isConvertible(field.type, other.type);
        })
      );
    default:
      return false;
  }
}

function isListType(type: DataType): type is Extract<DataType, { kind: "list" | "fixed_size_list" }> {
  return type.kind === "list" || type.kind === "fixed_size_list";
}

/**
 * The column with its values as `to`, value by value the same. `name` is the column's name for messages.
 *
 * @throws DatasetError `TYPE_MISMATCH` where the types are not convertible or a value does not survive (a finer timestamp, a list of another length)
 */
export function convertColumn(column: Column, to: DataType, name: string): Column {
  const from = column.type;
  if (sameType(from, to)) return column;
  if (column.layout === "null") return nullColumn(to, column.length);
  const { length, validity } = column;
  if (column.layout === "fixed" && from.kind === "timestamp" && to.kind === "timestamp")
    return convertTimestamps(column, from.unit, to.unit, to, name);
  if (column.layout === "fixed" && from.kind === "float16" && (to.kind === "float32" || to.kind === "float64")) {
    const values = to.kind === "float32" ? new Float32Array(length) : new Float64Array(length);
    for (let i = 0; i < length; i++) values[i] = halfToNumber(Number(column.values[i]!));
    return { layout: "fixed", type: to, length, validity, values };
  }
  if (column.layout === "fixed" && from.kind === "float32" && to.kind === "float64") {
    const values = new Float64Array(length);
    for (let i = 0; i < length; i++) values[i] = Number(column.values[i]!);
    return { layout: "fixed", type: to, length, validity, values };
  }
  if (column.layout === "struct" && to.kind === "struct" && isConvertible(from, to)) {
    const children = column.children.map((child, i) =>
      convertColumn(child, to.fields[i]!.type, `${name}.${to.fields[i]!.name}`),
    );
    return { layout: "struct", type: to, length, validity, children };
  }
  if (column.layout === "list" && to.kind === "list") {
    return {
      layout: "list",
      type: to,
      length,
      validity,
      offsets: column.offsets,
      child: convertColumn(column.child, to.item, name),
    };
  }
  if (column.layout === "fixed_list" && to.kind === "fixed_size_list" && to.size === column.size) {
    return {
      layout: "fixed_list",
      type: to,
      length,
      validity,
      size: to.size,
      child: convertColumn(column.child, to.item, name),
    };
  }
  if (column.layout === "fixed_list" && to.kind === "list") {
    const offsets = new Int32Array(length + 1);
    for (let i = 0; i < length; i++) offsets[i + 1] = offsets[i]! + (isValid(column, i) ? column.size : 0);
    const rows = new Int32Array(offsets[length]!);
    for (let i = 0, at = 0; i < length; i++) {
      if (isValid(column, i)) for (let j = 0; j < column.size; j++) rows[at++] = i * column.size + j;
    }
    const child = gatherColumns(column.child.type, [column.child], undefined, rows);
    return { layout: "list", type: to, length, validity, offsets, child: convertColumn(child, to.item, name) };
  }
  if (column.layout === "list" && to.kind === "fixed_size_list") {
    const rows = new Int32Array(length * to.size).fill(-1);
    for (let i = 0; i < length; i++) {
      if (!isValid(column, i)) continue;
      const start = column.offsets[i]!;
      const size = column.offsets[i + 1]! - start;
      if (size !== to.size) throw mismatch(name, from, to, `a list of ${size} values`);
      for (let j = 0; j < size; j++) rows[i * to.size + j] = start + j;
    }
    const child = gatherColumns(column.child.type, [column.child], undefined, rows);
    return {
      layout: "fixed_list",
      type: to,
      length,
      validity,
      size: to.size,
      child: convertColumn(child, to.item, name),
    };
  }
  throw mismatch(name, from, to, undefined);
}

const PER_MILLISECOND: Readonly<Record<TimestampUnit, bigint>> = { ms: 1n, us: 1_000n, ns: 1_000_000n };

function convertTimestamps(
  column: FixedColumn,
  from: TimestampUnit,
  to: TimestampUnit,
  type: DataType,
  name: string,
): Column {
  if (!isConvertible(column.type, type)) throw mismatch(name, column.type, type, undefined);
  const { length, validity } = column;
  if (from === to) return { layout: "fixed", type, length, validity, values: column.values };
  const values = new BigInt64Array(length);
  const finer = PER_MILLISECOND[to] > PER_MILLISECOND[from];
  const factor = finer ? PER_MILLISECOND[to] / PER_MILLISECOND[from] : PER_MILLISECOND[from] / PER_MILLISECOND[to];
  for (let i = 0; i < length; i++) {
    if (!isValid(column, i)) continue;
    const value = BigInt(column.values[i]!);
    const converted = finer ? value * factor : value / factor;
    if (finer ? BigInt.asIntN(64, converted) !== converted : converted * factor !== value) {
      throw mismatch(name, column.type, type, `the value ${value} ${from}`);
    }
    values[i] = converted;
  }
  return { layout: "fixed", type, length, validity, values };
}

/** The number that the bits of an IEEE 754 half mean. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function mismatch(name: string, from: DataType, to: DataType, value: string | undefined): DatasetError {
  const what = value === undefined ? "" : `; ${value} does not fit`;
  return new DatasetError(
    "TYPE_MISMATCH",
    `${name}: the base holds ${formatType(to)} and the overlay ${formatType(from)}${what}.`,
    {
      hint: "Read without overlays (--no-overlays), or remove the overlay or the materialized column.",
      details: { column: name, stored: formatType(to), overlay: formatType(from) },
    },
  );
}
