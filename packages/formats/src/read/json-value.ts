import { type DataType, type FloatKind, formatType, type IntegerKind, type Value } from "@usr/schema";
import { inRange, parseInteger } from "../columns/integer.ts";
import { textToTimestamp } from "../columns/timestamp.ts";
import { placed, printableBytes, refuse } from "../error.ts";
import { decimalToFloat } from "../float/float.ts";
import {
  type JsonCursor,
  malformed,
  peek,
  skipValue,
  takeArray,
  takeNumber,
  takeObject,
  takeString,
  takeWord,
} from "./json-cursor.ts";

/** Takes one JSON value as a value of a type. The cursor stands on it. */
export type JsonReader = (cursor: JsonCursor) => Value;

/** The reader of a type. It throws `TYPE_MISMATCH` for a value of another type and `CORRUPT` for what is no JSON. */
export function jsonReader(type: DataType, depth: number = 0): JsonReader {
  const read = readerOf(type, depth);
  return (cursor) => (cursor.bytes[cursor.at] === 0x6e && takeWord(cursor, "null") ? null : read(cursor));
}

function readerOf(type: DataType, depth: number): JsonReader {
  switch (type.kind) {
    case "string":
      return (cursor) => (cursor.bytes[cursor.at] === 0x22 ? takeString(cursor) : unfit(cursor, type));
    case "bool":
      return (cursor) => takeWord(cursor, "true") || (takeWord(cursor, "false") ? false : unfit(cursor, type));
    case "float16":
    case "float32":
    case "float64":
      return floatReader(type.kind);
    case "timestamp":
      return (cursor) => {
        const start = cursor.at;
        if (cursor.bytes[start] !== 0x22) return unfit(cursor, type);
        try {
          return textToTimestamp(takeString(cursor), type);
        } catch (error) {
          throw placed(error, { value: printableBytes(cursor.bytes, start, cursor.at) });
        }
      };
    case "list":
    case "fixed_size_list":
      return listReader(type, depth);
    case "struct":
      return structReader(type, depth);
    case "null":
      return (cursor) => unfit(cursor, type);
    default:
      return integerReader(type.kind);
  }
}

/** Takes the value, so that malformed JSON is reported as such, then says that it is of another type. */
function unfit(cursor: JsonCursor, type: DataType, rule: string = `is not ${formatType(type)}`): never {
  const start = cursor.at;
  if (start >= cursor.end) throw malformed(cursor, "expected a value");
  skipValue(cursor);
  throw refuse(rule, { value: printableBytes(cursor.bytes, start, cursor.at) });
}

function integerReader(kind: IntegerKind): JsonReader {
  const wide = kind === "int64" || kind === "uint64";
  return (cursor) => {
    const start = cursor.at;
    const byte = cursor.bytes[start]!;
    let value: number | bigint | undefined;
    if (byte === 0x22) {
      takeString(cursor);
      value = parseInteger(cursor.bytes, start + 1, cursor.at - 1);
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      takeNumber(cursor);
      value = parseInteger(cursor.bytes, start, cursor.at);
    } else return unfit(cursor, { kind });
    const shown = printableBytes(cursor.bytes, start, cursor.at);
    if (value === undefined) throw refuse(`is not ${kind}: digits only`, { value: shown });
    if (!inRange(kind, value)) throw refuse(`is out of the range of ${kind}`, { value: shown });
    return wide ? BigInt(value) : Number(value);
  };
}

const NAMED: readonly (readonly [string, number])[] = [
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
];

function floatReader(kind: FloatKind): JsonReader {
  return (cursor) => {
    const start = cursor.at;
    const byte = cursor.bytes[start]!;
    if (byte === 0x22) {
      const text = takeString(cursor);
      const named = NAMED.find(([name]) => name === text);
      if (named === undefined) {
        throw refuse(`is not ${kind}: a number or "NaN", "Infinity", "-Infinity"`, {
          value: printableBytes(cursor.bytes, start, cursor.at),
        });
      }
      return named[1];
    }
    if (byte === 0x4e || byte === 0x49 || (byte === 0x2d && cursor.bytes[start + 1] === 0x49)) {
      const named = NAMED.find(([name]) => takeWord(cursor, name));
      if (named !== undefined) return named[1];
    }
    if (byte !== 0x2d && !(byte >= 0x30 && byte <= 0x39)) return unfit(cursor, { kind });
    takeNumber(cursor);
    const value = decimalToFloat(cursor.bytes, start, cursor.at, kind, cursor.cut);
    if (value === undefined) {
      throw refuse(`is out of the range of ${kind}`, { value: printableBytes(cursor.bytes, start, cursor.at) });
    }
    return value;
  };
}

function listReader(type: Extract<DataType, { kind: "list" | "fixed_size_list" }>, depth: number): JsonReader {
  const read = jsonReader(type.item, depth + 1);
  return (cursor) => {
    const start = cursor.at;
    if (cursor.bytes[start] !== 0x5b) return unfit(cursor, type);
    const items: Value[] = [];
    takeArray(cursor, depth, () => items.push(read(cursor)));
    if (type.kind === "fixed_size_list" && items.length !== type.size) {
      throw refuse(`has ${items.length} items, ${formatType(type)} holds ${type.size}`, {
        value: printableBytes(cursor.bytes, start, cursor.at),
      });
    }
    return items;
  };
}

function structReader(type: Extract<DataType, { kind: "struct" }>, depth: number): JsonReader {
  const readers = new Map(type.fields.map((field) => [field.name, jsonReader(field.type, depth + 1)]));
  return (cursor) => {
    if (cursor.bytes[cursor.at] !== 0x7b) return unfit(cursor, type);
    // without a prototype, so that a field named __proto__ is a field
    const value: Record<string, Value> = Object.create(null);
    for (const field of type.fields) value[field.name] = null;
    takeObject(cursor, depth, (key) => {
      const read = readers.get(key);
      if (read === undefined) {
        throw refuse(`is no field of ${formatType(type)}`, {
          value: printableBytes(new TextEncoder().encode(key), 0, 256),
        });
      }
      value[key] = read(cursor);
    });
    return value;
  };
}

/** Reads a whole text as one value; anything after it but blanks is malformed. */
export function readJsonText(cursor: JsonCursor, read: JsonReader): Value {
  if (peek(cursor) < 0) throw malformed(cursor, "it is empty");
  const value = read(cursor);
  if (peek(cursor) >= 0) throw malformed(cursor, "text follows the value");
  return value;
}
