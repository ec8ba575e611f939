import { corrupt, tooLarge } from "./error.ts";

/**
 * Thrift's compact protocol, as Parquet uses it, without a schema: whatever is read can be written back unchanged.
 * A `number` is an i32, a `bigint` an i64; the two rarer integer widths keep their width.
 */
export type ThriftValue = boolean | number | bigint | Uint8Array | ThriftNarrow | ThriftList | ThriftStruct;
export interface ThriftNarrow {
  readonly kind: "i8" | "i16" | "f64";
  readonly value: number;
}
export interface ThriftList {
  readonly kind: "list";
  /** Compact wire type of the items. */
  readonly item: number;
  readonly items: readonly ThriftValue[];
}
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

export const WIRE = {
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  f64: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;

/** No Parquet structure nests deeper than a handful of levels. */
const MAX_DEPTH = 24;

interface Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  budget: number;
}

/** Decodes one struct at `start`; `next` is the position after it. `budget` bounds the values decoded (a struct counts 8). */
export function readThrift(
  bytes: Uint8Array,
  start: number,
  end: number,
  budget: number,
): { readonly value: ThriftStruct; readonly next: number } {
  const cursor: Cursor = { bytes, end, at: start, budget };
  const value = readStruct(cursor, 0);
  return { value, next: cursor.at };
}

function spend(c: Cursor, units: number): void {
  c.budget -= units;
  if (c.budget < 0) throw tooLarge("The Parquet metadata holds more values than allowed.", "footerValues");
}

function byte(c: Cursor): number {
  if (c.at >= c.end) throw corrupt("metadata ends in the middle of a value");
  return c.bytes[c.at++]!;
}

function varint32(c: Cursor): number {
  let result = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const b = byte(c);
    result += (b & 0x7f) * 2 ** shift;
    if (b < 0x80) {
      if (result > 0xffffffff) break;
      return result;
    }
  }
  throw corrupt("a metadata integer is longer than 32 bits");
}

function varint64(c: Cursor): bigint {
  let low = 0;
  let shift = 0;
  for (; shift < 49; shift += 7) {
    const b = byte(c);
    low += (b & 0x7f) * 2 ** shift;
    if (b < 0x80) return BigInt(low);
  }
  let result = BigInt(low);
  for (; shift < 70; shift += 7) {
    const b = byte(c);
    result |= BigInt(b & 0x7f) << BigInt(shift);
    if (b < 0x80) {
      if (result >> 64n) break;
      return result;
    }
  }
  throw corrupt("a metadata integer is longer than 64 bits");
}

function zigzag32(c: Cursor): number {
  const n = varint32(c);
  return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
}

function zigzag64(c: Cursor): bigint {
  const n = varint64(c);
  return BigInt.asIntN(64, (n >> 1n) ^ -(n & 1n));
}

function readStruct(c: Cursor, depth: number): ThriftStruct {
  if (depth > MAX_DEPTH) throw corrupt("metadata is nested too deeply");
  spend(c, 8);
  const fields = new Map<number, ThriftValue>();
  let id = 0;
  for (;;) {
    const head = byte(c);
    if (head === 0) return fields;
    const wire = head & 15;
    const delta = head >> 4;
    id = delta === 0 ? zigzag32(c) : id + delta;
    if (id < -32768 || id > 32767) throw corrupt("a metadata field number is out of range");
    fields.set(id, wire === WIRE.true ? true : wire === WIRE.false ? false : readValue(c, wire, depth));
    spend(c, 1);
  }
}

function readValue(c: Cursor, wire: number, depth: number): ThriftValue {
  switch (wire) {
    // Only list items come here with a boolean type; there 1 is true, and 0 or 2 false.
    case WIRE.true:
    case WIRE.false:
      return byte(c) === 1;
    case WIRE.i8:
      return { kind: "i8", value: (byte(c) << 24) >> 24 };
    case WIRE.i16:
      return { kind: "i16", value: (zigzag32(c) << 16) >> 16 };
    case WIRE.i32:
      return zigzag32(c);
    case WIRE.i64:
      return zigzag64(c);
    case WIRE.f64: {
      if (c.end - c.at < 8) throw corrupt("metadata ends in the middle of a value");
      const value = new DataView(c.bytes.buffer, c.bytes.byteOffset + c.at, 8).getFloat64(0, true);
      c.at += 8;
      return { kind: "f64", value };
    }
    case WIRE.binary: {
      const length = varint32(c);
      if (length > c.end - c.at) throw corrupt("a metadata text runs past the end");
      c.at += length;
      return c.bytes.subarray(c.at - length, c.at);
    }
    case WIRE.list:
    case WIRE.set: {
      const head = byte(c);
      const item = head & 15;
      const count = head >> 4 === 15 ? varint32(c) : head >> 4;
      // Every item takes at least one byte, so a count beyond the rest is a lie.
      if (count > c.end - c.at) throw corrupt("a metadata list is longer than the metadata");
      if (depth > MAX_DEPTH) throw corrupt("metadata is nested too deeply");
      spend(c, count);
      const items: ThriftValue[] = [];
      for (let i = 0; i < count; i++) {
        items.push(item === WIRE.struct ? readStruct(c, depth + 1) : readValue(c, item, depth + 1));
      }
      return { kind: "list", item, items };
    }
    case WIRE.struct:
      return readStruct(c, depth + 1);
    default:
      throw corrupt(`metadata has a value of unknown type ${wire}`);
  }
}
