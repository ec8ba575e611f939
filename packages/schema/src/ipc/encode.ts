import type { DataType, Field, Schema, StructField } from "../types.ts";
import { FLOATS, INTEGERS, TypeCode, UNITS } from "./codes.ts";
import {
  int8,
  int16,
  int32,
  int64,
  type ObjectWriter,
  type Slot,
  structs,
  table,
  text,
  vector,
  writeFlatbuffer,
} from "./write-flatbuffer.ts";

const METADATA_V5 = 4;
const HEADER_SCHEMA = 1;

/**
 * The schema as Parquet files carry it under `ARROW:schema`: base64 of an encapsulated Arrow IPC message, readable by `pyarrow.ipc.read_schema`.
 * List elements are called `item`, as pyarrow calls them.
 */
export function encodeArrowSchema(schema: Schema): string {
  const message = writeFlatbuffer(table([int16(METADATA_V5), int8(HEADER_SCHEMA), writeSchema(schema), int64(0)]));
  const bytes = new Uint8Array(8 + message.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xffffffff);
  view.setInt32(4, message.length, true);
  bytes.set(message, 8);
  return base64(bytes);
}

/** A place of a message in a file. */
export interface Block {
  readonly offset: number;
  readonly metadataLength: number;
  readonly bodyLength: number;
}

/** The footer of an Arrow file, without its length and the magic. */
export function encodeFooter(schema: Schema, batches: readonly Block[]): Uint8Array {
  // The metadata length is a 32-bit number with 4 bytes of padding: a 64-bit number of the same value has the same bytes.
  const blocks = batches.map(({ offset, metadataLength, bodyLength }) => [offset, metadataLength, bodyLength]);
  return writeFlatbuffer(table([int16(METADATA_V5), writeSchema(schema), structs([]), structs(blocks)]));
}

function writeSchema(schema: Schema): ObjectWriter {
  return table([int16(0), vector(schema.fields.map(writeField)), writeMetadata(schema.metadata)]);
}

function writeField(field: Field): ObjectWriter {
  const { code, body, children } = writeType(field.type);
  return table([
    text(field.name),
    int8(field.nullable ? 1 : 0),
    int8(code),
    table(body),
    undefined,
    vector(children.map((child) => writeField({ ...child, nullable: true }))),
  ]);
}

interface TypeParts {
  readonly code: number;
  readonly body: readonly Slot[];
  readonly children: readonly StructField[];
}

function writeType(type: DataType): TypeParts {
  switch (type.kind) {
    case "null":
      return { code: TypeCode.null, body: [], children: [] };
    case "string":
      return { code: TypeCode.utf8, body: [], children: [] };
    case "bool":
      return { code: TypeCode.bool, body: [], children: [] };
    case "float16":
    case "float32":
    case "float64":
      return { code: TypeCode.float, body: [int16(FLOATS.indexOf(type.kind))], children: [] };
    case "timestamp": {
      const zone = type.timezone === undefined ? undefined : text(type.timezone);
      return { code: TypeCode.timestamp, body: [int16(UNITS.indexOf(type.unit)), zone], children: [] };
    }
    case "list":
      return { code: TypeCode.list, body: [], children: [{ name: "item", type: type.item }] };
    case "fixed_size_list":
      return { code: TypeCode.fixedSizeList, body: [int32(type.size)], children: [{ name: "item", type: type.item }] };
    case "struct":
      return { code: TypeCode.struct, body: [], children: type.fields };
    default: {
      const { bits, signed } = INTEGERS[type.kind];
      return { code: TypeCode.int, body: [int32(bits), int8(signed ? 1 : 0)], children: [] };
    }
  }
}

function writeMetadata(metadata: ReadonlyMap<string, string>): ObjectWriter | undefined {
  return metadata.size === 0 ? undefined : vector([...metadata].map(([key, value]) => table([text(key), text(value)])));
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(binary);
}
