import { corrupt } from "../error.ts";
import type { Memory } from "../pieces.ts";

/** Decodes one raw snappy block into exactly `size` bytes, at the begin of `memory` where it is given. */
export function snappyDecode(input: Uint8Array, size: number, memory?: Memory): Uint8Array {
  let at = 0;
  let declared = 0;
  for (let shift = 0; ; shift += 7) {
    const b = input[at++];
    if (b === undefined || shift > 28) throw corrupt("a snappy page has no length");
    declared += (b & 0x7f) * 2 ** shift;
    if (b < 0x80) break;
  }
  if (declared !== size) throw corrupt(`a snappy page holds ${declared} bytes, its header says ${size}`);
  const out = memory?.(size).subarray(0, size) ?? new Uint8Array(size);
  let to = 0;
  while (at < input.length) {
    const tag = input[at++]!;
    let length = (tag >> 2) + 1;
    if ((tag & 3) === 0) {
      if (length > 60) {
        const extra = length - 60;
        if (at + extra > input.length) throw corrupt("a snappy page is cut short");
        length = 1;
        for (let i = 0; i < extra; i++) length += input[at++]! * 2 ** (8 * i);
      }
      if (at + length > input.length || to + length > size) throw corrupt("a snappy literal runs past the page");
      if (length < 24) for (let i = 0; i < length; i++) out[to + i] = input[at + i]!;
      else out.set(input.subarray(at, at + length), to);
      at += length;
      to += length;
      continue;
    }
    let distance: number;
    if ((tag & 3) === 1) {
      length = ((tag >> 2) & 7) + 4;
      if (at >= input.length) throw corrupt("a snappy page is cut short");
      distance = ((tag >> 5) << 8) | input[at++]!;
    } else {
      const width = (tag & 3) === 2 ? 2 : 4;
      if (at + width > input.length) throw corrupt("a snappy page is cut short");
      distance = input[at]! | (input[at + 1]! << 8);
      if (width === 4) distance += input[at + 2]! * 65_536 + input[at + 3]! * 16_777_216;
      at += width;
    }
    to = copyBack(out, to, distance, length);
  }
  if (to !== size) throw corrupt(`a snappy page ends after ${to} of ${size} bytes`);
  return out;
}

/** Repeats `length` bytes from `distance` back; source and target may overlap. */
export function copyBack(out: Uint8Array, to: number, distance: number, length: number): number {
  if (distance === 0 || distance > to || to + length > out.length)
    throw corrupt("a compressed page refers outside of itself");
  if (distance >= length && length > 32) {
    out.copyWithin(to, to - distance, to - distance + length);
    return to + length;
  }
  const end = to + length;
  let from = to - distance;
  while (to < end) out[to++] = out[from++]!;
  return to;
}
