import { type ThriftList, type ThriftStruct, type ThriftValue, WIRE } from "./read.ts";

/** Grows as needed. */
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
