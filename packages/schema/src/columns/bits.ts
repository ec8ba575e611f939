/** Bitmaps as Arrow has them: bit i is `bytes[i >> 3] >> (i & 7) & 1`. Bits past the length are never read. */

export function bitmapBytes(length: number): number {
  // Unsigned: up to 7 more than the longest column is past 2^31.
  return (length + 7) >>> 3;
}

export function getBit(bytes: Uint8Array, index: number): boolean {
  return ((bytes[index >> 3]! >> (index & 7)) & 1) === 1;
}

export function setBit(bytes: Uint8Array, index: number): void {
  bytes[index >> 3]! |= 1 << (index & 7);
}

export function clearBit(bytes: Uint8Array, index: number): void {
  bytes[index >> 3]! &= ~(1 << (index & 7));
}

/** Copies `length` bits. The target bits must be 0. Whole target bytes are written at once. */
export function copyBits(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  const end = to + length;
  while (to < end && (to & 7) !== 0) {
    if (getBit(source, from)) {
      setBit(target, to);
    }
    from += 1;
    to += 1;
  }
  const whole = (end - to) >> 3;
  const shift = from & 7;
  const first = from >> 3;
  const at = to >> 3;
  if (shift === 0) {
    target.set(source.subarray(first, first + whole), at);
  } else {
    for (let i = 0; i < whole; i += 1) {
      target[at + i] = (source[first + i]! >> shift) | (source[first + i + 1]! << (8 - shift));
    }
  }
  for (let i = whole * 8; to + i < end; i += 1) {
    if (getBit(source, from + i)) {
      setBit(target, to + i);
    }
  }
}

/** Sets `length` bits. */
export function setBits(target: Uint8Array, from: number, length: number): void {
  const end = from + length;
  while (from < end && (from & 7) !== 0) {
    setBit(target, from);
    from += 1;
  }
  const whole = (end - from) >> 3;
  target.fill(0xff, from >> 3, (from >> 3) + whole);
  for (from += whole * 8; from < end; from += 1) {
    setBit(target, from);
  }
}

/** `length` bits from `start`, as a bitmap that starts at bit 0: a view where `start` falls on a byte, else a copy. */
export function sliceBits(bytes: Uint8Array, start: number, length: number): Uint8Array {
  if ((start & 7) === 0) {
    return bytes.subarray(start >> 3, (start >> 3) + bitmapBytes(length));
  }
  const result = new Uint8Array(bitmapBytes(length));
  copyBits(bytes, start, result, 0, length);
  return result;
}

/** Whether the first `length` bits are all set. */
function allSet(bytes: Uint8Array, length: number): boolean {
  const whole = length >> 3;
  for (let i = 0; i < whole; i += 1) {
    if (bytes[i] !== 0xff) {
      return false;
    }
  }
  const rest = length & 7;
  return rest === 0 || (bytes[whole]! & ((1 << rest) - 1)) === (1 << rest) - 1;
}

/** The bitmap if it says anything: absent when every row has a value. */
export function validityOf(bytes: Uint8Array, length: number): Uint8Array | undefined {
  return allSet(bytes, length) ? undefined : bytes;
}
