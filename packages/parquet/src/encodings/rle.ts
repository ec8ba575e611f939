import { corrupt } from "../error.ts";

/** Smallest number of bits that hold `max`. */
export function bitWidth(max: number): number {
  return 32 - Math.clz32(max);
}

/**
 * Decodes `count` values of the hybrid of run lengths and bit packing from `bytes[start..end)` into `out`.
 * Returns the position after the last run used. Throws `CORRUPT` when the values end early.
 */
export function decodeHybrid(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  count: number,
  out: Int32Array | Uint8Array,
): number {
  let at = start;
  let done = 0;
  const widthBytes = (width + 7) >> 3;
  while (done < count) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= end || shift > 28) throw corrupt(`a run of levels or indices ends after ${done} of ${count} values`);
      const b = bytes[at++]!;
      header += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) break;
    }
    if ((header & 1) === 0) {
      if (at + widthBytes > end) throw corrupt("a run of levels or indices is cut short");
      let value = 0;
      for (let i = 0; i < widthBytes; i++) value |= bytes[at++]! << (8 * i);
      // A value wider than its bits would wrap in `out`; the bits above the width must be zero.
      if (width < 32 && value >>> width !== 0) throw corrupt("a run value is wider than its bit width");
      const run = Math.min(header / 2, count - done);
      if (run === 0) throw corrupt("a run of length 0");
      out.fill(value, done, done + run);
      done += run;
    } else {
      const groups = (header - 1) / 2;
      if (groups === 0) throw corrupt("a run of length 0");
      const packed = Math.min(groups * 8, count - done);
      if (at + Math.ceil((packed * width) / 8) > end) throw corrupt("bit-packed values are cut short");
      unpack(bytes, at, end, width, packed, out, done);
      at = Math.min(at + groups * width, end);
      done += packed;
    }
  }
  return at;
}

/** Unpacks `count` little-endian values of `width` bits starting at the byte `at`. The caller has checked that they are there. */
export function unpack(
  bytes: Uint8Array,
  at: number,
  end: number,
  width: number,
  count: number,
  out: Int32Array | Uint8Array,
  to: number,
): void {
  if (width === 0) {
    out.fill(0, to, to + count);
    return;
  }
  if (width === 1) {
    for (let i = 0; i < count; i++) out[to + i] = (bytes[at + (i >> 3)]! >> (i & 7)) & 1;
    return;
  }
  if (width === 8) {
    for (let i = 0; i < count; i++) out[to + i] = bytes[at + i]!;
    return;
  }
  if (width <= 24) {
    const mask = (1 << width) - 1;
    let buffer = 0;
    let bits = 0;
    for (let i = 0; i < count; i++) {
      while (bits < width) {
        buffer |= (at < end ? bytes[at]! : 0) << bits;
        at++;
        bits += 8;
      }
      out[to + i] = buffer & mask;
      buffer >>>= width;
      bits -= width;
    }
    return;
  }
  // 25 to 32 bits do not leave room for a whole byte in a 32-bit buffer.
  const modulus = 2 ** width;
  let buffer = 0;
  let bits = 0;
  for (let i = 0; i < count; i++) {
    while (bits < width) {
      buffer += (at < end ? bytes[at]! : 0) * 2 ** bits;
      at++;
      bits += 8;
    }
    const value = buffer % modulus;
    out[to + i] = value;
    buffer = (buffer - value) / modulus;
    bits -= width;
  }
}

/** Packs `values[start..end)` little-endian with `width` bits each, padded with zeros to `padded` values. Returns the position after. */
export function pack(
  values: Uint8Array | Int32Array | Float64Array,
  start: number,
  end: number,
  padded: number,
  width: number,
  out: Uint8Array,
  to: number,
): number {
  const count = end - start;
  let buffer = 0;
  let bits = 0;
  if (width <= 24) {
    for (let i = 0; i < padded; i++) {
      if (i < count) buffer |= values[start + i]! << bits;
      bits += width;
      while (bits >= 8) {
        out[to++] = buffer & 255;
        buffer >>>= 8;
        bits -= 8;
      }
    }
    return to;
  }
  // 25 to 32 bits plus 7 left over do not fit a 32-bit buffer.
  for (let i = 0; i < padded; i++) {
    if (i < count) buffer += values[start + i]! * 2 ** bits;
    bits += width;
    while (bits >= 8) {
      out[to++] = buffer % 256;
      buffer = Math.floor(buffer / 256);
      bits -= 8;
    }
  }
  return to;
}

/** Encodes `values[start..end)` as runs and bit-packed groups: a run wherever 8 or more equal values are left after a group border. */
export function encodeHybrid(values: Uint8Array | Int32Array, start: number, end: number, width: number): Uint8Array {
  const count = end - start;
  // Worst case: packed groups of 8, each followed by a run of its own.
  const out = new Uint8Array(Math.ceil(count / 8) * (width + 12) + 16);
  const widthBytes = (width + 7) >> 3;
  let to = 0;
  const header = (value: number): void => {
    let rest = value;
    while (rest > 0x7f) {
      out[to++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    out[to++] = rest;
  };
  let packedFrom = start;
  const flush = (until: number): void => {
    if (until === packedFrom) return;
    const groups = Math.ceil((until - packedFrom) / 8);
    header(groups * 2 + 1);
    to = pack(values, packedFrom, until, groups * 8, width, out, to);
    packedFrom = until;
  };
  for (let at = start; at < end; ) {
    const value = values[at]!;
    let next = at + 1;
    while (next < end && values[next] === value) next++;
    // A packed stretch may only end on a group of 8; the run lends the values that complete it.
    const lend = (8 - ((at - packedFrom) & 7)) & 7;
    if (next - at - lend >= 8) {
      flush(at + lend);
      header((next - packedFrom) * 2);
      for (let i = 0; i < widthBytes; i++) out[to++] = (value >>> (8 * i)) & 255;
      packedFrom = next;
    }
    at = next;
  }
  flush(end);
  return out.subarray(0, to);
}

/** `count` times one value, as `encodeHybrid` would write it. */
export function encodeRun(value: number, count: number, width: number): Uint8Array {
  const out: number[] = [];
  let rest = count * 2;
  while (rest > 0x7f) {
    out.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  for (let i = 0; i < (width + 7) >> 3; i++) out.push((value >>> (8 * i)) & 255);
  return count === 0 ? new Uint8Array(0) : Uint8Array.from(out);
}
