/** The message schedule, shared by all hashes of this module: hashing is synchronous and never re-entered. */
const W = new Int32Array(80);
/** The last one or two blocks of a message: its rest, the 0x80 mark, and the length in bits. */
const rest = new Uint8Array(128);

const compress = (state: Int32Array, bytes: Uint8Array, at: number): void => {
  const w = W;
  let t = 0;
  let i = 0;
  for (; i < 16; i++, at += 4) {
    w[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  for (; i < 80; i++) {
    t = w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!;
    w[i] = (t << 1) | (t >>> 31);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  // Four loops instead of one with a choice inside: this is where the time goes.
  for (i = 0; i < 20; i++) {
    t = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + w[i]! + 0x5a827999) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (; i < 40; i++) {
    t = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + w[i]! + 0x6ed9eba1) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (; i < 60; i++) {
    t = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + w[i]! - 0x70e44324) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (; i < 80; i++) {
    t = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + w[i]! - 0x359d3e2a) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  state[0] = (state[0]! + a) | 0;
  state[1] = (state[1]! + b) | 0;
  state[2] = (state[2]! + c) | 0;
  state[3] = (state[3]! + d) | 0;
  state[4] = (state[4]! + e) | 0;
};

/**
 * SHA-1 of `prefix` followed by `bytes[start, end)`, into the five words of `state`. The prefix is shorter than a block. Allocates nothing.
 */
export function sha1(state: Int32Array, prefix: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
  state[0] = 0x67452301;
  state[1] = -0x10325477;
  state[2] = -0x67452302;
  state[3] = 0x10325476;
  state[4] = -0x3c2d1e10;
  const length = prefix.length + (end - start);
  let filled = prefix.length;
  for (let i = 0; i < filled; i++) rest[i] = prefix[i]!;
  // The first block is put together in `rest`; whole blocks after it are read where they lie.
  while (filled < 64 && start < end) rest[filled++] = bytes[start++]!;
  if (filled === 64) {
    compress(state, rest, 0);
    for (; end - start > 63; start += 64) compress(state, bytes, start);
    filled = 0;
    while (start < end) rest[filled++] = bytes[start++]!;
  }
  rest[filled++] = 0x80;
  const blocks = filled > 56 ? 128 : 64;
  while (filled < blocks - 8) rest[filled++] = 0;
  // Bits: 2 ** 32 and more only beyond half a gigabyte, hence the division in place of a shift.
  const high = Math.floor(length / 0x20000000);
  const low = length << 3;
  for (let shift = 24; shift >= 0; shift -= 8) {
    rest[filled + 4] = low >>> shift;
    rest[filled++] = high >>> shift;
  }
  compress(state, rest, 0);
  if (blocks === 128) compress(state, rest, 64);
}
