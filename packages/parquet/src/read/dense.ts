import { allocateFixed, type FixedType, type FixedValues } from "@usr/schema";
import type { PageValues } from "../encodings/page-values.ts";
import { corrupt, ParquetError } from "../error.ts";
import type { Segment } from "./cursor.ts";
import { checkUtf8 } from "./utf8.ts";

/** The present values of the segments, one after the other, in the type of the column. Throws `CORRUPT` for values outside of a narrow type. */
export function denseFixed(type: FixedType, segments: readonly Segment[]): FixedValues {
  const out = allocateFixed(type, total(segments));
  let to = 0;
  for (const { page, valueStart, valueEnd } of segments) {
    const { values } = page;
    const width = out.BYTES_PER_ELEMENT;
    if (values.kind === "fixed" && values.apart?.width === width) {
      const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
      bytes.set(values.apart.bytes.subarray(valueStart * width, valueEnd * width), to * width);
    } else if (values.kind === "fixed") {
      put(out, values.values, valueStart, valueEnd, to);
    } else if (values.kind === "dictionary" && values.dictionary.kind === "fixed") {
      const { indices, dictionary } = values;
      const source = narrowed(type, dictionary.values);
      pick(out, source, indices, valueStart, valueEnd, to);
    } else if (valueEnd > valueStart) {
      throw corrupt("a page holds values of another kind than its column");
    }
    to += valueEnd - valueStart;
  }
  return out;
}

function total(segments: readonly Segment[]): number {
  let count = 0;
  for (const s of segments) count += s.valueEnd - s.valueStart;
  return count;
}

type Physical = Int32Array | BigInt64Array | Float32Array | Float64Array | Uint16Array;

/** The dictionary in the type of the column; small, so it is converted anew per page. */
function narrowed(type: FixedType, values: Physical): FixedValues {
  const out = allocateFixed(type, values.length);
  put(out, values, 0, values.length, 0);
  return out;
}

function put(out: FixedValues, values: Physical, start: number, end: number, to: number): void {
  const big = out instanceof BigInt64Array || out instanceof BigUint64Array;
  const bigSource = values instanceof BigInt64Array;
  if (big && bigSource) {
    new BigInt64Array(out.buffer, out.byteOffset, out.length).set(values.subarray(start, end), to);
  } else if (!big && !bigSource) {
    if (values instanceof Int32Array && !(out instanceof Int32Array || out instanceof Uint32Array)) {
      for (let i = start; i < end; i++) {
        const value = values[i]!;
        out[to + i - start] = value;
        if (out[to + i - start] !== value) throw corrupt(`a value of ${value} in a narrower integer column`);
      }
    } else {
      out.set(values.subarray(start, end), to);
    }
  } else {
    throw corrupt("a page holds values of another width than its column");
  }
}

function pick(
  out: FixedValues,
  source: FixedValues,
  indices: Int32Array,
  start: number,
  end: number,
  to: number,
): void {
  const shift = to - start;
  // One and the same value, usual in columns such as created_at.
  if (source.length === 1 && out instanceof BigInt64Array && source instanceof BigInt64Array) {
    out.fill(source[0]!, to, end + shift);
    return;
  }
  // One loop per class keeps each monomorphic; the two 64-bit ones copy halves, which spares a bigint a value.
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
    const target = new Float64Array(out.buffer, out.byteOffset, out.length);
    const from = new Float64Array(source.buffer, source.byteOffset, source.length);
    copyPicked(
      new Uint32Array(target.buffer, target.byteOffset, target.length * 2),
      new Uint32Array(from.buffer, from.byteOffset, from.length * 2),
      indices,
      start,
      end,
      shift,
    );
  } else if (out instanceof Float64Array && source instanceof Float64Array) {
    copyPicked(
      new Uint32Array(out.buffer, out.byteOffset, out.length * 2),
      new Uint32Array(source.buffer, source.byteOffset, source.length * 2),
      indices,
      start,
      end,
      shift,
    );
  } else if (out instanceof Int32Array && source instanceof Int32Array) {
    for (let i = start; i < end; i++) out[i + shift] = source[indices[i]!]!;
  } else if (!(source instanceof BigInt64Array || source instanceof BigUint64Array)) {
    for (let i = start; i < end; i++) out[i + shift] = source[indices[i]!]!;
  }
}

function copyPicked(
  out: Uint32Array,
  source: Uint32Array,
  indices: Int32Array,
  start: number,
  end: number,
  shift: number,
): void {
  for (let i = start; i < end; i++) {
    const to = (i + shift) * 2;
    const from = indices[i]! * 2;
    out[to] = source[from]!;
    out[to + 1] = source[from + 1]!;
  }
}

/** One byte a value. */
export function denseBooleans(segments: readonly Segment[]): Uint8Array {
  const out = new Uint8Array(total(segments));
  let to = 0;
  for (const { page, valueStart, valueEnd } of segments) {
    const { values } = page;
    if (values.kind === "bool") {
      out.set(values.values.subarray(valueStart, valueEnd), to);
    } else if (values.kind === "dictionary" && values.dictionary.kind === "bool") {
      for (let i = valueStart; i < valueEnd; i++)
        out[to + i - valueStart] = values.dictionary.values[values.indices[i]!]!;
    } else if (valueEnd > valueStart) {
      throw corrupt("a page holds values of another kind than its column");
    }
    to += valueEnd - valueStart;
  }
  return out;
}

export interface DenseTexts {
  readonly offsets: Int32Array;
  readonly data: Uint8Array;
}

/** Texts end to end; checked to be UTF-8, each of its own. */
export function denseTexts(segments: readonly Segment[]): DenseTexts {
  const offsets = new Int32Array(total(segments) + 1);
  let bytes = 0;
  let at = 0;
  for (const { page, valueStart, valueEnd } of segments) {
    bytes = putOffsets(offsets, at, bytes, page.values, valueStart, valueEnd);
    at += valueEnd - valueStart;
  }
  const data = new Uint8Array(bytes);
  at = 0;
  for (const { page, valueStart, valueEnd } of segments) {
    putTexts(data, offsets, at, page.values, valueStart, valueEnd);
    at += valueEnd - valueStart;
  }
  checkUtf8(data, offsets);
  return { offsets, data };
}

function putOffsets(
  offsets: Int32Array,
  at: number,
  bytes: number,
  values: PageValues,
  start: number,
  end: number,
): number {
  let sum = bytes;
  const texts = values.kind === "dictionary" ? values.dictionary : values;
  if (texts.kind !== "bytes") {
    if (start === end) return sum;
    throw corrupt("a page holds values of another kind than its column");
  }
  const { starts, gap } = texts;
  if (values.kind === "dictionary") {
    const { indices } = values;
    for (let i = start; i < end; i++) {
      const index = indices[i]!;
      sum += starts[index + 1]! - gap - starts[index]!;
      offsets[++at] = sum;
    }
  } else {
    for (let i = start; i < end; i++) {
      sum += starts[i + 1]! - gap - starts[i]!;
      offsets[++at] = sum;
    }
  }
  if (sum > 0x7fffffff) {
    throw new ParquetError("TOO_LARGE", "One batch of a text column would hold more than 2 GiB.", {
      hint: "Read with a smaller batchRows.",
    });
  }
  return sum;
}

function putTexts(
  out: Uint8Array,
  offsets: Int32Array,
  at: number,
  values: PageValues,
  start: number,
  end: number,
): void {
  const texts = values.kind === "dictionary" ? values.dictionary : values;
  if (texts.kind !== "bytes" || start === end) return;
  const { data, starts, gap } = texts;
  if (values.kind !== "dictionary" && gap === 0) {
    out.set(data.subarray(starts[start]!, starts[end]!), offsets[at]!);
    return;
  }
  const indices = values.kind === "dictionary" ? values.indices : undefined;
  if (indices !== undefined && putConstant(out, offsets, at, texts.data, starts, indices, start, end)) return;
  for (let i = start; i < end; i++) {
    const index = indices === undefined ? i : indices[i]!;
    const from = starts[index]!;
    const to = offsets[at + i - start]!;
    const length = offsets[at + i - start + 1]! - to;
    if (length > 48) out.set(data.subarray(from, from + length), to);
    else for (let b = 0; b < length; b++) out[to + b] = data[from + b]!;
  }
}

/** A stretch of one and the same text, usual in columns such as source: written once, then doubled. */
function putConstant(
  out: Uint8Array,
  offsets: Int32Array,
  at: number,
  data: Uint8Array,
  starts: Int32Array,
  indices: Int32Array,
  start: number,
  end: number,
): boolean {
  const first = indices[start]!;
  for (let i = start + 1; i < end; i++) if (indices[i] !== first) return false;
  const from = offsets[at]!;
  const until = offsets[at + end - start]!;
  const length = offsets[at + 1]! - from;
  out.set(data.subarray(starts[first]!, starts[first]! + length), from);
  for (let done = length; done < until - from; done *= 2) {
    out.copyWithin(from + done, from, from + Math.min(done, until - from - done));
  }
  return true;
}
