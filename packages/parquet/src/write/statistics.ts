import type { DataType } from "@usr/schema";
import type { LeafValues } from "../encodings/values.ts";
import { STATS } from "../footer/format.ts";
import type { ThriftStruct } from "../thrift/read.ts";
import { struct } from "../thrift/write.ts";

/** Longer texts are cut to a bound. */
const MAX_TEXT = 64;

interface Bound {
  readonly bytes: Uint8Array;
  readonly exact: boolean;
}
interface Range {
  readonly min: Bound | undefined;
  readonly max: Bound | undefined;
}

/** Statistics of a chunk; `distinct` may be the dictionary, whose values are those of the chunk. */
export function statisticsOf(type: DataType, distinct: LeafValues, nulls: number): ThriftStruct {
  const { min, max } = rangeOf(type, distinct);
  return struct([
    [STATS.nullCount, BigInt(nulls)],
    [STATS.maxValue, max?.bytes],
    [STATS.minValue, min?.bytes],
    [STATS.maxExact, max?.exact],
    [STATS.minExact, min?.exact],
  ]);
}

const NONE: Range = { min: undefined, max: undefined };

function rangeOf(type: DataType, values: LeafValues): Range {
  if (values.count === 0) return NONE;
  if (values.kind === "bytes") return textRange(values.offsets, values.data, values.count);
  if (values.kind === "bool") {
    let all = 1;
    let any = 0;
    for (let i = 0; i < values.count; i++) {
      all &= values.values[i]!;
      any |= values.values[i]!;
    }
    return exact(Uint8Array.of(all), Uint8Array.of(any));
  }
  const words = values.values;
  if (words instanceof Uint16Array) return halfRange(words);
  if (words instanceof Float32Array || words instanceof Float64Array) return floatRange(words);
  if (words instanceof BigInt64Array) {
    const ordered = type.kind === "uint64" ? new BigUint64Array(words.buffer, words.byteOffset, words.length) : words;
    let min = ordered[0]!;
    let max = min;
    for (let i = 1; i < ordered.length; i++) {
      const value = ordered[i]!;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    return exact(bytesOf(BigInt64Array.of(BigInt.asIntN(64, min))), bytesOf(BigInt64Array.of(BigInt.asIntN(64, max))));
  }
  const ordered = type.kind === "uint32" ? new Uint32Array(words.buffer, words.byteOffset, words.length) : words;
  let min = ordered[0]!;
  let max = min;
  for (let i = 1; i < ordered.length; i++) {
    const value = ordered[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return exact(bytesOf(Int32Array.of(min)), bytesOf(Int32Array.of(max)));
}

function exact(min: Uint8Array, max: Uint8Array): Range {
  return { min: { bytes: min, exact: true }, max: { bytes: max, exact: true } };
}

function bytesOf(array: Int32Array | BigInt64Array | Float32Array | Float64Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** NaN has no place in the order and is left out; a zero may be either zero, so the lower bound is -0 and the upper one +0. */
function floatRange(values: Float32Array | Float64Array): Range {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let any = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    any = true;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (!any) return NONE;
  const low = min === 0 ? -0 : min;
  const high = max === 0 ? 0 : max;
  return values instanceof Float32Array
    ? exact(bytesOf(Float32Array.of(low)), bytesOf(Float32Array.of(high)))
    : exact(bytesOf(Float64Array.of(low)), bytesOf(Float64Array.of(high)));
}

function halfRange(values: Uint16Array): Range {
  // The bits of a half, with the sign folded in, order as its value does.
  const key = (bits: number): number => (bits & 0x8000 ? -(bits & 0x7fff) : bits);
  let min = 0;
  let max = 0;
  let any = false;
  for (let i = 0; i < values.length; i++) {
    const bits = values[i]!;
    if ((bits & 0x7fff) > 0x7c00) continue;
    if (!any || key(bits) < key(min)) min = bits;
    if (!any || key(bits) > key(max)) max = bits;
    any = true;
  }
  if (!any) return NONE;
  return exact(
    bytesOf(Uint16Array.of(key(min) === 0 ? 0x8000 : min)),
    bytesOf(Uint16Array.of(key(max) === 0 ? 0 : max)),
  );
}

function textRange(offsets: Int32Array, data: Uint8Array, count: number): Range {
  let min = 0;
  let max = 0;
  for (let i = 1; i < count; i++) {
    if (compare(offsets, data, i, min) < 0) min = i;
    else if (compare(offsets, data, i, max) > 0) max = i;
  }
  const of = (i: number): Uint8Array => data.subarray(offsets[i]!, offsets[i + 1]!);
  return { min: lowerBound(of(min)), max: upperBound(of(max)) };
}

function compare(offsets: Int32Array, data: Uint8Array, a: number, b: number): number {
  const from = offsets[a]!;
  const other = offsets[b]!;
  const lengthA = offsets[a + 1]! - from;
  const lengthB = offsets[b + 1]! - other;
  const common = Math.min(lengthA, lengthB);
  for (let k = 0; k < common; k++) {
    const difference = data[from + k]! - data[other + k]!;
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}

/** The end of the last whole character within `MAX_TEXT` bytes. */
function cut(text: Uint8Array): number {
  let end = MAX_TEXT;
  while (end > 0 && (text[end]! & 0xc0) === 0x80) end--;
  return end;
}

function lowerBound(text: Uint8Array): Bound {
  return text.length <= MAX_TEXT
    ? { bytes: text.slice(), exact: true }
    : { bytes: text.slice(0, cut(text)), exact: false };
}

/** A prefix whose last character is raised by one; without an ASCII character to raise there is no short bound. */
function upperBound(text: Uint8Array): Bound | undefined {
  if (text.length <= MAX_TEXT) return { bytes: text.slice(), exact: true };
  for (let end = cut(text); end > 0; end--) {
    if (text[end - 1]! >= 0x7f) continue;
    const bytes = text.slice(0, end);
    bytes[end - 1]!++;
    return { bytes, exact: false };
  }
  return undefined;
}
