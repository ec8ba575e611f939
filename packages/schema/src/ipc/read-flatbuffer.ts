import { SchemaError } from "../error.ts";

/** A flatbuffer under read. Every access is checked against the bytes. */
export interface Flatbuffer {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** Objects and text bytes that may still be read: tables can point at one another, and a few bytes could otherwise stand for gigabytes. */
  readonly budget: { objects: number; text: number };
}

/** A table: where it starts. */
export interface Table {
  readonly buffer: Flatbuffer;
  readonly at: number;
  readonly vtable: number;
  readonly vtableSize: number;
}

export function openFlatbuffer(bytes: Uint8Array): Flatbuffer {
  return {
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    bytes,
    budget: { objects: bytes.length, text: 4 * bytes.length },
  };
}

export function corrupt(why: string): SchemaError {
  return new SchemaError("CORRUPT", `The Arrow message is damaged: ${why}.`, { details: { why } });
}

function check(buffer: Flatbuffer, at: number, size: number): void {
  if (at < 0 || at + size > buffer.bytes.length) {
    throw corrupt(`bytes ${at} to ${at + size} of ${buffer.bytes.length} are asked for`);
  }
}

function spend(buffer: Flatbuffer, kind: "objects" | "text", amount: number): void {
  buffer.budget[kind] -= amount;
  if (buffer.budget[kind] < 0) {
    throw new SchemaError("TOO_LARGE", "The Arrow message unfolds to far more than its size.");
  }
}

function uint32(buffer: Flatbuffer, at: number): number {
  check(buffer, at, 4);
  return buffer.view.getUint32(at, true);
}

export function rootTable(buffer: Flatbuffer): Table {
  return tableAt(buffer, uint32(buffer, 0));
}

function tableAt(buffer: Flatbuffer, at: number): Table {
  spend(buffer, "objects", 1);
  check(buffer, at, 4);
  const vtable = at - buffer.view.getInt32(at, true);
  check(buffer, vtable, 4);
  const vtableSize = buffer.view.getUint16(vtable, true);
  check(buffer, vtable, Math.max(vtableSize, 4));
  check(buffer, at, buffer.view.getUint16(vtable + 2, true));
  return { buffer, at, vtable, vtableSize };
}

/** Where the slot's value lies; `undefined` if the table leaves it out. */
function locate(table: Table, slot: number, size: number): number | undefined {
  const entry = 4 + 2 * slot;
  if (entry + 2 > table.vtableSize) {
    return undefined;
  }
  const offset = table.buffer.view.getUint16(table.vtable + entry, true);
  if (offset === 0) {
    return undefined;
  }
  check(table.buffer, table.at + offset, size);
  return table.at + offset;
}

export function readInt(table: Table, slot: number, size: 1 | 2 | 4, absent: number): number {
  const at = locate(table, slot, size);
  if (at === undefined) {
    return absent;
  }
  const { view } = table.buffer;
  return size === 1 ? view.getUint8(at) : size === 2 ? view.getInt16(at, true) : view.getInt32(at, true);
}

function follow(table: Table, slot: number): number | undefined {
  const at = locate(table, slot, 4);
  return at === undefined ? undefined : at + uint32(table.buffer, at);
}

export function readTable(table: Table, slot: number): Table | undefined {
  const at = follow(table, slot);
  return at === undefined ? undefined : tableAt(table.buffer, at);
}

/** The tables of a vector; none if it is left out. */
export function readTables(table: Table, slot: number): Table[] {
  const at = follow(table, slot);
  if (at === undefined) {
    return [];
  }
  const { buffer } = table;
  const count = uint32(buffer, at);
  check(buffer, at + 4, count * 4);
  return Array.from({ length: count }, (_, i) => {
    const entry = at + 4 + 4 * i;
    return tableAt(buffer, entry + uint32(buffer, entry));
  });
}

/** Where the `count` elements of a vector of numbers or structs lie; none if it is left out. */
export function readVector(table: Table, slot: number, width: number): { readonly at: number; readonly count: number } {
  const at = follow(table, slot);
  if (at === undefined) {
    return { at: 0, count: 0 };
  }
  const count = uint32(table.buffer, at);
  check(table.buffer, at + 4, count * width);
  return { at: at + 4, count };
}

/** A 64-bit number, which for all that is read here must be from 0 to 2^53 - 1. */
export function readLength(table: Table, slot: number): number {
  const at = locate(table, slot, 8);
  return at === undefined ? 0 : lengthAt(table.buffer, at);
}

/** The 64-bit number at a place that is known to exist. */
export function lengthAt(buffer: Flatbuffer, at: number): number {
  const value = buffer.view.getBigInt64(at, true);
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw corrupt(`${value} is no length`);
  }
  return Number(value);
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function readText(table: Table, slot: number): string | undefined {
  const at = follow(table, slot);
  if (at === undefined) {
    return undefined;
  }
  const { buffer } = table;
  const size = uint32(buffer, at);
  check(buffer, at + 4, size);
  spend(buffer, "text", size);
  return decoder.decode(buffer.bytes.subarray(at + 4, at + 4 + size));
}
