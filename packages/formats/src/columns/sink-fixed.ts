import type { Column, DataType, FixedValues, FloatKind, IntegerKind } from "@usr/schema";
import { refuse } from "../error.ts";
import { decimalToFloat, halfBits } from "../float/float.ts";
import { jsonReader } from "../read/json-value.ts";
import { utf8Text } from "../utf8.ts";
import type { ColumnSink, SinkOptions } from "./column-sink.ts";
import { inRange, parseInteger } from "./integer.ts";
import { validity } from "./validity.ts";

/** A typed array as a place for numbers of either kind. */
interface Slots {
  readonly values: FixedValues;
  set(row: number, value: number | bigint): void;
}

export function wide(values: BigInt64Array | BigUint64Array): Slots {
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

export function integerSink(type: DataType, kind: IntegerKind, o: SinkOptions): ColumnSink {
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

export function floatSink(type: DataType, kind: FloatKind, o: SinkOptions): ColumnSink {
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

export function fixedSink(
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
