import {
  type Column,
  type DataType,
  type FixedValues,
  type FloatKind,
  formatType,
  type IntegerKind,
  type Value,
} from "@usr/schema";
import { columnBuilder } from "@usr/schema/columns";
import { FormatError, refuse } from "./error.ts";
import { decimalToFloat, halfBits } from "./float.ts";
import { inRange, parseInteger } from "./integer.ts";
import { type JsonCursor, jsonCursor, takeStringBytes } from "./json-cursor.ts";
import { type JsonReader, jsonReader, readJsonText } from "./json-value.ts";
import { bytesToTimestamp } from "./timestamp.ts";
import { append, byteBuffer, utf8Text } from "./utf8.ts";

/** Collects the cells of one column of one type, from text or from JSON. A refused cell throws and adds nothing. */
export interface ColumnSink {
  /** Rows so far. */
  readonly length: number;
  addNull(): void;
  /** One cell of a text table: valid UTF-8, unquoted. */
  addText(bytes: Uint8Array, start: number, end: number): void;
  /** The JSON value that the cursor stands on. */
  addJson(cursor: JsonCursor): void;
  /** The column so far; the sink starts anew. */
  finish(): Column;
}

export interface SinkOptions {
  /** The most rows before `finish`. */
  readonly capacity: number;
  readonly maxDepth: number;
  /** Undo the leading quote of formula-safe text. */
  readonly formulaSafe: boolean;
}

export function columnSink(type: DataType, o: SinkOptions): ColumnSink {
  switch (type.kind) {
    case "string":
      return stringSink(type, o);
    case "bool":
      return boolSink(type, o);
    case "list":
    case "fixed_size_list":
    case "struct":
    case "null":
      return nestedSink(type, o);
    case "float16":
    case "float32":
    case "float64":
      return floatSink(type, type.kind, o);
    case "timestamp": {
      const parse = (bytes: Uint8Array, start: number, end: number): bigint =>
        bytesToTimestamp(bytes, start, end, type);
      return fixedSink(type, o, (length) => wide(new BigInt64Array(length)), parse);
    }
    default:
      return integerSink(type, type.kind, o);
  }
}

/** Which rows have a value; the mask exists from the first missing one on. */
function validity(capacity: number): { missing(row: number): void; take(length: number): Uint8Array | undefined } {
  let bits: Uint8Array | undefined;
  return {
    missing(row) {
      bits ??= new Uint8Array((capacity + 7) >> 3).fill(0xff);
      bits[row >> 3]! &= ~(1 << (row & 7));
    },
    take(length) {
      const mask = bits?.slice(0, (length + 7) >> 3);
      bits = undefined;
      // bits past the end are zero, so that equal columns are equal bytes
      if (mask !== undefined && length % 8 !== 0) mask[mask.length - 1]! &= (1 << (length & 7)) - 1;
      return mask;
    },
  };
}

const FORMULA: ReadonlySet<number> = new Set([..."=+-@\t\r"].map((symbol) => symbol.charCodeAt(0)));

/** Whether a spreadsheet may run the text as a formula, leading apostrophes aside. */
export function looksLikeFormula(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && bytes[at] === 0x27) at++;
  return at < end && FORMULA.has(bytes[at]!);
}

function stringSink(type: DataType, o: SinkOptions): ColumnSink {
  const mask = validity(o.capacity);
  let offsets = new Int32Array(o.capacity + 1);
  let data = byteBuffer(1024);
  let length = 0;
  return {
    get length() {
      return length;
    },
    addNull() {
      mask.missing(length);
      offsets[++length] = data.length;
    },
    addText(bytes, start, end) {
      const from = o.formulaSafe && bytes[start] === 0x27 && looksLikeFormula(bytes, start, end) ? start + 1 : start;
      append(data, bytes, from, end);
      offsets[++length] = data.length;
    },
    addJson(cursor) {
      if (cursor.bytes[cursor.at] !== 0x22) {
        // null, or a refusal with the right words
        if (readString(cursor) === null) this.addNull();
        return;
      }
      const before = data.length;
      try {
        takeStringBytes(cursor, data);
      } catch (error) {
        data.length = before;
        throw error;
      }
      offsets[++length] = data.length;
    },
    finish() {
      const column: Column = {
        layout: "utf8",
        type,
        length,
        offsets: offsets.subarray(0, length + 1),
        data: data.bytes.subarray(0, data.length),
        validity: mask.take(length),
      };
      data = byteBuffer(Math.max(1024, data.length + (data.length >> 3)));
      offsets = new Int32Array(o.capacity + 1);
      length = 0;
      return column;
    },
  };
}

const readString: JsonReader = jsonReader({ kind: "string" });

function boolSink(type: DataType, o: SinkOptions): ColumnSink {
  const mask = validity(o.capacity);
  const read = jsonReader(type);
  let values = new Uint8Array((o.capacity + 7) >> 3);
  let length = 0;
  const add = (value: boolean): void => {
    if (value) values[length >> 3]! |= 1 << (length & 7);
    length++;
  };
  return {
    get length() {
      return length;
    },
    addNull() {
      mask.missing(length++);
    },
    addText(bytes, start, end) {
      const word = end - start <= 5 ? utf8Text(bytes, start, end).toLowerCase() : "";
      if (word !== "true" && word !== "false") throw refuse("is not bool: true or false");
      add(word === "true");
    },
    addJson(cursor) {
      const value = read(cursor);
      if (value === null) this.addNull();
      else add(value === true);
    },
    finish() {
      const column: Column = {
        layout: "bool",
        type,
        length,
        values: values.slice(0, (length + 7) >> 3),
        validity: mask.take(length),
      };
      values = new Uint8Array((o.capacity + 7) >> 3);
      length = 0;
      return column;
    },
  };
}

/** A typed array as a place for numbers of either kind. */
interface Slots {
  readonly values: FixedValues;
  set(row: number, value: number | bigint): void;
}

function wide(values: BigInt64Array | BigUint64Array): Slots {
  return {
    values,
    set(row, value) {
      values[row] = typeof value === "bigint" ? value : BigInt(value);
    },
  };
}

function narrow(values: Exclude<FixedValues, BigInt64Array | BigUint64Array>): Slots {
  return {
    values,
    set(row, value) {
      values[row] = Number(value);
    },
  };
}

const INTEGER_SLOTS: Readonly<Record<IntegerKind, (length: number) => Slots>> = {
  int8: (length) => narrow(new Int8Array(length)),
  int16: (length) => narrow(new Int16Array(length)),
  int32: (length) => narrow(new Int32Array(length)),
  int64: (length) => wide(new BigInt64Array(length)),
  uint8: (length) => narrow(new Uint8Array(length)),
  uint16: (length) => narrow(new Uint16Array(length)),
  uint32: (length) => narrow(new Uint32Array(length)),
  uint64: (length) => wide(new BigUint64Array(length)),
};

function integerSink(type: DataType, kind: IntegerKind, o: SinkOptions): ColumnSink {
  return fixedSink(type, o, INTEGER_SLOTS[kind], (bytes, start, end) => {
    const value = parseInteger(bytes, start, end);
    if (value === undefined) throw refuse(`is not ${kind}: digits with an optional sign`);
    if (!inRange(kind, value)) throw refuse(`is out of the range of ${kind}`);
    return value;
  });
}

const FLOAT_SLOTS: Readonly<Record<FloatKind, (length: number) => Slots>> = {
  float16: (length) => {
    const values = new Uint16Array(length);
    return {
      values,
      set(row, value) {
        values[row] = halfBits(Number(value));
      },
    };
  },
  float32: (length) => narrow(new Float32Array(length)),
  float64: (length) => narrow(new Float64Array(length)),
};

function floatSink(type: DataType, kind: FloatKind, o: SinkOptions): ColumnSink {
  return fixedSink(type, o, FLOAT_SLOTS[kind], (bytes, start, end) => {
    const value = decimalToFloat(bytes, start, end, kind);
    if (value !== undefined) return value;
    const text = end - start <= 9 ? utf8Text(bytes, start, end) : "";
    if (text === "NaN") return NaN;
    if (text === "Infinity") return Infinity;
    if (text === "-Infinity") return -Infinity;
    if (decimalToFloat(bytes, start, end, "float64") !== undefined || isDecimal(bytes, start, end)) {
      throw refuse(`is out of the range of ${kind}`);
    }
    throw refuse(`is not ${kind}: a decimal number or NaN, Infinity, -Infinity`);
  });
}

function isDecimal(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start < 4096 && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(utf8Text(bytes, start, end));
}

function fixedSink(
  type: DataType,
  o: SinkOptions,
  allocate: (length: number) => Slots,
  parse: (bytes: Uint8Array, start: number, end: number) => number | bigint,
): ColumnSink {
  const mask = validity(o.capacity);
  const read = jsonReader(type);
  let slots = allocate(o.capacity);
  let length = 0;
  return {
    get length() {
      return length;
    },
    addNull() {
      mask.missing(length++);
    },
    addText(bytes, start, end) {
      slots.set(length, parse(bytes, start, end));
      length++;
    },
    addJson(cursor) {
      const value = read(cursor);
      if (typeof value === "number" || typeof value === "bigint") slots.set(length++, value);
      else this.addNull();
    },
    finish() {
      const column: Column = {
        layout: "fixed",
        type,
        length,
        values: slots.values.slice(0, length),
        validity: mask.take(length),
      };
      slots = allocate(o.capacity);
      length = 0;
      return column;
    },
  };
}

/** Lists and structs: JSON text in a cell, JSON in JSON. */
function nestedSink(type: DataType, o: SinkOptions): ColumnSink {
  const read = jsonReader(type);
  let builder = columnBuilder(type);
  const add = (value: Value): void => builder.append(value);
  return {
    get length() {
      return builder.length;
    },
    addNull() {
      add(null);
    },
    addText(bytes, start, end) {
      const cursor = jsonCursor(bytes, start, end, undefined, o.maxDepth);
      let value: Value;
      try {
        value = readJsonText(cursor, read);
      } catch (error) {
        if (!(error instanceof FormatError) || error.code !== "CORRUPT") throw error;
        throw refuse(`is not JSON for ${formatType(type)}`, { cause: error });
      }
      add(value);
    },
    addJson(cursor) {
      add(read(cursor));
    },
    finish() {
      const column = builder.finish();
      builder = columnBuilder(type);
      return column;
    },
  };
}
