import type { LeafValues } from "./values.ts";

export interface Dictionary {
  /** The distinct values, in the order they first occur. */
  readonly values: LeafValues;
  readonly indices: Int32Array;
}

/** More distinct values than this are no dictionary: looking for them must end early. */
const MAX_DISTINCT = 8192;
const MAX_BYTES = 1 << 20;
/** The most where values are not expected to repeat. */
const UNEXPECTED = 512;

/**
 * The values as a dictionary where each occurs four times or more on average; bits decide equality, so 0 and -0 stay apart. Where values are not
 * expected to repeat, only a small dictionary is looked for.
 */
export function buildDictionary(values: LeafValues, expected: boolean): Dictionary | undefined {
  const limit = Math.min(expected ? MAX_DISTINCT : UNEXPECTED, values.count >> 2);
  if (limit === 0 || values.kind === "bool") return undefined;
  return values.kind === "bytes" ? textDictionary(values, limit) : wordDictionary(values, limit);
}

interface Table {
  /** Index + 1 of the distinct value in a slot; 0 = free. A quarter full at most. */
  readonly slots: Int32Array;
  readonly mask: number;
}

/** Memory for indices: for all of them once as many were filled as tell whether values repeat. Where they do not, the search ends before. */
function roomFor(indices: Int32Array, filled: number, count: number): Int32Array {
  if (filled < indices.length) return indices;
  const all = new Int32Array(count);
  all.set(indices);
  return all;
}

/** The indices that a search of so few distinct values begins with. */
const firstIndices = (count: number, limit: number): Int32Array => new Int32Array(Math.min(count, 2 * limit));

function tableFor(limit: number): Table {
  const size = 2 ** (32 - Math.clz32(limit * 4));
  return { slots: new Int32Array(size), mask: size - 1 };
}

function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function wordDictionary(values: LeafValues & { readonly kind: "fixed" }, limit: number): Dictionary | undefined {
  const { count } = values;
  const source = values.values;
  const width = source.BYTES_PER_ELEMENT;
  const half = width === 2 ? new Uint16Array(source.buffer, source.byteOffset, count) : undefined;
  const words = new Int32Array(
    half === undefined ? source.buffer : new ArrayBuffer(0),
    half === undefined ? source.byteOffset : 0,
    half === undefined ? (count * width) / 4 : 0,
  );
  const stride = width === 8 ? 2 : 1;
  const { slots, mask } = tableFor(limit);
  let indices = firstIndices(count, limit);
  const firsts: number[] = [];
  let lowBefore = 0;
  let highBefore = 0;
  for (let i = 0; i < count; i++) {
    const low = half === undefined ? words[i * stride]! : half[i]!;
    const high = stride === 2 ? words[i * 2 + 1]! : 0;
    indices = roomFor(indices, i, count);
    // Equal neighbours are the usual case of the columns that profit most.
    if (i > 0 && low === lowBefore && high === highBefore) {
      indices[i] = indices[i - 1]!;
      continue;
    }
    lowBefore = low;
    highBefore = high;
    let slot = mix(low ^ Math.imul(high, 0x9e3779b1)) & mask;
    let found = -1;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = firsts[slots[slot]! - 1]!;
      const sameLow = half === undefined ? words[at * stride] === low : half[at] === low;
      if (sameLow && (stride === 1 || words[at * 2 + 1] === high)) {
        found = slots[slot]! - 1;
        break;
      }
    }
    if (found < 0) {
      if (firsts.length === limit) return undefined;
      firsts.push(i);
      found = firsts.length - 1;
      slots[slot] = firsts.length;
    }
    indices[i] = found;
  }
  const out = source.slice(0, firsts.length);
  for (const [i, at] of firsts.entries()) copyWord(out, i, source, at);
  return { values: { kind: "fixed", count: firsts.length, values: out }, indices };
}

type Words = (LeafValues & { readonly kind: "fixed" })["values"];

function copyWord(out: Words, to: number, source: Words, from: number): void {
  const width = source.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(source.buffer, source.byteOffset + from * width, width);
  new Uint8Array(out.buffer, out.byteOffset + to * width, width).set(bytes);
}

/** Whether every text is the first one: what most columns of a kind or a source are. */
function isConstant({ offsets, data, count }: LeafValues & { readonly kind: "bytes" }): boolean {
  const start = offsets[0]!;
  const size = offsets[1]! - start;
  for (let i = 2; i <= count; i++) if (offsets[i] !== start + i * size) return false;
  return repeats(data, start, offsets[count]!, size);
}

/** Whether each byte of `data[start, end)` is the one `period` before it. */
function repeats(data: Uint8Array, start: number, end: number, period: number): boolean {
  // Four periods are whole words: where the first four repeat, all do if each word is the one four periods before it.
  const whole = start + (-(data.byteOffset + start) & 3);
  const head = Math.min(end, whole + 4 * period);
  for (let k = start + period; k < head; k++) if (data[k] !== data[k - period]) return false;
  if (head === end) return true;
  const words = new Int32Array(data.buffer, data.byteOffset + whole, (end - whole) >> 2);
  for (let w = period; w < words.length; w++) if (words[w] !== words[w - period]) return false;
  for (let k = whole + words.length * 4; k < end; k++) if (data[k] !== data[k - period]) return false;
  return true;
}

function textDictionary(values: LeafValues & { readonly kind: "bytes" }, limit: number): Dictionary | undefined {
  const { offsets, data, count } = values;
  if (offsets[1]! - offsets[0]! <= MAX_BYTES && isConstant(values)) {
    const text = data.slice(offsets[0]!, offsets[1]!);
    const distinct: LeafValues = { kind: "bytes", count: 1, offsets: Int32Array.of(0, text.length), data: text };
    return { values: distinct, indices: new Int32Array(count) };
  }
  const { slots, mask } = tableFor(limit);
  let indices = firstIndices(count, limit);
  const firsts: number[] = [];
  let bytes = 0;
  const same = (a: number, b: number): boolean => {
    const from = offsets[a]!;
    const other = offsets[b]!;
    const length = offsets[a + 1]! - from;
    if (offsets[b + 1]! - other !== length) return false;
    for (let k = 0; k < length; k++) if (data[from + k] !== data[other + k]) return false;
    return true;
  };
  for (let i = 0; i < count; i++) {
    indices = roomFor(indices, i, count);
    if (i > 0 && same(i, i - 1)) {
      indices[i] = indices[i - 1]!;
      continue;
    }
    let hash = 0x811c9dc5;
    for (let k = offsets[i]!; k < offsets[i + 1]!; k++) hash = Math.imul(hash ^ data[k]!, 0x01000193);
    let slot = mix(hash) & mask;
    let found = -1;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (same(i, firsts[slots[slot]! - 1]!)) {
        found = slots[slot]! - 1;
        break;
      }
    }
    if (found < 0) {
      bytes += offsets[i + 1]! - offsets[i]!;
      if (firsts.length === limit || bytes > MAX_BYTES) return undefined;
      firsts.push(i);
      found = firsts.length - 1;
      slots[slot] = firsts.length;
    }
    indices[i] = found;
  }
  const out = new Uint8Array(bytes);
  const starts = new Int32Array(firsts.length + 1);
  for (const [i, at] of firsts.entries()) {
    out.set(data.subarray(offsets[at]!, offsets[at + 1]!), starts[i]!);
    starts[i + 1] = starts[i]! + offsets[at + 1]! - offsets[at]!;
  }
  return { values: { kind: "bytes", count: firsts.length, offsets: starts, data: out }, indices };
}
