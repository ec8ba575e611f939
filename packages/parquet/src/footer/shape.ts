import type { DataType, FixedType } from "@usr/schema";
import { getBool, getI8, getI32, getStruct } from "../thrift/fields.ts";
import type { ThriftStruct } from "../thrift/read.ts";
import type { SchemaNode } from "./format.ts";
import { CONVERTED, ELEMENT, LOGICAL, PHYSICAL, REPETITION } from "./format.ts";

/** How a column is put together from its leaves. Levels are those of the format: "has a value when the definition level is at least `def`". */
export type Shape = LeafShape | ListShape | StructShape;
/** What one Parquet column holds: a type without parts. */
type LeafType = Exclude<DataType, { readonly kind: "list" | "fixed_size_list" | "struct" }>;

export interface LeafShape {
  readonly kind: "leaf";
  readonly type: LeafType;
  readonly leaf: SchemaNode;
}
export interface ListShape {
  readonly kind: "list";
  readonly type: DataType & { readonly kind: "list" | "fixed_size_list" };
  /** The list is not NULL; equal to the parent's where it cannot be. */
  readonly def: number;
  /** An element exists. */
  readonly elementDef: number;
  readonly rep: number;
  readonly item: Shape;
}
export interface StructShape {
  readonly kind: "struct";
  readonly type: DataType & { readonly kind: "struct" };
  readonly def: number;
  readonly children: readonly Shape[];
}

/** What `ARROW:schema` says of a column, as far as it changes how the column is read. */
export interface Origin {
  readonly kind: "timestamp" | "fixed_size_list" | "list" | "struct" | "duration" | "other";
  readonly timezone?: string | undefined;
  readonly size?: number | undefined;
  readonly children: readonly Origin[];
}

/** Thrown inside `shapeOf` for a column this package does not read; the text completes "column x is ...". */
export class UnsupportedShape extends Error {}

/** The shape of one top-level column. Throws `UnsupportedShape` where there is none. */
export function shapeOf(node: SchemaNode, origin: Origin | undefined): Shape {
  if (origin?.kind === "duration") throw new UnsupportedShape("a duration");
  if (node.repetition === REPETITION.repeated) {
    // A bare repeated field is a list that cannot be NULL.
    const item = valueShape(node, origin?.children[0]);
    return listShape(node.def - 1, node.def, node.rep, item, origin);
  }
  return valueShape(node, origin);
}

function valueShape(node: SchemaNode, origin: Origin | undefined): Shape {
  if (node.physical !== undefined) return { kind: "leaf", type: leafType(node, origin), leaf: node };
  if (annotated(node, LOGICAL.list, CONVERTED.list)) return annotatedList(node, origin);
  if (annotated(node, LOGICAL.map, CONVERTED.map) || annotated(node, LOGICAL.map, CONVERTED.mapKeyValue))
    throw new UnsupportedShape("a map");
  const logical = getStruct(node.element, ELEMENT.logical);
  if (logical !== undefined && logical.size > 0) throw new UnsupportedShape("a group of an unknown logical type");
  return structShape(node, origin);
}

function structShape(node: SchemaNode, origin: Origin | undefined): Shape {
  if (node.children.length === 0) throw new UnsupportedShape("a struct without fields");
  const origins = origin?.kind === "struct" && origin.children.length === node.children.length ? origin.children : [];
  const children = node.children.map((child, i) => shapeOf(child, origins[i]));
  const fields = node.children.map((child, i) => ({ name: child.name, type: children[i]!.type }));
  if (new Set(fields.map((f) => f.name)).size !== fields.length)
    throw new UnsupportedShape("a struct with two fields of one name");
  return { kind: "struct", type: { kind: "struct", fields }, def: node.def, children };
}

/** A LIST group: three levels, or one of the two-level forms of older writers (rules of the format's LogicalTypes page). */
function annotatedList(node: SchemaNode, origin: Origin | undefined): Shape {
  const repeated = node.children[0];
  if (node.children.length !== 1 || repeated === undefined || repeated.repetition !== REPETITION.repeated) {
    throw new UnsupportedShape("a list without a repeated child");
  }
  const itemOrigin = origin?.kind === "list" || origin?.kind === "fixed_size_list" ? origin.children[0] : undefined;
  const twoLevel =
    repeated.physical !== undefined ||
    repeated.children.length !== 1 ||
    repeated.name === "array" ||
    repeated.name === `${node.name}_tuple`;
  const only = repeated.children[0];
  const item =
    twoLevel || only === undefined
      ? valueShape(repeated, itemOrigin)
      : only.repetition === REPETITION.repeated
        ? structShape(repeated, itemOrigin)
        : shapeOf(only, itemOrigin);
  return listShape(node.def, repeated.def, repeated.rep, item, origin);
}

function listShape(def: number, elementDef: number, rep: number, item: Shape, origin: Origin | undefined): Shape {
  const fixed = origin?.kind === "fixed_size_list" && origin.size !== undefined && origin.size >= 0;
  const type = fixed
    ? ({ kind: "fixed_size_list", item: item.type, size: origin.size } as const)
    : ({ kind: "list", item: item.type } as const);
  return { kind: "list", type, def, elementDef, rep, item };
}

function annotated(node: SchemaNode, logical: number, converted: number): boolean {
  const union = getStruct(node.element, ELEMENT.logical);
  if (union !== undefined && union.size > 0) return union.has(logical);
  return getI32(node.element, ELEMENT.converted) === converted;
}

const INTEGERS: Readonly<Record<number, FixedType>> = {
  [CONVERTED.uint8]: { kind: "uint8" },
  [CONVERTED.uint16]: { kind: "uint16" },
  [CONVERTED.uint32]: { kind: "uint32" },
  [CONVERTED.uint64]: { kind: "uint64" },
  [CONVERTED.int8]: { kind: "int8" },
  [CONVERTED.int16]: { kind: "int16" },
  [CONVERTED.int32]: { kind: "int32" },
  [CONVERTED.int64]: { kind: "int64" },
};

function leafType(node: SchemaNode, origin: Origin | undefined): LeafType {
  const logical = getStruct(node.element, ELEMENT.logical);
  const converted = getI32(node.element, ELEMENT.converted);
  const known = logical !== undefined && logical.size > 0;
  if (known && logical.has(LOGICAL.unknown)) return { kind: "null" };
  const plain = !known && converted === undefined;
  switch (node.physical) {
    case PHYSICAL.boolean:
      if (plain) return { kind: "bool" };
      break;
    case PHYSICAL.float:
      if (plain) return { kind: "float32" };
      break;
    case PHYSICAL.double:
      if (plain) return { kind: "float64" };
      break;
    case PHYSICAL.int96:
      throw new UnsupportedShape("an INT96 timestamp");
    case PHYSICAL.byteArray:
      if (known ? logical.has(LOGICAL.string) : converted === CONVERTED.utf8) return { kind: "string" };
      break;
    case PHYSICAL.fixed:
      if (known && logical.has(LOGICAL.float16) && node.typeLength === 2) return { kind: "float16" };
      break;
    case PHYSICAL.int32:
    case PHYSICAL.int64: {
      const wide = node.physical === PHYSICAL.int64;
      if (plain) return { kind: wide ? "int64" : "int32" };
      const integer = known ? integerType(getStruct(logical, LOGICAL.integer)) : INTEGERS[converted ?? -1];
      if (integer !== undefined && (integer.kind === "int64" || integer.kind === "uint64") === wide) return integer;
      const timestamp = wide
        ? timestampType(
            known ? getStruct(logical, LOGICAL.timestamp) : undefined,
            known ? undefined : converted,
            origin,
          )
        : undefined;
      if (timestamp !== undefined) return timestamp;
      break;
    }
  }
  throw new UnsupportedShape(strangerName(node, known ? [...logical.keys()][0] : undefined, converted));
}

/** What other writers store, by member of the LogicalType union and by the older ConvertedType. */
const STRANGERS: readonly (readonly [name: string, logical: number | undefined, converted: readonly number[]])[] = [
  ["an enum", 4, [4]],
  ["a decimal", 5, [5]],
  ["a date", 6, [6]],
  ["a time of day", 7, [7, 8]],
  ["JSON", 12, [19]],
  ["BSON", 13, [20]],
  ["a UUID", 14, []],
  ["an interval", undefined, [21]],
  ["a variant", 16, []],
  ["a geometry", 17, []],
  ["a geography", 18, []],
];

/** A type outside of the vocabulary in the words of those who made the file. */
function strangerName(node: SchemaNode, logical: number | undefined, converted: number | undefined): string {
  const found = STRANGERS.find(([, member, older]) =>
    logical === undefined ? older.some((one) => one === converted) : member === logical,
  );
  if (found !== undefined) return found[0];
  if (logical === undefined && converted === undefined) return "raw bytes, not marked as text";
  return `of physical type ${node.physical} with ${logical === undefined ? `converted type ${converted}` : `logical type ${logical}`}`;
}

function integerType(integer: ThriftStruct | undefined): FixedType | undefined {
  if (integer === undefined) return undefined;
  const signed = getBool(integer, 2);
  switch (getI8(integer, 1)) {
    case 8:
      return { kind: signed ? "int8" : "uint8" };
    case 16:
      return { kind: signed ? "int16" : "uint16" };
    case 32:
      return { kind: signed ? "int32" : "uint32" };
    case 64:
      return { kind: signed ? "int64" : "uint64" };
    default:
      return undefined;
  }
}

function timestampType(
  logical: ThriftStruct | undefined,
  converted: number | undefined,
  origin: Origin | undefined,
): FixedType | undefined {
  let unit: "ms" | "us" | "ns" | undefined;
  // A converted type alone says nothing of zones that pyarrow or DuckDB would believe: both read it as naive.
  let adjusted = false;
  if (logical !== undefined) {
    const units = getStruct(logical, 2);
    unit = units?.has(1) ? "ms" : units?.has(2) ? "us" : units?.has(3) ? "ns" : undefined;
    adjusted = getBool(logical, 1) ?? false;
  } else {
    unit = converted === CONVERTED.timestampMillis ? "ms" : converted === CONVERTED.timestampMicros ? "us" : undefined;
  }
  if (unit === undefined) return undefined;
  if (!adjusted) return { kind: "timestamp", unit };
  const zone = origin?.kind === "timestamp" && origin.timezone ? origin.timezone : "UTC";
  return { kind: "timestamp", unit, timezone: zone };
}
