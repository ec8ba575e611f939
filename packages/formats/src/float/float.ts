import type { FloatKind } from "@usr/schema";
import { nearestQuotient } from "./quotient.ts";

const scratch: DataView = new DataView(new ArrayBuffer(8));

/** Nearest float16 of a double, ties to even, as raw bits. */
export function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24); // subnormal step 2^-24; 2^10 steps is the first normal
  scratch.setFloat64(0, magnitude);
  const exponent = (scratch.getUint16(0) >> 4) - 1023;
  // 1024 * 2^k <= mantissa < 2048 * 2^k: a carry out of the mantissa lands in the exponent, as it should
  return sign | (((exponent + 14) << 10) + roundEven(magnitude * 2 ** (10 - exponent)));
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The double of raw float16 bits. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Nearest value of the kind, ties to even, as a double. */
export function roundTo(kind: FloatKind, value: number): number {
  if (kind === "float64") return value;
  return kind === "float32" ? Math.fround(value) : halfValue(halfBits(value));
}

const POWERS: readonly number[] = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/**
 * Reads `[+-]? (digits [. digits?] | . digits) ([eE] [+-]? digits)?` from ASCII bytes, rounded once to the kind. `undefined` = not such a text, or a
 * finite text beyond the kind's largest value. `cut` gives a range as text, where the caller has that cheaper.
 */
export function decimalToFloat(
  bytes: Uint8Array,
  start: number,
  end: number,
  kind: FloatKind,
  cut?: (start: number, end: number) => string,
): number | undefined {
  let at = start;
  const negative = bytes[at] === 0x2d;
  if (negative || bytes[at] === 0x2b) at++;
  // The first 15 significant digits and the next 3, each an exact integer.
  let mantissa = 0;
  let tail = 0;
  let significant = 0;
  let digits = 0;
  let point = 0;
  let byte = 0;
  for (; at < end; at++) {
    byte = bytes[at]! - 0x30;
    if (byte < 0 || byte > 9) break;
    digits++;
    if (significant === 0 && byte === 0) continue;
    if (++significant <= 15) mantissa = mantissa * 10 + byte;
    else if (significant <= 18) tail = tail * 10 + byte;
  }
  if (at < end && bytes[at] === 0x2e) {
    for (at++; at < end; at++) {
      byte = bytes[at]! - 0x30;
      if (byte < 0 || byte > 9) break;
      digits++;
      point++;
      if (significant === 0 && byte === 0) continue;
      if (++significant <= 15) mantissa = mantissa * 10 + byte;
      else if (significant <= 18) tail = tail * 10 + byte;
    }
  }
  if (digits === 0) return undefined;
  let exponent = 0;
  if (at < end && (bytes[at]! | 0x20) === 0x65) {
    at++;
    const down = bytes[at] === 0x2d;
    if (at < end && (down || bytes[at] === 0x2b)) at++;
    if (at >= end) return undefined;
    for (; at < end; at++) {
      byte = bytes[at]! - 0x30;
      if (byte < 0 || byte > 9) return undefined;
      if (exponent < 1e8) exponent = exponent * 10 + byte;
    }
    if (down) exponent = -exponent;
  }
  if (at !== end) return undefined;
  if (significant === 0) return negative ? -0 : 0;
  const scale = exponent - point;
  let double = NaN;
  if (significant <= 15 && scale >= -22 && scale <= 22) {
    // both operands are exact doubles, so the one operation rounds once
    double = scale < 0 ? mantissa / POWERS[-scale]! : mantissa * POWERS[scale]!;
  } else if (significant <= 18 && scale >= -22 && scale <= 0) {
    double = nearestQuotient(mantissa, POWERS[significant - 15]!, tail, POWERS[-scale]!);
  }
  if (Number.isNaN(double)) double = Number(cut === undefined ? ascii(bytes, start, end) : cut(start, end));
  else if (negative) double = -double;
  if (kind === "float64") return Number.isFinite(double) ? double : undefined;
  const single = nearMidpoint(kind, double) ? decideTie(kind, double, bytes, start, end) : roundTo(kind, double);
  return Number.isFinite(single) ? single : undefined;
}

/** The decimal text as the nearest value of the kind, in one rounding, as every text format reads it. `undefined` as in `decimalToFloat`. */
export function parseFloatText(text: string, kind: FloatKind): number | undefined {
  const bytes = new TextEncoder().encode(text);
  return decimalToFloat(bytes, 0, bytes.length, kind);
}

const latin: TextDecoder = new TextDecoder("latin1");

/** ASCII bytes as text. */
export function ascii(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 40) return latin.decode(bytes.subarray(start, end));
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** Whether the double may lie exactly between two neighbours of the kind, where rounding the decimal twice can go wrong. */
function nearMidpoint(kind: FloatKind, double: number): boolean {
  scratch.setFloat64(0, double);
  const low = scratch.getUint32(4);
  const magnitude = Math.abs(double);
  if (kind === "float32") return magnitude < 2 ** -125 || magnitude >= 2 ** 127 || (low & 0x1fffffff) === 0x10000000;
  return magnitude < 2 ** -13 || magnitude >= 2 ** 15 || (low === 0 && (scratch.getUint16(2) & 0x3ff) === 0x200);
}

/** Rounds the decimal text to the kind by comparing it with the midpoint exactly. `double` is the nearest double of the text. */
function decideTie(kind: FloatKind, double: number, bytes: Uint8Array, start: number, end: number): number {
  const magnitude = Math.abs(double);
  const sign = double < 0 || Object.is(double, -0) ? -1 : 1;
  const below = roundTo(kind, step(magnitude, -1));
  const above = roundTo(kind, step(magnitude, 1));
  const rounded = roundTo(kind, magnitude);
  if (below === above) return sign * rounded;
  const overflow = kind === "float32" ? 2 ** 128 : 65536;
  const midpoint = (below + (above === Infinity ? overflow : above)) / 2;
  if (magnitude !== midpoint) return sign * rounded;
  const order = compareDecimal(ascii(bytes, start, end), midpoint);
  return sign * (order < 0 ? below : order > 0 ? above : rounded);
}

/** The neighbouring double of a non-negative one; 0 and the largest stay at the border. */
function step(magnitude: number, direction: 1 | -1): number {
  if (magnitude === 0 && direction === -1) return 0;
  scratch.setFloat64(0, magnitude);
  scratch.setBigUint64(0, scratch.getBigUint64(0) + BigInt(direction));
  return scratch.getFloat64(0);
}

const ENOUGH_DIGITS = 1200;

/** Sign of |decimal text| - value, exactly. `value` is a positive double near the decimal. */
function compareDecimal(text: string, value: number): number {
  const match = /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return 0;
  let digits = ((match[1] ?? "") + (match[2] ?? "")).replace(/^0+/, "");
  let power = Number(match[3] ?? 0) - (match[2] ?? "").length;
  if (digits.length > ENOUGH_DIGITS) {
    // a double has at most 767 significant digits: what follows can only break the tie upwards
    const sticky = /[1-9]/.test(digits.slice(ENOUGH_DIGITS)) ? "1" : "0";
    power += digits.length - ENOUGH_DIGITS - 1;
    digits = digits.slice(0, ENOUGH_DIGITS) + sticky;
  }
  let left = BigInt(digits === "" ? 0 : digits);
  let right: bigint;
  scratch.setFloat64(0, value);
  const bits = scratch.getBigUint64(0);
  const raw = Number(bits >> 52n) & 2047;
  right = (bits & 0xfffffffffffffn) | (raw === 0 ? 0n : 1n << 52n);
  const binary = Math.max(raw, 1) - 1075;
  if (power >= 0) left *= 10n ** BigInt(power);
  else right *= 10n ** BigInt(-power);
  if (binary >= 0) right <<= BigInt(binary);
  else left <<= BigInt(-binary);
  return left < right ? -1 : left > right ? 1 : 0;
}
