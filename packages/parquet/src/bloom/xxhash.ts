// XXH64 with seed 0, in 32-bit halves: a BigInt for each word costs ten times as much, and a key of a table is hashed a million times.

const P1H = 0x9e3779b1;
const P1L = 0x85ebca87;
const P2H = 0xc2b2ae3d;
const P2L = 0x27d4eb4f;
const P3H = 0x165667b1;
const P3L = 0x9e3779f9;
const P4H = 0x85ebca77;
const P4L = 0xc2b2ae63;
const P5H = 0x27d4eb2f;
const P5L = 0x165667c5;

/** The upper half of the product of two unsigned 32-bit numbers. */
export function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16);
  const middle = Math.imul(a0, b1) + (low & 0xffff);
  return (Math.imul(a1, b1) + (low >>> 16) + (middle >>> 16)) | 0;
}

function carry(sum: number, part: number): number {
  return sum >>> 0 < part >>> 0 ? 1 : 0;
}

/** A hasher with a state of its own. After `hash` the digest of `bytes[start, end)` is in `high` and `low`, as signed halves. */
export interface Hasher {
  high: number;
  low: number;
  hash(bytes: Uint8Array, start: number, end: number): void;
}

export function createHasher(): Hasher {
  const lanes = new Int32Array(8);
  const hasher: Hasher = { high: 0, low: 0, hash };

  function hash(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    let h: number;
    let l: number;
    if (end - start >= 32) {
      lanes[0] = (P1H + P2H + carry((P1L + P2L) | 0, P1L)) | 0;
      lanes[1] = (P1L + P2L) | 0;
      lanes[2] = P2H;
      lanes[3] = P2L;
      lanes[4] = 0;
      lanes[5] = 0;
      lanes[6] = (-P1H - 1) | 0;
      lanes[7] = -P1L | 0;
      for (; at + 32 <= end; at += 32) for (let i = 0; i < 8; i += 2) stripe(i, bytes, at + i * 4);
      h = 0;
      l = 0;
      for (let i = 0; i < 4; i++) {
        const r = [1, 7, 12, 18][i]!;
        const laneH = lanes[i * 2]!;
        const laneL = lanes[i * 2 + 1]!;
        const sum = (l + ((laneL << r) | (laneH >>> (32 - r)))) | 0;
        h = (h + ((laneH << r) | (laneL >>> (32 - r))) + carry(sum, l)) | 0;
        l = sum;
      }
      for (let i = 0; i < 8; i += 2) {
        const vh = lanes[i]!;
        const vl = lanes[i + 1]!;
        lanes[i] = 0;
        lanes[i + 1] = 0;
        rotateIn(i, vh, vl);
        h ^= lanes[i]!;
        l ^= lanes[i + 1]!;
        const ph = (mulHigh(l, P1L) + Math.imul(h, P1L) + Math.imul(l, P1H)) | 0;
        const pl = Math.imul(l, P1L);
        l = (pl + P4L) | 0;
        h = (ph + P4H + carry(l, pl)) | 0;
      }
    } else {
      h = P5H | 0;
      l = P5L | 0;
    }
    const size = end - start;
    const sum = (l + size) | 0;
    h = (h + carry(sum, l)) | 0;
    l = sum;
    for (; at + 8 <= end; at += 8) {
      lanes[0] = 0;
      lanes[1] = 0;
      rotateIn(0, word(bytes, at + 4), word(bytes, at));
      h ^= lanes[0]!;
      l ^= lanes[1]!;
      const rh = (h << 27) | (l >>> 5);
      const rl = (l << 27) | (h >>> 5);
      const ph = (mulHigh(rl, P1L) + Math.imul(rh, P1L) + Math.imul(rl, P1H)) | 0;
      const pl = Math.imul(rl, P1L);
      l = (pl + P4L) | 0;
      h = (ph + P4H + carry(l, pl)) | 0;
    }
    if (at + 4 <= end) {
      const w = word(bytes, at);
      h ^= (mulHigh(w, P1L) + Math.imul(w, P1H)) | 0;
      l ^= Math.imul(w, P1L);
      const rh = (h << 23) | (l >>> 9);
      const rl = (l << 23) | (h >>> 9);
      const ph = (mulHigh(rl, P2L) + Math.imul(rh, P2L) + Math.imul(rl, P2H)) | 0;
      const pl = Math.imul(rl, P2L);
      l = (pl + P3L) | 0;
      h = (ph + P3H + carry(l, pl)) | 0;
      at += 4;
    }
    for (; at < end; at++) {
      const b = bytes[at]!;
      h ^= (mulHigh(b, P5L) + Math.imul(b, P5H)) | 0;
      l ^= Math.imul(b, P5L);
      const rh = (h << 11) | (l >>> 21);
      const rl = (l << 11) | (h >>> 21);
      h = (mulHigh(rl, P1L) + Math.imul(rh, P1L) + Math.imul(rl, P1H)) | 0;
      l = Math.imul(rl, P1L);
    }
    l ^= h >>> 1;
    h = (mulHigh(l, P2L) + Math.imul(h, P2L) + Math.imul(l, P2H)) | 0;
    l = Math.imul(l, P2L);
    l ^= (l >>> 29) | (h << 3);
    h ^= h >>> 29;
    h = (mulHigh(l, P3L) + Math.imul(h, P3L) + Math.imul(l, P3H)) | 0;
    l = Math.imul(l, P3L);
    hasher.high = h;
    hasher.low = l ^ h;
  }

  /** lanes[i] = rotl(lanes[i] + input * P2, 31) * P1 */
  function rotateIn(i: number, inputH: number, inputL: number): void {
    const before = lanes[i + 1]!;
    const l = (before + Math.imul(inputL, P2L)) | 0;
    const h =
      (lanes[i]! + mulHigh(inputL, P2L) + Math.imul(inputH, P2L) + Math.imul(inputL, P2H) + carry(l, before)) | 0;
    const rh = (h << 31) | (l >>> 1);
    const rl = (l << 31) | (h >>> 1);
    lanes[i] = mulHigh(rl, P1L) + Math.imul(rh, P1L) + Math.imul(rl, P1H);
    lanes[i + 1] = Math.imul(rl, P1L);
  }

  function stripe(i: number, bytes: Uint8Array, at: number): void {
    rotateIn(i, word(bytes, at + 4), word(bytes, at));
  }

  return hasher;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
