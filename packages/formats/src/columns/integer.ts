import type { IntegerKind } from "@usr/schema";
import { ascii } from "../float/float.ts";

/** Inclusive range of each integer kind. */
export const RANGES: Readonly<Record<IntegerKind, readonly [bigint, bigint]>> = {
  int8: [-128n, 127n],
  int16: [-32768n, 32767n],
  int32: [-2147483648n, 2147483647n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65535n],
  uint32: [0n, 4294967295n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Digits with an optional sign as a number where it is exact, else as bigint; `undefined` = not such a text. Leading zeros count for nothing. */
export function parseInteger(bytes: Uint8Array, start: number, end: number): number | bigint | undefined {
  let at = start;
  const negative = bytes[at] === 0x2d;
  if (negative || bytes[at] === 0x2b) at++;
  if (at >= end) return undefined;
  while (at < end - 1 && bytes[at] === 0x30) at++;
  const first = at;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  if (end - first <= 15) return negative && value !== 0 ? -value : value;
  // longer than any 64 bit integer: a stand-in that is out of every range spares the quadratic conversion
  if (end - first > 20) return negative ? -(2n ** 64n) : 2n ** 64n;
  const exact = BigInt(ascii(bytes, first, end));
  return negative ? -exact : exact;
}

/** Whether an integer lies in the kind's range. */
export function inRange(kind: IntegerKind, value: number | bigint): boolean {
  const [low, high] = RANGES[kind];
  return value >= low && value <= high;
}
