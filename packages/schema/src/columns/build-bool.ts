import type { DataType } from "../types.ts";
import { bitmapBytes, getBit } from "./bits.ts";
import { type Builder, bitBuffer, pushBit, takeBits, takeValidity } from "./inner-builder.ts";
import { Mismatch } from "./mismatch.ts";
import { hasLayout } from "./sources.ts";
import { isValid } from "./value.ts";

export function boolBuilder(type: DataType): Builder {
  const valid = bitBuffer();
  const values = bitBuffer();
  const push = (isPresent: boolean, value: boolean): void => {
    pushBit(valid, isPresent);
    pushBit(values, value);
  };
  return {
    length: () => valid.count,
    byteLength: () => 2 * bitmapBytes(valid.count),
    append(value) {
      if (value === null) {
        push(false, false);
      } else if (typeof value === "boolean") {
        push(true, value);
      } else {
        throw new Mismatch(value, type);
      }
    },
    appendNull: () => push(false, false),
    appendFrom(column, row) {
      const present = hasLayout(column, "bool") && isValid(column, row);
      push(present, present && getBit(column.values, row));
    },
    truncate(length) {
      valid.count = length;
      values.count = length;
    },
    finish() {
      const length = valid.count;
      return { layout: "bool", type, length, validity: takeValidity(valid), values: takeBits(values) };
    },
  };
}

/** Arrow's null type: rows without values. */
export function nullBuilder(type: DataType): Builder {
  let count = 0;
  return {
    length: () => count,
    byteLength: () => 0,
    append(value) {
      if (value !== null) {
        throw new Mismatch(value, type);
      }
      count += 1;
    },
    appendNull() {
      count += 1;
    },
    appendFrom() {
      count += 1;
    },
    truncate(length) {
      count = length;
    },
    finish() {
      const length = count;
      count = 0;
      return { layout: "null", type, length };
    },
  };
}
