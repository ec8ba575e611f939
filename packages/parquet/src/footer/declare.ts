import type { DataType, Field, StructField } from "@usr/schema";
import { notSupported } from "../error.ts";
import { resolveLimits } from "../limits.ts";
import { originOf } from "../origin.ts";
import { type ThriftStruct, type ThriftValue, WIRE } from "../thrift/read.ts";
import { list, struct, writeThrift } from "../thrift/write.ts";
import { CONVERTED, ELEMENT, FILE, LOGICAL, PHYSICAL, REPETITION, type SchemaNode } from "./format.ts";
import { decodeSchema } from "./read.ts";
import { type Shape, shapeOf } from "./shape.ts";

/** A column as the file declares it. */
export interface Declaration {
  readonly elements: readonly ThriftStruct[];
  readonly node: SchemaNode;
  readonly shape: Shape;
}

const utf8 = new TextEncoder();
const empty: ThriftStruct = new Map();

/** How this writer declares a field: OPTIONAL where nullable, lists in three levels named `list` and `element`. */
export function declare(field: Field): Declaration {
  const elements = elementsOf(field, field.nullable ? REPETITION.optional : REPETITION.required);
  const node = nodeOf(elements);
  return { elements, node, shape: shapeOf(node, originOf(field.type)) };
}

/** The elements of a column of an open file, under the name it gets in the new one. */
export function adopt(node: SchemaNode, name: string, type: DataType): Declaration {
  const flat = (n: SchemaNode): readonly ThriftStruct[] => [n.element, ...n.children.flatMap(flat)];
  const [head, ...rest] = flat(node);
  const renamed = new Map(head ?? empty).set(ELEMENT.name, utf8.encode(name));
  const elements = [renamed, ...rest];
  const own = nodeOf(elements);
  return { elements, node: own, shape: shapeOf(own, originOf(type)) };
}

/** Same physical layout, names and annotations: chunks of one can stand under the other. Field ids do not matter. */
export function sameDeclaration(a: Declaration, b: Declaration): boolean {
  return (
    a.elements.length === b.elements.length && a.elements.every((e, i) => comparable(e) === comparable(b.elements[i]!))
  );
}

function comparable(element: ThriftStruct): string {
  const bare = new Map(element);
  bare.delete(ELEMENT.fieldId);
  // A lack of children is written as 0 by some and left out by others.
  if (bare.get(ELEMENT.numChildren) === 0) bare.delete(ELEMENT.numChildren);
  if (bare.has(ELEMENT.type) && bare.get(ELEMENT.typeLength) === 0) bare.delete(ELEMENT.typeLength);
  return writeThrift(bare).join();
}

function nodeOf(elements: readonly ThriftStruct[]): SchemaNode {
  const root = struct([
    [ELEMENT.name, utf8.encode("schema")],
    [ELEMENT.numChildren, 1],
  ]);
  const meta = struct([[FILE.schema, list(WIRE.struct, [root, ...elements])]]);
  return decodeSchema(meta, resolveLimits()).columns[0]!;
}

function elementsOf(field: StructField, repetition: number): readonly ThriftStruct[] {
  const { type } = field;
  const base = (fields: readonly (readonly [number, ThriftValue | undefined])[]): ThriftStruct =>
    struct([[ELEMENT.repetition, repetition], [ELEMENT.name, utf8.encode(field.name)], ...fields]);
  const leaf = (
    physical: number,
    converted?: number,
    logical?: readonly [number, ThriftStruct],
    length?: number,
  ): readonly ThriftStruct[] => [
    base([
      [ELEMENT.type, physical],
      [ELEMENT.typeLength, length],
      [ELEMENT.converted, converted],
      [ELEMENT.logical, logical === undefined ? undefined : struct([logical])],
    ]),
  ];
  const integer = (physical: number, converted: number, bits: number, signed: boolean): readonly ThriftStruct[] =>
    leaf(physical, converted, [
      LOGICAL.integer,
      struct([
        [1, { kind: "i8", value: bits }],
        [2, signed],
      ]),
    ]);
  switch (type.kind) {
    case "string":
      return leaf(PHYSICAL.byteArray, CONVERTED.utf8, [LOGICAL.string, empty]);
    case "bool":
      return leaf(PHYSICAL.boolean);
    case "int8":
      return integer(PHYSICAL.int32, CONVERTED.int8, 8, true);
    case "int16":
      return integer(PHYSICAL.int32, CONVERTED.int16, 16, true);
    case "int32":
      return leaf(PHYSICAL.int32);
    case "int64":
      return leaf(PHYSICAL.int64);
    case "uint8":
      return integer(PHYSICAL.int32, CONVERTED.uint8, 8, false);
    case "uint16":
      return integer(PHYSICAL.int32, CONVERTED.uint16, 16, false);
    case "uint32":
      return integer(PHYSICAL.int32, CONVERTED.uint32, 32, false);
    case "uint64":
      return integer(PHYSICAL.int64, CONVERTED.uint64, 64, false);
    case "float16":
      return leaf(PHYSICAL.fixed, undefined, [LOGICAL.float16, empty], 2);
    case "float32":
      return leaf(PHYSICAL.float);
    case "float64":
      return leaf(PHYSICAL.double);
    case "timestamp": {
      const zoned = type.timezone !== undefined;
      const unit = { ms: 1, us: 2, ns: 3 }[type.unit];
      const converted = { ms: CONVERTED.timestampMillis, us: CONVERTED.timestampMicros, ns: undefined }[type.unit];
      // The converted types mean an instant in UTC, so that a naive time must do without.
      return leaf(PHYSICAL.int64, zoned ? converted : undefined, [
        LOGICAL.timestamp,
        struct([
          [1, zoned],
          [2, struct([[unit, empty]])],
        ]),
      ]);
    }
    case "list":
    case "fixed_size_list":
      return [
        base([
          [ELEMENT.numChildren, 1],
          [ELEMENT.converted, CONVERTED.list],
          [ELEMENT.logical, struct([[LOGICAL.list, empty]])],
        ]),
        struct([
          [ELEMENT.repetition, REPETITION.repeated],
          [ELEMENT.name, utf8.encode("list")],
          [ELEMENT.numChildren, 1],
        ]),
        ...elementsOf({ name: "element", type: type.item }, REPETITION.optional),
      ];
    case "struct":
      if (type.fields.length === 0)
        throw notSupported(`Column "${field.name}" holds a struct without fields, which Parquet cannot store.`);
      return [
        base([[ELEMENT.numChildren, type.fields.length]]),
        ...type.fields.flatMap((f) => elementsOf(f, REPETITION.optional)),
      ];
    case "null":
      // What pyarrow writes: nothing is ever stored, so that any physical type would do.
      return leaf(PHYSICAL.int32, undefined, [LOGICAL.unknown, empty]);
  }
}

/** Types that only `ARROW:schema` can tell from what Parquet itself declares. */
export function needsArrowSchema(type: DataType): boolean {
  switch (type.kind) {
    case "fixed_size_list":
      return true;
    case "timestamp":
      return type.timezone !== undefined && type.timezone !== "UTC";
    case "list":
      return needsArrowSchema(type.item);
    case "struct":
      return type.fields.some((f) => needsArrowSchema(f.type));
    default:
      return false;
  }
}
