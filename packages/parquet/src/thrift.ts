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

/** Grows as needed; `take()` returns what was written. */
interface Sink {
  bytes: Uint8Array;
  at: number;
}

function reserve(sink: Sink, more: number): void {
  if (sink.at + more <= sink.bytes.length) return;
  const grown = new Uint8Array(Math.max(sink.bytes.length * 2, sink.at + more));
  grown.set(sink.bytes.subarray(0, sink.at));
  sink.bytes = grown;
}

function putVarint(sink: Sink, value: number): void {
  reserve(sink, 5);
  let rest = value >>> 0;
  while (rest > 0x7f) {
    sink.bytes[sink.at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  sink.bytes[sink.at++] = rest;
}

function putVarint64(sink: Sink, value: bigint): void {
  reserve(sink, 10);
  let rest = value;
  while (rest > 0x7fn) {
    sink.bytes[sink.at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  sink.bytes[sink.at++] = Number(rest);
}

function wireOf(value: ThriftValue): number {
  if (typeof value === "boolean") return value ? WIRE.true : WIRE.false;
  if (typeof value === "number") return WIRE.i32;
  if (typeof value === "bigint") return WIRE.i64;
  if (value instanceof Uint8Array) return WIRE.binary;
  if ("kind" in value) return WIRE[value.kind];
  return WIRE.struct;
}

function putValue(sink: Sink, value: ThriftValue): void {
  if (typeof value === "boolean") {
    reserve(sink, 1);
    sink.bytes[sink.at++] = value ? 1 : 2;
  } else if (typeof value === "number") {
    putVarint(sink, (value << 1) ^ (value >> 31));
  } else if (typeof value === "bigint") {
    putVarint64(sink, BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  } else if (value instanceof Uint8Array) {
    putVarint(sink, value.length);
    reserve(sink, value.length);
    sink.bytes.set(value, sink.at);
    sink.at += value.length;
  } else if (!("kind" in value)) {
    putStruct(sink, value);
  } else if (value.kind === "list") {
    reserve(sink, 1);
    const count = value.items.length;
    sink.bytes[sink.at++] = (Math.min(count, 15) << 4) | value.item;
    if (count >= 15) putVarint(sink, count);
    for (const item of value.items) putValue(sink, item);
  } else if (value.kind === "i8") {
    reserve(sink, 1);
    sink.bytes[sink.at++] = value.value & 0xff;
  } else if (value.kind === "i16") {
    putVarint(sink, (value.value << 1) ^ (value.value >> 31));
  } else {
    reserve(sink, 8);
    new DataView(sink.bytes.buffer, sink.bytes.byteOffset + sink.at, 8).setFloat64(0, value.value, true);
    sink.at += 8;
  }
}

function putStruct(sink: Sink, struct: ThriftStruct): void {
  let last = 0;
  for (const [id, value] of [...struct].sort((a, b) => a[0] - b[0])) {
    const delta = id - last;
    reserve(sink, 1);
    if (delta > 0 && delta <= 15) {
      sink.bytes[sink.at++] = (delta << 4) | wireOf(value);
    } else {
      sink.bytes[sink.at++] = wireOf(value);
      putVarint(sink, (id << 1) ^ (id >> 31));
    }
    last = id;
    if (typeof value !== "boolean") putValue(sink, value);
  }
  reserve(sink, 1);
  sink.bytes[sink.at++] = 0;
}

/** Encodes one struct, fields in the order of their numbers. */
export function writeThrift(struct: ThriftStruct): Uint8Array {
  const sink: Sink = { bytes: new Uint8Array(256), at: 0 };
  putStruct(sink, struct);
  return sink.bytes.subarray(0, sink.at);
}

/** A struct of the fields that are not `undefined`. */
export function struct(fields: readonly (readonly [number, ThriftValue | undefined])[]): ThriftStruct {
  const map = new Map<number, ThriftValue>();
  for (const [id, value] of fields) if (value !== undefined) map.set(id, value);
  return map;
}

export function list(item: number, items: readonly ThriftValue[]): ThriftList {
  return { kind: "list", item, items };
}

function isNarrow(value: object): value is ThriftNarrow | ThriftList {
  return "kind" in value;
}

// Typed access: absent stays absent, a value of another wire type is corrupt.

export function getI32(s: ThriftStruct, id: number): number | undefined {
  const value = s.get(id);
  if (value === undefined || typeof value === "number") return value;
  throw corrupt(`metadata field ${id} is not a 32-bit integer`);
}

/** An i64 that must be a count, size or offset: 0 or more and exact as a number. */
export function getSize(s: ThriftStruct, id: number): number | undefined {
  const value = s.get(id);
  if (value === undefined) return undefined;
  const n = typeof value === "bigint" ? Number(value) : typeof value === "number" ? value : -1;
  if (n < 0 || !Number.isSafeInteger(n)) throw corrupt(`metadata field ${id} is not a size`);
  return n;
}

export function getBool(s: ThriftStruct, id: number): boolean | undefined {
  const value = s.get(id);
  if (value === undefined || typeof value === "boolean") return value;
  throw corrupt(`metadata field ${id} is not a boolean`);
}

export function getBytes(s: ThriftStruct, id: number): Uint8Array | undefined {
  const value = s.get(id);
  if (value === undefined || value instanceof Uint8Array) return value;
  throw corrupt(`metadata field ${id} is not binary`);
}

export function getText(s: ThriftStruct, id: number): string | undefined {
  const bytes = getBytes(s, id);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw corrupt(`metadata field ${id} is not UTF-8`, { cause: String(cause) });
  }
}

export function getI8(s: ThriftStruct, id: number): number | undefined {
  const value = s.get(id);
  if (value === undefined) return undefined;
  if (typeof value === "object" && isNarrow(value) && value.kind === "i8") return value.value;
  throw corrupt(`metadata field ${id} is not a byte`);
}

export function getStruct(s: ThriftStruct, id: number): ThriftStruct | undefined {
  const value = s.get(id);
  if (value === undefined) return undefined;
  if (value instanceof Map) return value;
  throw corrupt(`metadata field ${id} is not a struct`);
}

export function getStructs(s: ThriftStruct, id: number): readonly ThriftStruct[] | undefined {
  const value = s.get(id);
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value instanceof Map || !("kind" in value) || value.kind !== "list") {
    throw corrupt(`metadata field ${id} is not a list`);
  }
  const out: ThriftStruct[] = [];
  for (const item of value.items) {
    if (!(item instanceof Map)) throw corrupt(`metadata field ${id} is not a list of structs`);
    out.push(item);
  }
  return out;
}

export function getTexts(s: ThriftStruct, id: number): readonly string[] | undefined {
  const value = s.get(id);
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value instanceof Map || !("kind" in value) || value.kind !== "list") {
    throw corrupt(`metadata field ${id} is not a list`);
  }
  return value.items.map((item) => {
    if (!(item instanceof Uint8Array)) throw corrupt(`metadata field ${id} is not a list of texts`);
    return new TextDecoder().decode(item);
  });
}
