import { corrupt, tooLarge } from "../error.ts";

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

/** A place in encoded metadata. */
export interface Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  /** Values that may still be met; a struct counts 8. */
  budget: number;
  /** Wire type of the field that `nextField` came to. */
  wire: number;
}

export function thriftCursor(bytes: Uint8Array, start: number, end: number, budget: number): Cursor {
  return { bytes, end, at: start, budget, wire: 0 };
}

/** Decodes one struct at `start`; `next` is the position after it. `budget` bounds the values decoded (a struct counts 8). */
export function readThrift(
  bytes: Uint8Array,
  start: number,
  end: number,
  budget: number,
): { readonly value: ThriftStruct; readonly next: number } {
  const cursor = thriftCursor(bytes, start, end, budget);
  const value = readStruct(cursor, 0);
  return { value, next: cursor.at };
}

// What comes in thousands is read in place: `enterStruct`, then `nextField` up to `END_OF_STRUCT`, and after each field what reads or passes it.

/** No field has this number. */
export const END_OF_STRUCT = 0x10000;

export function enterStruct(c: Cursor): void {
  spend(c, 8);
}

/** Goes to the field after the one numbered `last`, 0 at the start of a struct. Gives its number, or `END_OF_STRUCT`. */
export function nextField(c: Cursor, last: number): number {
  // As `byte` and `spend` do: a footer has tens of thousands of fields, and whoever lists datasets reads it before V8 compiles anything.
  if (c.at >= c.end) throw endsInside();
  const head = c.bytes[c.at++]!;
  if (head === 0) return END_OF_STRUCT;
  c.wire = head & 15;
  const delta = head >> 4;
  const id = delta === 0 ? zigzag32(c) : last + delta;
  if (id < -32768 || id > 32767) throw corrupt("a metadata field number is out of range");
  if (--c.budget < 0) throw tooMany();
  return id;
}

/** Passes over the field at hand, checking it as `readThrift` does. */
export function skipField(c: Cursor): void {
  skipFieldAt(c, 0);
}

/** Passes over a struct that is an item of a list, checking it as `readThrift` does. */
export function passStruct(c: Cursor): void {
  skipStruct(c, 1);
}

/** Decodes the field at hand. */
export function readField(c: Cursor): ThriftValue {
  return fieldValue(c, 0);
}

/** The integer at hand. Throws `CORRUPT` for other types. */
export function readI32(c: Cursor, id: number): number {
  if (c.wire !== WIRE.i32) throw corrupt(`metadata field ${id} is not a 32-bit integer`);
  return zigzag32(c);
}

/** The integer at hand as a count, size or offset; -1 where it is none: negative, or not exact as a number. Throws `CORRUPT` for other types. */
export function readSize(c: Cursor, id: number): number {
  if (c.wire === WIRE.i32) return Math.max(-1, zigzag32(c));
  if (c.wire !== WIRE.i64) throw corrupt(`metadata field ${id} is not a size`);
  const n = varint(c);
  if (typeof n === "number") return n % 2 === 0 ? n / 2 : -1;
  const size = Number(n >> 1n);
  return n % 2n === 0n && Number.isSafeInteger(size) ? size : -1;
}

/** How many items the list at hand has, to be read one after the other. Throws `CORRUPT` where it is no list of `item`. */
export function enterList(c: Cursor, id: number, item: number): number {
  if (c.wire !== WIRE.list && c.wire !== WIRE.set) throw corrupt(`metadata field ${id} is not a list`);
  const list = listHead(c);
  if (list.count > 0 && list.item !== item) throw corrupt(`metadata field ${id} is a list of other values`);
  return list.count;
}

/** Passes over a text, an item of a list, and gives its length: it ends at the cursor. */
export function passText(c: Cursor): number {
  const length = varint32(c);
  pass(c, length);
  return length;
}

function spend(c: Cursor, units: number): void {
  c.budget -= units;
  if (c.budget < 0) throw tooMany();
}

function tooMany(): Error {
  return tooLarge("The Parquet metadata holds more values than allowed.", "footerValues");
}

function byte(c: Cursor): number {
  if (c.at >= c.end) throw endsInside();
  return c.bytes[c.at++]!;
}

function endsInside(): Error {
  return corrupt("metadata ends in the middle of a value");
}

function varint32(c: Cursor): number {
  let result = 0;
  for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
    if (c.at >= c.end) throw endsInside();
    const b = c.bytes[c.at++]!;
    result += (b & 0x7f) * scale;
    if (b < 0x80) {
      if (result > 0xffffffff) break;
      return result;
    }
  }
  throw corrupt("a metadata integer is longer than 32 bits");
}

/** Up to 49 bits as a number. */
function varint(c: Cursor): number | bigint {
  let low = 0;
  for (let scale = 1; scale < 2 ** 49; scale *= 128) {
    if (c.at >= c.end) throw endsInside();
    const b = c.bytes[c.at++]!;
    low += (b & 0x7f) * scale;
    if (b < 0x80) return low;
  }
  let result = BigInt(low);
  for (let shift = 49; shift < 70; shift += 7) {
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
  const n = BigInt(varint(c));
  return BigInt.asIntN(64, (n >> 1n) ^ -(n & 1n));
}

function readStruct(c: Cursor, depth: number): ThriftStruct {
  if (depth > MAX_DEPTH) throw corrupt("metadata is nested too deeply");
  enterStruct(c);
  const fields = new Map<number, ThriftValue>();
  for (let id = nextField(c, 0); id !== END_OF_STRUCT; id = nextField(c, id)) {
    fields.set(id, fieldValue(c, depth));
  }
  return fields;
}

function fieldValue(c: Cursor, depth: number): ThriftValue {
  const { wire } = c;
  return wire === WIRE.true ? true : wire === WIRE.false ? false : readValue(c, wire, depth);
}

/**
 * Goes over a struct with the checks of `nextField` and `skipValue`, in one function as far as it can be: who counts the rows of a table goes over
 * nearly all of its footer, before V8 compiles anything. For the same reason wire types stand here as numbers, of which V8 makes a table.
 */
function skipStruct(c: Cursor, depth: number): void {
  if (depth > MAX_DEPTH) throw corrupt("metadata is nested too deeply");
  enterStruct(c);
  const { bytes, end } = c;
  let { at, budget } = c;
  for (let id = 0; ; ) {
    if (at >= end) throw endsInside();
    const head = bytes[at++]!;
    if (head === 0) break;
    if (head < 16) {
      c.at = at;
      id = zigzag32(c);
      at = c.at;
    } else id += head >> 4;
    if (id < -32768 || id > 32767) throw corrupt("a metadata field number is out of range");
    if (--budget < 0) throw tooMany();
    switch (head & 15) {
      case 1: // true
      case 2: // false
        break;
      case 4: // i16
      case 5: // i32
      case 6: {
        // i64
        const start = at;
        // Past the end there is `undefined`, which is no such byte.
        while (bytes[at]! >= 0x80) at++;
        at++;
        if (at > end) throw endsInside();
        if (at - start >= 5) checkVarint((head & 15) === WIRE.i64 ? 64 : 32, at - start, bytes[at - 1]!);
        break;
      }
      default:
        c.at = at;
        c.budget = budget;
        skipValue(c, head & 15, depth);
        at = c.at;
        budget = c.budget;
    }
  }
  c.at = at;
  c.budget = budget;
}

/** Throws where a varint of `length` bytes, the last of which is `last`, has more than `bits` bits. */
function checkVarint(bits: number, length: number, last: number): void {
  const most = Math.ceil(bits / 7);
  if (length > most || (length === most && last >= 2 ** (bits - 7 * (most - 1))))
    throw corrupt(`a metadata integer is longer than ${bits} bits`);
}

function skipFieldAt(c: Cursor, depth: number): void {
  if (c.wire !== WIRE.true && c.wire !== WIRE.false) skipValue(c, c.wire, depth);
}

function listHead(c: Cursor): { readonly item: number; readonly count: number } {
  const head = byte(c);
  const count = head >> 4 === 15 ? varint32(c) : head >> 4;
  // Every item takes at least one byte, so a count beyond the rest is a lie.
  if (count > c.end - c.at) throw corrupt("a metadata list is longer than the metadata");
  spend(c, count);
  return { item: head & 15, count };
}

/** Goes over `length` bytes. */
function pass(c: Cursor, length: number): void {
  if (length > c.end - c.at) throw corrupt("metadata ends in the middle of a value");
  c.at += length;
}

function skipValue(c: Cursor, wire: number, depth: number): void {
  switch (wire) {
    case WIRE.true:
    case WIRE.false:
    case WIRE.i8:
      pass(c, 1);
      return;
    case WIRE.i16:
    case WIRE.i32:
      varint32(c);
      return;
    case WIRE.i64:
      varint(c);
      return;
    case WIRE.f64:
      pass(c, 8);
      return;
    case WIRE.binary:
      passText(c);
      return;
    case WIRE.list:
    case WIRE.set: {
      const { item, count } = listHead(c);
      if (depth > MAX_DEPTH) throw corrupt("metadata is nested too deeply");
      for (let i = 0; i < count; i++) {
        if (item === WIRE.struct) skipStruct(c, depth + 1);
        else skipValue(c, item, depth + 1);
      }
      return;
    }
    case WIRE.struct:
      skipStruct(c, depth + 1);
      return;
    default:
      throw corrupt(`metadata has a value of unknown type ${wire}`);
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
      const { item, count } = listHead(c);
      if (depth > MAX_DEPTH) throw corrupt("metadata is nested too deeply");
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
