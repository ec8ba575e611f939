import type { FixedColumn, Utf8Column } from "@usr/schema";
import { notSupported } from "../error.ts";
import type { Shredded } from "../write/shred.ts";
import { encodeDelta31 } from "./delta.ts";

/** Words of 16, 32 or 64 bits, as they are stored. */
export type Words = Uint16Array | Int32Array | Float32Array | BigInt64Array | Float64Array;

/** The present values of a leaf, end to end, in the physical type. */
export type LeafValues =
  | { readonly kind: "fixed"; readonly count: number; readonly values: Words }
  /** One byte a value. */
  | { readonly kind: "bool"; readonly count: number; readonly values: Uint8Array }
  /** Value i is `data[offsets[i] .. offsets[i + 1])`. */
  | { readonly kind: "bytes"; readonly count: number; readonly offsets: Int32Array; readonly data: Uint8Array };

/** Collects the present values; without copying where they lie in order. */
export function leafValues(s: Shredded): LeafValues {
  const { column, present, slots, first } = s;
  switch (column.layout) {
    case "fixed":
      return { kind: "fixed", count: present, values: fixedValues(column, slots, first, present) };
    case "bool": {
      const values = new Uint8Array(present);
      for (let i = 0; i < present; i++) {
        const slot = slots === undefined ? first + i : slots[i]!;
        values[i] = (column.values[slot >> 3]! >> (slot & 7)) & 1;
      }
      return { kind: "bool", count: present, values };
    }
    case "utf8":
      return { kind: "bytes", count: present, ...textValues(column, slots, first, present) };
    case "null":
      return { kind: "fixed", count: 0, values: new Int32Array(0) };
    default:
      throw notSupported(`A column of layout ${column.layout} cannot be written as a leaf.`);
  }
}

function fixedValues(column: FixedColumn, slots: Int32Array | undefined, first: number, present: number): Words {
  const { values } = column;
  if (values instanceof Uint16Array && column.type.kind === "float16") {
    return slots === undefined
      ? values.subarray(first, first + present)
      : pickNumbers(values, slots, new Uint16Array(present));
  }
  if (values instanceof Float32Array) {
    return slots === undefined
      ? values.subarray(first, first + present)
      : pickNumbers(values, slots, new Float32Array(present));
  }
  if (values instanceof Float64Array) {
    return slots === undefined
      ? values.subarray(first, first + present)
      : pickNumbers(values, slots, new Float64Array(present));
  }
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    const signed = new BigInt64Array(values.buffer, values.byteOffset, values.length);
    if (slots === undefined) return signed.subarray(first, first + present);
    const out = new BigInt64Array(present);
    for (let i = 0; i < present; i++) out[i] = signed[slots[i]!]!;
    return out;
  }
  const signed =
    values instanceof Uint32Array ? new Int32Array(values.buffer, values.byteOffset, values.length) : values;
  if (slots !== undefined) return pickNumbers(signed, slots, new Int32Array(present));
  const part = signed.subarray(first, first + present);
  return part instanceof Int32Array ? part : Int32Array.from(part);
}

function pickNumbers<T extends Int32Array | Float32Array | Float64Array | Uint16Array>(
  values: { readonly [i: number]: number },
  slots: Int32Array,
  out: T,
): T {
  for (let i = 0; i < slots.length; i++) out[i] = values[slots[i]!]!;
  return out;
}

function textValues(
  column: Utf8Column,
  slots: Int32Array | undefined,
  first: number,
  present: number,
): { readonly offsets: Int32Array; readonly data: Uint8Array } {
  const { offsets, data } = column;
  if (slots === undefined) return { offsets: offsets.subarray(first, first + present + 1), data };
  const out = new Int32Array(present + 1);
  let gapless = true;
  let bytes = 0;
  for (let i = 0; i < present; i++) {
    const slot = slots[i]!;
    if (i > 0 && offsets[slot]! !== offsets[slots[i - 1]! + 1]!) gapless = false;
    bytes += offsets[slot + 1]! - offsets[slot]!;
  }
  if (gapless) {
    for (let i = 0; i < present; i++) out[i] = offsets[slots[i]!]!;
    if (present > 0) out[present] = offsets[slots[present - 1]! + 1]!;
    return { offsets: out, data };
  }
  const copy = new Uint8Array(bytes);
  for (let i = 0; i < present; i++) {
    const slot = slots[i]!;
    copy.set(data.subarray(offsets[slot]!, offsets[slot + 1]!), out[i]!);
    out[i + 1] = out[i]! + offsets[slot + 1]! - offsets[slot]!;
  }
  return { offsets: out, data: copy };
}

/** PLAIN, or DELTA_LENGTH_BYTE_ARRAY for texts: lengths, then the bytes in one piece, which is a view of the values. */
export function encodeValues(values: LeafValues, start: number, end: number): readonly Uint8Array[] {
  switch (values.kind) {
    case "fixed": {
      const part = values.values.subarray(start, end);
      return [new Uint8Array(part.buffer, part.byteOffset, part.byteLength)];
    }
    case "bool": {
      const out = new Uint8Array((end - start + 7) >> 3);
      for (let i = start; i < end; i++) if (values.values[i]) out[(i - start) >> 3]! |= 1 << ((i - start) & 7);
      return [out];
    }
    case "bytes": {
      const { offsets, data } = values;
      const lengths = new Int32Array(end - start);
      for (let i = start; i < end; i++) lengths[i - start] = offsets[i + 1]! - offsets[i]!;
      const head = encodeDelta31(lengths, 0, lengths.length);
      return start === end ? [head] : [head, data.subarray(offsets[start]!, offsets[end]!)];
    }
  }
}

/** PLAIN texts, each after its length: the form of dictionary pages. */
export function encodePlainTexts(values: LeafValues & { readonly kind: "bytes" }): Uint8Array {
  const { offsets, data, count } = values;
  let size = count * 4;
  for (let i = 0; i < count; i++) size += offsets[i + 1]! - offsets[i]!;
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  let to = 0;
  for (let i = 0; i < count; i++) {
    const length = offsets[i + 1]! - offsets[i]!;
    view.setUint32(to, length, true);
    out.set(data.subarray(offsets[i]!, offsets[i]! + length), to + 4);
    to += 4 + length;
  }
  return out;
}
