import {
  type Column,
  type DataType,
  type FloatKind,
  formatType,
  type IntegerKind,
  sameType,
  type Value,
} from "@usr/schema";
import { columnBuilder, nullColumn, valueAt } from "@usr/schema/columns";
import { placed, printable, refuse } from "../error.ts";
import { decimalToFloat, roundTo } from "../float/float.ts";
import { utf8Bytes } from "../utf8.ts";
import { jsonCell } from "../write/json-row.ts";
import { inRange, RANGES } from "./integer.ts";
import { NS_PER, type TimestampType } from "./timestamp.ts";

export interface CastOptions {
  /** Floats may lose digits; overflow stays refused. */
  readonly allowRounding: boolean;
}

/** Turns a value of one type into a value of another, or throws `TYPE_MISMATCH`. Never sees NULL. */
type Convert = (value: Value) => Value;

/**
 * A column as another type, where every value survives. `firstRow` numbers rows in errors. Throws `TYPE_MISMATCH`, for types without a way between
 * them even when no row has a value.
 */
export function castColumn(column: Column, to: DataType, firstRow: number, o: CastOptions): Column {
  if (sameType(column.type, to)) return column;
  if (column.type.kind === "null") return nullColumn(to, column.length);
  const convert = converter(column.type, to, o);
  const builder = columnBuilder(to);
  for (let row = 0; row < column.length; row++) {
    const value = valueAt(column, row);
    try {
      builder.append(value === null ? null : convert(value));
    } catch (error) {
      throw placed(error, { row: firstRow + row, value: printable(unquoted(jsonCell(column)(row))) });
    }
  }
  return builder.finish();
}

/** Large integers, times and NaN are JSON texts; an error quotes what it shows by itself. */
function unquoted(json: string): string {
  return json.startsWith('"') ? json.slice(1, -1) : json;
}

const INTEGERS: ReadonlySet<string> = new Set(Object.keys(RANGES));

function isInteger(type: DataType): type is { readonly kind: IntegerKind } {
  return INTEGERS.has(type.kind);
}

function isFloat(type: DataType): type is { readonly kind: FloatKind } {
  return type.kind === "float16" || type.kind === "float32" || type.kind === "float64";
}

function converter(from: DataType, to: DataType, o: CastOptions): Convert {
  if (sameType(from, to)) return (value) => value;
  if (from.kind === "null") return () => null;
  if (isInteger(from) && isInteger(to)) return integerToInteger(to.kind);
  if (isInteger(from) && isFloat(to)) return integerToFloat(to.kind, o);
  if (isFloat(from) && isInteger(to)) return floatToInteger(to.kind);
  if (isFloat(from) && isFloat(to)) return floatToFloat(to.kind, o);
  if (from.kind === "timestamp" && to.kind === "timestamp") return timestampToTimestamp(from, to);
  if (from.kind === "struct" && to.kind === "struct") return structToStruct(from, to, o);
  if (
    (from.kind === "list" || from.kind === "fixed_size_list") &&
    (to.kind === "list" || to.kind === "fixed_size_list")
  ) {
    const item = nullable(converter(from.item, to.item, o));
    return (value) => {
      if (!Array.isArray(value)) throw unexpected(from);
      if (to.kind === "fixed_size_list" && value.length !== to.size) {
        throw refuse(`has ${value.length} items, ${formatType(to)} holds ${to.size}`);
      }
      return value.map(item);
    };
  }
  throw refuse(`${formatType(from)} cannot become ${formatType(to)}`, {
    hint: "Typed input is never parsed or guessed: cast it where it is made.",
  });
}

function nullable(convert: Convert): Convert {
  return (value) => (value === null ? null : convert(value));
}

function unexpected(type: DataType): Error {
  return refuse(`is no value of ${formatType(type)}`);
}

function asInteger(kind: IntegerKind, value: number | bigint): Value {
  if (!inRange(kind, value)) throw refuse(`is out of the range of ${kind}`);
  return kind === "int64" || kind === "uint64" ? BigInt(value) : Number(value);
}

function integerToInteger(to: IntegerKind): Convert {
  return (value) => {
    if (typeof value !== "number" && typeof value !== "bigint") throw unexpected({ kind: to });
    return asInteger(to, value);
  };
}

function floatToInteger(to: IntegerKind): Convert {
  return (value) => {
    if (typeof value !== "number") throw unexpected({ kind: to });
    if (!Number.isInteger(value) || Object.is(value, -0)) throw refuse(`does not survive as ${to}`);
    return asInteger(to, BigInt(value));
  };
}

const ROUNDING_HINT = "Allow rounding (--allow-rounding) if the nearest value will do.";

function integerToFloat(to: FloatKind, o: CastOptions): Convert {
  return (value) => {
    if (typeof value !== "number" && typeof value !== "bigint") throw unexpected({ kind: to });
    const digits = utf8Bytes(String(value));
    // from the digits, so that it is rounded once
    const nearest = decimalToFloat(digits, 0, digits.length, to);
    if (nearest === undefined) throw refuse(`is out of the range of ${to}`);
    if (!o.allowRounding && BigInt(nearest) !== BigInt(value))
      throw refuse(`does not survive as ${to}`, { hint: ROUNDING_HINT });
    return nearest;
  };
}

function floatToFloat(to: FloatKind, o: CastOptions): Convert {
  return (value) => {
    if (typeof value !== "number") throw unexpected({ kind: to });
    const nearest = roundTo(to, value);
    if (Object.is(nearest, value)) return nearest;
    if (!Number.isFinite(nearest)) throw refuse(`is out of the range of ${to}`);
    if (!o.allowRounding) throw refuse(`does not survive as ${to}`, { hint: ROUNDING_HINT });
    return nearest;
  };
}

function timestampToTimestamp(from: TimestampType, to: TimestampType): Convert {
  if ((from.timezone === undefined) !== (to.timezone === undefined)) {
    throw refuse(`${formatType(from)} cannot become ${formatType(to)}: one has a zone, the other none`);
  }
  const up = NS_PER[from.unit];
  const down = NS_PER[to.unit];
  return (value) => {
    if (typeof value !== "bigint") throw unexpected(from);
    const ns = value * up;
    if (ns % down !== 0n) throw refuse(`has digits that ${formatType(to)} cannot hold`);
    const result = ns / down;
    if (BigInt.asIntN(64, result) !== result) throw refuse(`is out of the range of ${formatType(to)}`);
    return result;
  };
}

type StructType = Extract<DataType, { kind: "struct" }>;

function structToStruct(from: StructType, to: StructType, o: CastOptions): Convert {
  const wanted = new Map(to.fields.map((field) => [field.name, field.type]));
  const converts = new Map<string, Convert>();
  for (const field of from.fields) {
    const type = wanted.get(field.name);
    if (type === undefined)
      throw refuse(`field ${printable(field.name)} of ${formatType(from)} is no field of ${formatType(to)}`);
    converts.set(field.name, nullable(converter(field.type, type, o)));
  }
  return (value) => {
    if (!isStruct(value)) throw unexpected(from);
    const result: Record<string, Value> = Object.create(null);
    for (const field of to.fields) {
      const convert = converts.get(field.name);
      result[field.name] = convert === undefined ? null : convert(value[field.name] ?? null);
    }
    return result;
  };
}

function isStruct(value: Value): value is { readonly [field: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
