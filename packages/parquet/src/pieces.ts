import { nativeBuffer } from "./native.ts";

/** Gives memory of at least `size` bytes, whatever they are. */
export type Memory = (size: number) => Uint8Array;

/** Bytes of all pieces together. */
export function sizeOf(parts: readonly Uint8Array[]): number {
  let size = 0;
  for (const part of parts) size += part.length;
  return size;
}

/** The pieces end to end: a single one as it is, else copied to the begin of `memory`. */
export function concatBytes(parts: readonly Uint8Array[], memory?: Uint8Array): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const size = sizeOf(parts);
  const out = memory?.subarray(0, size) ?? new Uint8Array(size);
  let to = 0;
  for (const part of parts) {
    out.set(part, to);
    to += part.length;
  }
  return out;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const compare = nativeBuffer()?.Buffer?.compare;
  return compare === undefined ? a.every((byte, i) => byte === b[i]) : compare(a, b) === 0;
}
