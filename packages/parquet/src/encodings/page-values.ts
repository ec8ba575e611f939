import { corrupt, notSupported, tooLarge } from "../error.ts";
import type { SchemaNode } from "../footer/format.ts";
import { ENCODING, PHYSICAL } from "../footer/format.ts";
import type { Limits } from "../limits.ts";
import { type ByteValues, decodeDelta32, decodeDelta64, decodeDeltaBytes, decodeDeltaLength } from "./delta.ts";
import { decodeHybrid } from "./rle.ts";

/** The values of a page that are there, without the missing ones, in the physical type. */
export type PlainValues =
  | FixedValues
  /** One byte a value. */
  | { readonly kind: "bool"; readonly values: Uint8Array }
  | ({ readonly kind: "bytes" } & ByteValues);
export interface FixedValues {
  readonly kind: "fixed";
  readonly values: Int32Array | BigInt64Array | Float32Array | Float64Array | Uint16Array;
  /** The bytes of values that do not lie at a multiple of their width: `values` copies them there, and who copies anyhow takes these. */
  readonly apart?: { readonly bytes: Uint8Array; readonly width: number } | undefined;
}
export type PageValues =
  | PlainValues
  | { readonly kind: "dictionary"; readonly indices: Int32Array; readonly dictionary: PlainValues };

/** Decodes `count` values of `data[at..end)`. Throws `CORRUPT` where they do not fit, `NOT_SUPPORTED` for encodings the type does not take. */
export function decodeValues(
  leaf: SchemaNode,
  encoding: number,
  data: Uint8Array,
  at: number,
  end: number,
  count: number,
  dictionary: PlainValues | undefined,
  limits: Limits,
): PageValues {
  if (count === 0) return noValues(leaf);
  const physical = leaf.physical;
  switch (encoding) {
    case ENCODING.plain:
      return decodePlain(leaf, data, at, end, count, limits);
    case ENCODING.plainDictionary:
    case ENCODING.rleDictionary:
      return decodeIndices(data, at, end, count, dictionary);
    case ENCODING.rle:
      if (physical === PHYSICAL.boolean) return decodeRleBooleans(data, at, end, count);
      break;
    case ENCODING.deltaBinaryPacked:
      if (physical === PHYSICAL.int32) return { kind: "fixed", values: decodeDelta32(data, at, end, count).values };
      if (physical === PHYSICAL.int64) return { kind: "fixed", values: decodeDelta64(data, at, end, count).values };
      break;
    case ENCODING.deltaLengthByteArray:
      if (physical === PHYSICAL.byteArray) return { kind: "bytes", ...decodeDeltaLength(data, at, end, count) };
      break;
    case ENCODING.deltaByteArray:
      if (physical === PHYSICAL.byteArray || physical === PHYSICAL.fixed) {
        const values = decodeDeltaBytes(data, at, end, count, limits.pageBytes);
        return physical === PHYSICAL.byteArray ? { kind: "bytes", ...values } : fixedBytes(leaf, values, count);
      }
      break;
    case ENCODING.byteStreamSplit:
      return decodeSplit(leaf, data, at, end, count);
  }
  throw notSupported(`A page has encoding ${encoding} for physical type ${physical}.`);
}

function noValues(leaf: SchemaNode): PlainValues {
  if (leaf.physical === PHYSICAL.byteArray)
    return { kind: "bytes", data: new Uint8Array(0), starts: new Int32Array(1), gap: 0 };
  if (leaf.physical === PHYSICAL.boolean) return { kind: "bool", values: new Uint8Array(0) };
  return { kind: "fixed", values: view(leaf, new ArrayBuffer(0)) };
}

function decodeIndices(
  data: Uint8Array,
  at: number,
  end: number,
  count: number,
  dictionary: PlainValues | undefined,
): PageValues {
  if (dictionary === undefined) throw corrupt("a dictionary-encoded page has no dictionary");
  const width = at < end ? data[at]! : 33;
  if (width > 32) throw corrupt(`dictionary indices of ${width} bits`);
  const size = dictionary.kind === "bytes" ? dictionary.starts.length - 1 : dictionary.values.length;
  const indices = new Int32Array(count);
  decodeHybrid(data, at + 1, end, width, count, indices);
  let highest = 0;
  for (let i = 0; i < count; i++) {
    const index = indices[i]! >>> 0;
    if (index > highest) highest = index;
  }
  if (highest >= size) throw corrupt(`a dictionary index of ${highest} where ${size} values are`);
  return { kind: "dictionary", indices, dictionary };
}

function decodeRleBooleans(data: Uint8Array, at: number, end: number, count: number): PageValues {
  if (end - at < 4) throw corrupt("a boolean page is cut short");
  const length = new DataView(data.buffer, data.byteOffset + at, 4).getUint32(0, true);
  if (length > end - at - 4) throw corrupt("a boolean page is cut short");
  const values = new Uint8Array(count);
  decodeHybrid(data, at + 4, at + 4 + length, 1, count, values);
  return { kind: "bool", values };
}

function widthOf(leaf: SchemaNode): number {
  switch (leaf.physical) {
    case PHYSICAL.int32:
    case PHYSICAL.float:
      return 4;
    case PHYSICAL.int64:
    case PHYSICAL.double:
      return 8;
    default:
      return leaf.typeLength;
  }
}

/** Typed arrays take the byte order of the machine: little-endian everywhere JavaScript runs today, as in the format. */
function view(
  leaf: SchemaNode,
  buffer: ArrayBufferLike,
  offset = 0,
  count = 0,
): Int32Array | BigInt64Array | Float32Array | Float64Array | Uint16Array {
  switch (leaf.physical) {
    case PHYSICAL.int32:
      return new Int32Array(buffer, offset, count);
    case PHYSICAL.int64:
      return new BigInt64Array(buffer, offset, count);
    case PHYSICAL.float:
      return new Float32Array(buffer, offset, count);
    case PHYSICAL.double:
      return new Float64Array(buffer, offset, count);
    default:
      if (leaf.typeLength !== 2) throw notSupported(`A fixed-width column of ${leaf.typeLength} bytes.`);
      return new Uint16Array(buffer, offset, count);
  }
}

/** PLAIN values: of a data page or of a dictionary. */
export function decodePlain(
  leaf: SchemaNode,
  data: Uint8Array,
  at: number,
  end: number,
  count: number,
  limits: Limits,
): PlainValues {
  if (count > limits.pageValues) throw tooLarge(`A page declares ${count} values.`, "pageValues", { count });
  if (leaf.physical === PHYSICAL.byteArray) return decodePlainBytes(data, at, end, count);
  if (leaf.physical === PHYSICAL.boolean) {
    if ((end - at) * 8 < count) throw corrupt("a page has fewer values than its header says");
    const values = new Uint8Array(count);
    for (let i = 0; i < count; i++) values[i] = (data[at + (i >> 3)]! >> (i & 7)) & 1;
    return { kind: "bool", values };
  }
  const width = widthOf(leaf);
  const size = count * width;
  if (size > end - at) throw corrupt("a page has fewer values than its header says");
  const offset = data.byteOffset + at;
  if (offset % width === 0) return { kind: "fixed", values: view(leaf, data.buffer, offset, count) };
  const bytes = data.subarray(at, at + size);
  let values: FixedValues["values"] | undefined;
  return {
    kind: "fixed",
    apart: { bytes, width },
    get values() {
      values ??= view(leaf, bytes.slice().buffer, 0, count);
      return values;
    },
  };
}

function decodePlainBytes(data: Uint8Array, start: number, end: number, count: number): PlainValues {
  // Every value takes at least its 4 length bytes.
  if (count * 4 > end - start) throw corrupt("a page has fewer values than its header says");
  const starts = new Int32Array(count + 1);
  let at = start;
  for (let i = 0; i < count; i++) {
    if (end - at < 4) throw corrupt("a page has fewer values than its header says");
    const length = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24);
    at += 4;
    if (length < 0 || length > end - at) throw corrupt("a text runs past its page");
    starts[i] = at;
    at += length;
  }
  // The gap before the "next" value keeps the rule end(i) = starts[i + 1] - 4 true for the last one.
  starts[count] = at + 4;
  return { kind: "bytes", data, starts, gap: 4 };
}

function fixedBytes(leaf: SchemaNode, values: ByteValues, count: number): PlainValues {
  const width = leaf.typeLength;
  for (let i = 0; i < count; i++) {
    if (values.starts[i + 1]! - values.starts[i]! !== width)
      throw corrupt(`a value of a ${width}-byte column has another width`);
  }
  return { kind: "fixed", values: view(leaf, values.data.slice(0, count * width).buffer, 0, count) };
}

function decodeSplit(leaf: SchemaNode, data: Uint8Array, at: number, end: number, count: number): PlainValues {
  if (leaf.physical === PHYSICAL.byteArray || leaf.physical === PHYSICAL.boolean)
    throw notSupported("BYTE_STREAM_SPLIT for texts or booleans.");
  const width = widthOf(leaf);
  if (count * width !== end - at) throw corrupt("a page has another number of values than its header says");
  const out = new Uint8Array(count * width);
  for (let b = 0; b < width; b++) {
    const from = at + b * count;
    for (let i = 0; i < count; i++) out[i * width + b] = data[from + i]!;
  }
  return { kind: "fixed", values: view(leaf, out.buffer, 0, count) };
}
