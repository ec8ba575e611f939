import type { CellInput, Column } from "../types.ts";
import { bitmapBytes, clearBit, copyBits, setBit, validityOf } from "./bits.ts";

/** What `columnBuilder` wraps and builders nest. A failed `append` throws a Mismatch or SchemaError and leaves the builder as it was. */
export interface Builder {
  length(): number;
  byteLength(): number;
  append(value: CellInput): void;
  /** One NULL row. */
  appendNull(): void;
  /** The column must be of the builder's type and have the row. */
  appendFrom(column: Column, row: number): void;
  /** Forgets the rows from `length` on. */
  truncate(length: number): void;
  /** Takes the rows out. */
  finish(): Column;
}

/** A growing bitmap. `count` bits are in use. */
export interface BitBuffer {
  count: number;
  bytes: Uint8Array;
}

export function bitBuffer(): BitBuffer {
  return { count: 0, bytes: new Uint8Array(8) };
}

export function pushBit(buffer: BitBuffer, bit: boolean): void {
  const { count } = buffer;
  if (count >> 3 === buffer.bytes.length) {
    const grown = new Uint8Array(buffer.bytes.length * 2);
    grown.set(buffer.bytes);
    buffer.bytes = grown;
  }
  if (bit) {
    setBit(buffer.bytes, count);
  } else {
    clearBit(buffer.bytes, count);
  }
  buffer.count = count + 1;
}

/** The bits as a bitmap of their own; the buffer is empty afterwards. Bits past the end are 0, as other readers may look at them. */
export function takeBits(buffer: BitBuffer): Uint8Array {
  const result = new Uint8Array(bitmapBytes(buffer.count));
  copyBits(buffer.bytes, 0, result, 0, buffer.count);
  buffer.count = 0;
  buffer.bytes = new Uint8Array(8);
  return result;
}

/** The bits as the validity of a column: absent if no row is missing. */
export function takeValidity(buffer: BitBuffer): Uint8Array | undefined {
  const { count } = buffer;
  return validityOf(takeBits(buffer), count);
}
