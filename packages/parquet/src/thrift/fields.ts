import { corrupt } from "../error.ts";
import type { ThriftList, ThriftNarrow, ThriftStruct } from "./read.ts";

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
  return bytes === undefined ? undefined : decodeText(bytes, id);
}

/** A leading U+FEFF is a character of the name, not a mark of the encoding. */
function decodeText(bytes: Uint8Array, id: number): string {
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
