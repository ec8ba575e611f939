import { SchemaError } from "../error.ts";
import { formatType } from "../format-type.ts";
import type { DataType, StructField } from "../types.ts";
import { FLOATS, integerKind, OTHER_NAMES, TypeCode, UNITS } from "./codes.ts";
import {
  corrupt,
  openFlatbuffer,
  readInt,
  readTable,
  readTables,
  readText,
  rootTable,
  type Table,
} from "./read-flatbuffer.ts";

/** An Arrow type outside the vocabulary, kept by its name; also a type that holds one, e.g. `list<date>`. */
export interface OtherType {
  readonly kind: "other";
  readonly name: string;
}

export interface ArrowField {
  readonly name: string;
  readonly nullable: boolean;
  /** The logical type: dictionary-encoded, large and view forms count as what they hold. */
  readonly type: DataType | OtherType;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface ArrowSchema {
  readonly fields: readonly ArrowField[];
  readonly metadata: ReadonlyMap<string, string>;
}

const HEADER_SCHEMA = 1;
const MAX_DEPTH = 64;
/** More fields, nested ones counted, than any table has. */
const MAX_FIELDS = 100_000;
const CONTINUATION = 0xffffffff;

interface Limits {
  fields: number;
}

/**
 * Reads what Parquet files carry under `ARROW:schema`: base64 of an encapsulated Arrow IPC schema message, with or without the continuation marker.
 * Every offset is checked and the work is linear in the text. Names and metadata that are not UTF-8 come out with U+FFFD.
 *
 * @throws SchemaError `CORRUPT` for anything that is not such a message, `TOO_LARGE` past 64 levels or 100 000 fields.
 */
export function decodeArrowSchema(base64: string): ArrowSchema {
  const message = rootTable(openFlatbuffer(unwrap(decodeBase64(base64))));
  if (readInt(message, 1, 1, 0) !== HEADER_SCHEMA) {
    throw corrupt("the message is no schema");
  }
  return readSchema(message);
}

/** The schema that a message holds. */
export function readSchema(message: Table): ArrowSchema {
  const schema = readTable(message, 2);
  if (schema === undefined) {
    throw corrupt("the message is empty");
  }
  return readSchemaTable(schema);
}

export function readSchemaTable(schema: Table): ArrowSchema {
  const limits: Limits = { fields: MAX_FIELDS };
  const fields = readTables(schema, 1).map((field) => readField(field, 1, limits));
  return { fields, metadata: readMetadata(schema, 2) };
}

function decodeBase64(base64: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(base64);
  } catch (cause) {
    throw new SchemaError("CORRUPT", "The Arrow schema is not base64.", { cause });
  }
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

/** The flatbuffer inside the envelope. Files of before 2019 have no continuation marker. */
function unwrap(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes.length >= 8 && view.getUint32(0, true) === CONTINUATION ? 8 : 4;
  const size = bytes.length >= start ? view.getInt32(start - 4, true) : -1;
  if (size < 4 || start + size > bytes.length) {
    throw corrupt(`${bytes.length} bytes do not hold a message`);
  }
  return bytes.subarray(start, start + size);
}

function readField(field: Table, depth: number, limits: Limits): ArrowField {
  limits.fields -= 1;
  if (limits.fields < 0 || depth > MAX_DEPTH) {
    throw new SchemaError(
      "TOO_LARGE",
      `The Arrow schema has more than ${depth > MAX_DEPTH ? `${MAX_DEPTH} levels` : `${MAX_FIELDS} fields`}.`,
      { details: { depth: MAX_DEPTH, fields: MAX_FIELDS } },
    );
  }
  return {
    name: readText(field, 0) ?? "",
    nullable: readInt(field, 1, 1, 0) !== 0,
    type: readType(field, depth, limits),
    metadata: readMetadata(field, 6),
  };
}

function readType(field: Table, depth: number, limits: Limits): DataType | OtherType {
  const code = readInt(field, 2, 1, 0);
  const body = readTable(field, 3);
  const children = readTables(field, 5).map((child) => readField(child, depth + 1, limits));
  if (body === undefined) {
    throw corrupt("a field has no type");
  }
  switch (code) {
    case TypeCode.null:
      return { kind: "null" };
    case TypeCode.bool:
      return { kind: "bool" };
    case TypeCode.utf8:
    case TypeCode.largeUtf8:
    case TypeCode.utf8View:
      return { kind: "string" };
    case TypeCode.int: {
      const bits = readInt(body, 0, 4, 0);
      const kind = integerKind(bits, readInt(body, 1, 1, 0) !== 0);
      if (kind === undefined) {
        throw corrupt(`there are no integers of ${bits} bits`);
      }
      return { kind };
    }
    case TypeCode.float: {
      const kind = FLOATS[readInt(body, 0, 2, 0)];
      if (kind === undefined) {
        throw corrupt("a float has no known precision");
      }
      return { kind };
    }
    case TypeCode.timestamp:
      return readTimestamp(body);
    case TypeCode.list:
    case TypeCode.largeList:
    case TypeCode.listView:
    case TypeCode.largeListView: {
      const { type: item } = onlyChild(children);
      return item.kind === "other" ? other(`list<${item.name}>`) : { kind: "list", item };
    }
    case TypeCode.fixedSizeList: {
      const { type: item } = onlyChild(children);
      const size = readInt(body, 0, 4, 0);
      return item.kind === "other" || size < 1
        ? other(`fixed_size_list<${nameOf(item)}>[${size}]`)
        : { kind: "fixed_size_list", item, size };
    }
    case TypeCode.struct:
      return readStruct(children);
    default:
      return other(OTHER_NAMES.get(code) ?? `type ${code}`);
  }
}

function readTimestamp(body: Table): DataType | OtherType {
  const unit = UNITS[readInt(body, 0, 2, 0)];
  const timezone = readText(body, 1);
  if (unit === undefined) {
    throw corrupt("a timestamp has no known unit");
  }
  const zoned = timezone !== undefined && timezone !== "";
  if (unit === "s") {
    return other(zoned ? `timestamp[s, ${timezone}]` : "timestamp[s]");
  }
  return zoned ? { kind: "timestamp", unit, timezone } : { kind: "timestamp", unit };
}

function readStruct(children: readonly ArrowField[]): DataType | OtherType {
  const fields: StructField[] = [];
  for (const { name, type } of children) {
    if (type.kind === "other") {
      return other(`struct<${children.map((child) => `${child.name}:${nameOf(child.type)}`).join(",")}>`);
    }
    fields.push({ name, type });
  }
  return { kind: "struct", fields };
}

function onlyChild(children: readonly ArrowField[]): ArrowField {
  const [child] = children;
  if (child === undefined || children.length > 1) {
    throw corrupt(`a list has ${children.length} element types`);
  }
  return child;
}

function other(name: string): OtherType {
  return { kind: "other", name: name.length > 1000 ? `${name.slice(0, 999)}…` : name };
}

function nameOf(type: DataType | OtherType): string {
  return type.kind === "other" ? type.name : formatType(type);
}

function readMetadata(table: Table, slot: number): ReadonlyMap<string, string> {
  return new Map(readTables(table, slot).map((entry) => [readText(entry, 0) ?? "", readText(entry, 1) ?? ""]));
}
