import type { CellInput, FixedType, FixedValues, IntegerKind } from "../types.ts";
import { bitmapBytes } from "./bits.ts";
import { encodeHalf } from "./half.ts";
import { type Builder, bitBuffer, pushBit, takeValidity } from "./inner-builder.ts";
import { allocateFixed } from "./layout.ts";
import { Mismatch } from "./mismatch.ts";
import { hasLayout } from "./sources.ts";
import { isValid } from "./value.ts";

const RANGES: Readonly<Record<Exclude<IntegerKind, "int64" | "uint64">, readonly [min: number, max: number]>> = {
  int8: [-0x80, 0x7f],
  int16: [-0x8000, 0x7fff],
  int32: [-0x80000000, 0x7fffffff],
  uint8: [0, 0xff],
  uint16: [0, 0xffff],
  uint32: [0, 0xffffffff],
};
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

type BigValues = BigInt64Array | BigUint64Array;

/** Integers, floats and timestamps. */
export function fixedBuilder(type: FixedType): Builder {
  const valid = bitBuffer();
  let values = allocateFixed(type, 16);
  const convert = converter(type);
  // The class of `values` never changes, so one of the two setters is the right one for good.
  const put = isBig(values)
    ? (index: number, value: number | bigint): void => {
        if (isBig(values) && typeof value === "bigint") {
          values[index] = value;
        }
      }
    : (index: number, value: number | bigint): void => {
        if (!isBig(values) && typeof value === "number") {
          values[index] = value;
        }
      };
  const grow = (): void => {
    const grown = allocateFixed(type, values.length * 2);
    copyAll(values, grown);
    values = grown;
  };
  const appendNull = (): void => {
    if (valid.count === values.length) {
      grow();
    }
    // The slot keeps whatever a truncated row left: zero it, so that equal rows make equal bytes.
    put(valid.count, isBig(values) ? 0n : 0);
    pushBit(valid, false);
  };
  return {
    length: () => valid.count,
    byteLength: () => valid.count * values.BYTES_PER_ELEMENT + bitmapBytes(valid.count),
    append(value) {
      if (value === null) {
        appendNull();
        return;
      }
      const slot = convert(value);
      if (valid.count === values.length) {
        grow();
      }
      put(valid.count, slot);
      pushBit(valid, true);
    },
    appendNull,
    appendFrom(column, row) {
      if (!hasLayout(column, "fixed") || !isValid(column, row)) {
        appendNull();
        return;
      }
      if (valid.count === values.length) {
        grow();
      }
      put(valid.count, column.values[row]!);
      pushBit(valid, true);
    },
    truncate(length) {
      valid.count = length;
    },
    finish() {
      const length = valid.count;
      const column = {
        layout: "fixed",
        type,
        length,
        validity: takeValidity(valid),
        values: values.slice(0, length),
      } as const;
      values = allocateFixed(type, 16);
      return column;
    },
  };
}

function isBig(values: FixedValues): values is BigValues {
  return values.BYTES_PER_ELEMENT === 8 && !(values instanceof Float64Array);
}

function copyAll(source: FixedValues, target: FixedValues): void {
  new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(
    new Uint8Array(source.buffer, source.byteOffset, source.byteLength),
  );
}

/** From a JavaScript value to what the slot holds. */
function converter(type: FixedType): (value: CellInput) => number | bigint {
  switch (type.kind) {
    case "float16":
      return (value) => encodeHalf(number(value, type));
    case "float32":
      return (value) => Math.fround(number(value, type));
    case "float64":
      return (value) => number(value, type);
    case "int64":
      return (value) => bigInteger(value, type, INT64_MIN, INT64_MAX);
    case "uint64":
      return (value) => bigInteger(value, type, 0n, UINT64_MAX);
    case "timestamp":
      return (value) => {
        if (typeof value !== "bigint") {
          throw new Mismatch(
            value,
            type,
            "a timestamp is a bigint that counts the unit since 1970, such as BigInt(date.getTime()) * 1000n for us",
          );
        }
        return bigInteger(value, type, INT64_MIN, INT64_MAX);
      };
    default: {
      const [min, max] = RANGES[type.kind];
      return (value) => {
        if (typeof value !== "number" || !Number.isInteger(value)) {
          throw new Mismatch(value, type);
        }
        if (value < min || value > max) {
          throw new Mismatch(value, type, `the range is ${min} to ${max}`);
        }
        return value;
      };
    }
  }
}

function number(value: CellInput, type: FixedType): number {
  if (typeof value !== "number") {
    throw new Mismatch(value, type);
  }
  return value;
}

function bigInteger(value: CellInput, type: FixedType, min: bigint, max: bigint): bigint {
  let integer: bigint;
  if (typeof value === "bigint") {
    integer = value;
  } else if (typeof value === "number" && Number.isSafeInteger(value)) {
    integer = BigInt(value);
  } else {
    throw new Mismatch(
      value,
      type,
      typeof value === "number" && Number.isInteger(value) ? "integers past 2^53 must be bigint" : undefined,
    );
  }
  if (integer < min || integer > max) {
    throw new Mismatch(value, type, `the range is ${min} to ${max}`);
  }
  return integer;
}
