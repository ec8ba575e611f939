import { stripRange } from "@usr/id";
import type { OverlayKey } from "../types.ts";

/** Whether keys are compared in upper case. Only ASCII letters have one here: such keys belong to `dna_4` sequences. */
export function foldsCase(key: OverlayKey): boolean {
  return key === "sequence_ci";
}

/**
 * Puts `[start, end)` without the white space around it into `range[0]` and `range[1]`. A pair that the caller owns keeps a loop over
 * millions of keys free of allocation.
 */
export function stripInto(range: Int32Array, bytes: Uint8Array, start: number, end: number): void {
  if (end > start && isPlain(bytes[start]!) && isPlain(bytes[end - 1]!)) {
    range[0] = start;
    range[1] = end;
    return;
  }
  const [from, to] = stripRange(bytes, start, end);
  range[0] = from;
  range[1] = to;
}

/** A byte that can neither be white space nor belong to a character that is. */
function isPlain(byte: number): boolean {
  return byte > 0x20 && byte < 0x80;
}

// A byte order mark is no white space to Python: it is part of the key.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The normalised key as text, for messages. */
export function keyText(bytes: Uint8Array, start: number, end: number, fold: boolean): string {
  const text = decoder.decode(bytes.subarray(start, end));
  return fold ? text.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : text;
}

/** An ASCII letter in upper case; any other byte as it is. */
export function upper(byte: number): number {
  return byte >= 97 && byte <= 122 ? byte - 32 : byte;
}

/** 32 bits of FNV-1a, mixed so that the high bits are as good as the low ones. */
export function hashKeyBytes(bytes: Uint8Array, start: number, end: number, fold: boolean): number {
  let h = end - start;
  for (let i = start; i < end; i++) h = Math.imul(h ^ (fold ? upper(bytes[i]!) : bytes[i]!), 0x01000193);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  return h ^ (h >>> 13);
}
