import { corrupt } from "../error.ts";
import { pack, unpack } from "./rle.ts";

interface Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
}

function varint(c: Cursor): bigint {
  let result = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (c.at >= c.end) break;
    const b = c.bytes[c.at++]!;
    result |= BigInt(b & 0x7f) << shift;
    if (b < 0x80) return result;
  }
  throw corrupt("a delta-encoded page is cut short");
}

function small(c: Cursor, what: string): number {
  const n = varint(c);
  if (n > 0x7fffffffn) throw corrupt(`a delta-encoded page declares a ${what} of ${n}`);
  return Number(n);
}

interface DeltaHeader {
  readonly miniblocks: number;
  readonly perMiniblock: number;
  readonly first: bigint;
}

function readHeader(c: Cursor, count: number): DeltaHeader {
  const blockSize = small(c, "block size");
  const miniblocks = small(c, "miniblock count");
  const total = small(c, "value count");
  const first = varint(c);
  const perMiniblock = blockSize / miniblocks;
  if (blockSize === 0 || blockSize % 128 !== 0 || miniblocks === 0 || perMiniblock % 32 !== 0) {
    throw corrupt(`a delta-encoded page declares blocks of ${blockSize} values in ${miniblocks} parts`);
  }
  if (total !== count) throw corrupt(`a delta-encoded page holds ${total} values, its header says ${count}`);
  return { miniblocks, perMiniblock, first: (first >> 1n) ^ -(first & 1n) };
}

/** Walks the miniblocks; `each` decodes `take` deltas of `width` bits at byte `at`. Returns the position after the last block. */
function walk(
  c: Cursor,
  count: number,
  h: DeltaHeader,
  maxWidth: number,
  each: (minDelta: bigint, width: number, at: number, take: number) => void,
): void {
  let left = count - 1;
  while (left > 0) {
    const raw = varint(c);
    const minDelta = (raw >> 1n) ^ -(raw & 1n);
    const widths = c.at;
    c.at += h.miniblocks;
    if (c.at > c.end) throw corrupt("a delta-encoded page is cut short");
    for (let m = 0; m < h.miniblocks && left > 0; m++) {
      const width = c.bytes[widths + m]!;
      if (width > maxWidth) throw corrupt(`a delta-encoded page declares ${width} bits a value`);
      const take = Math.min(left, h.perMiniblock);
      if (c.at + Math.ceil((take * width) / 8) > c.end) throw corrupt("a delta-encoded page is cut short");
      each(minDelta, width, c.at, take);
      // The last miniblock is written in full by the format, cut short by some writers.
      c.at = Math.min(c.at + (h.perMiniblock * width) / 8, c.end);
      left -= take;
    }
  }
}

/** DELTA_BINARY_PACKED of 32-bit values; additions wrap as the format says. `next` is the position after the values. */
export function decodeDelta32(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
): { readonly values: Int32Array; readonly next: number } {
  const c: Cursor = { bytes, end, at: start };
  const h = readHeader(c, count);
  const values = new Int32Array(count);
  if (count === 0) return { values, next: c.at };
  let value = Number(BigInt.asIntN(32, h.first));
  values[0] = value;
  let to = 1;
  const deltas = new Int32Array(Math.min(h.perMiniblock, count));
  walk(c, count, h, 32, (minDelta, width, at, take) => {
    const base = Number(BigInt.asIntN(32, minDelta));
    unpack(bytes, at, end, width, take, deltas, 0);
    for (let i = 0; i < take; i++) {
      value = (value + base + deltas[i]!) | 0;
      values[to++] = value;
    }
  });
  return { values, next: c.at };
}

/** DELTA_BINARY_PACKED of 64-bit values. */
export function decodeDelta64(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
): { readonly values: BigInt64Array; readonly next: number } {
  const c: Cursor = { bytes, end, at: start };
  const h = readHeader(c, count);
  const values = new BigInt64Array(count);
  if (count === 0) return { values, next: c.at };
  let value = BigInt.asIntN(64, h.first);
  values[0] = value;
  let to = 1;
  walk(c, count, h, 64, (minDelta, width, at, take) => {
    let bit = 0;
    for (let i = 0; i < take; i++) {
      let low = 0;
      let high = 0;
      for (let got = 0; got < width; ) {
        const shift = bit & 7;
        const n = Math.min(8 - shift, width - got);
        const part = (bytes[at + (bit >> 3)]! >> shift) & ((1 << n) - 1);
        if (got < 32) {
          low += part * 2 ** got;
          if (low >= 2 ** 32) {
            high += Math.floor(low / 2 ** 32);
            low %= 2 ** 32;
          }
        } else {
          high += part * 2 ** (got - 32);
        }
        got += n;
        bit += n;
      }
      const delta = (BigInt(high) << 32n) | BigInt(low);
      value = BigInt.asIntN(64, value + minDelta + delta);
      values[to++] = value;
    }
  });
  return { values, next: c.at };
}

/** Values laid end to end: value i is `data[starts[i] .. starts[i + 1] - gap)`. */
export interface ByteValues {
  readonly data: Uint8Array;
  readonly starts: Int32Array;
  readonly gap: number;
}

/** DELTA_LENGTH_BYTE_ARRAY: the lengths, then the bytes, which are used where they lie. */
export function decodeDeltaLength(bytes: Uint8Array, start: number, end: number, count: number): ByteValues {
  const lengths = decodeDelta32(bytes, start, end, count);
  const starts = startsOf(lengths.values, lengths.next, end);
  return { data: bytes, starts, gap: 0 };
}

function startsOf(lengths: Int32Array, from: number, end: number): Int32Array {
  const starts = new Int32Array(lengths.length + 1);
  let at = from;
  for (let i = 0; i < lengths.length; i++) {
    starts[i] = at;
    const length = lengths[i]!;
    if (length < 0 || length > end - at) throw corrupt("a text runs past its page");
    at += length;
  }
  starts[lengths.length] = at;
  return starts;
}

/** DELTA_BYTE_ARRAY: shared prefix lengths, suffix lengths, suffixes. `budget` bounds the bytes unfolded. */
export function decodeDeltaBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  budget: number,
): ByteValues {
  const prefixes = decodeDelta32(bytes, start, end, count);
  const suffixes = decodeDelta32(bytes, prefixes.next, end, count);
  const from = startsOf(suffixes.values, suffixes.next, end);
  const starts = new Int32Array(count + 1);
  let total = 0;
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const prefix = prefixes.values[i]!;
    if (prefix < 0 || prefix > previous) throw corrupt("a text shares more bytes than the text before it has");
    previous = prefix + suffixes.values[i]!;
    total += previous;
    if (total > budget) throw corrupt("a page unfolds to more bytes than allowed");
    starts[i + 1] = total;
  }
  const data = new Uint8Array(total);
  for (let i = 0; i < count; i++) {
    const at = starts[i]!;
    const prefix = prefixes.values[i]!;
    if (prefix > 0) data.copyWithin(at, starts[i - 1]!, starts[i - 1]! + prefix);
    data.set(bytes.subarray(from[i]!, from[i + 1]!), at + prefix);
  }
  return { data, starts, gap: 0 };
}

const BLOCK = 128;
const MINIBLOCKS = 4;
const PER_MINIBLOCK = BLOCK / MINIBLOCKS;

/** DELTA_BINARY_PACKED of non-negative 31-bit values (the lengths of texts). */
export function encodeDelta31(values: Int32Array, start: number, end: number): Uint8Array {
  const count = end - start;
  const out = new Uint8Array(32 + Math.ceil(count / BLOCK) * (5 + MINIBLOCKS + BLOCK * 4));
  let to = 0;
  const varintOut = (value: number): void => {
    let rest = value;
    while (rest > 0x7f) {
      out[to++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    out[to++] = rest;
  };
  const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);
  varintOut(BLOCK);
  varintOut(MINIBLOCKS);
  varintOut(count);
  varintOut(zigzag(count > 0 ? values[start]! : 0));
  const deltas = new Float64Array(BLOCK);
  const packed = new Float64Array(PER_MINIBLOCK);
  for (let at = start + 1; at < end; at += BLOCK) {
    const n = Math.min(BLOCK, end - at);
    let min = Number.POSITIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      const delta = values[at + i]! - values[at + i - 1]!;
      deltas[i] = delta;
      if (delta < min) min = delta;
    }
    varintOut(zigzag(min));
    const widths = to;
    to += MINIBLOCKS;
    for (let m = 0; m < MINIBLOCKS; m++) {
      const first = m * PER_MINIBLOCK;
      let max = 0;
      for (let i = first; i < Math.min(first + PER_MINIBLOCK, n); i++) max = Math.max(max, deltas[i]! - min);
      const width = first >= n ? 0 : max === 0 ? 0 : max >= 2 ** 31 ? 32 : 32 - Math.clz32(max);
      out[widths + m] = width;
      if (width > 0) {
        if (n < first + PER_MINIBLOCK) deltas.fill(min, n);
        for (let i = first; i < first + PER_MINIBLOCK; i++) packed[i - first] = deltas[i]! - min;
        to = pack(packed, 0, PER_MINIBLOCK, PER_MINIBLOCK, width, out, to);
      }
    }
  }
  return out.subarray(0, to);
}
