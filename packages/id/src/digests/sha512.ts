/** The first `n` primes. */
const primes = (n: number): bigint[] => {
  const found: bigint[] = [];
  for (let p = 2n; found.length < n; p++) if (found.every((q) => p % q !== 0n)) found.push(p);
  return found;
};

/** The first 64 bits of the fraction of the `k`-th root of `p`, by integer bisection: FIPS 180-4 defines the constants so. */
const rootBits = (p: bigint, k: bigint): bigint => {
  let root = 0n;
  for (let bit = 1n << 70n; bit > 0n; bit >>= 1n) if ((root | bit) ** k <= p << (64n * k)) root |= bit;
  return root & 0xffffffffffffffffn;
};

const halves = (values: readonly bigint[]): Int32Array =>
  Int32Array.from(values.flatMap((v) => [Number(v >> 32n) | 0, Number(v & 0xffffffffn) | 0]));

let K: Int32Array | undefined;
let START: Int32Array | undefined;

/** SHA-512, 64 bytes. 64-bit words are pairs of int32, high half first: bigint would be some fifty times slower. Pads a copy of the message. */
export function sha512Bytes(message: Uint8Array): Uint8Array {
  K ??= halves(primes(80).map((p) => rootBits(p, 3n)));
  START ??= halves(primes(8).map((p) => rootBits(p, 2n)));
  const padded = new Uint8Array(Math.ceil((message.length + 17) / 128) * 128);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  const h = START.slice();
  const w = new Int32Array(160);
  const v = new Int32Array(16);
  for (let at = 0; at < padded.length; at += 128) {
    for (let i = 0; i < 32; i++) w[i] = view.getInt32(at + i * 4);
    for (let i = 32; i < 160; i += 2) {
      const [xh, xl, yh, yl] = [w[i - 30]!, w[i - 29]!, w[i - 4]!, w[i - 3]!];
      const s0h = ((xh >>> 1) | (xl << 31)) ^ ((xh >>> 8) | (xl << 24)) ^ (xh >>> 7);
      const s0l = ((xl >>> 1) | (xh << 31)) ^ ((xl >>> 8) | (xh << 24)) ^ ((xl >>> 7) | (xh << 25));
      const s1h = ((yh >>> 19) | (yl << 13)) ^ ((yl >>> 29) | (yh << 3)) ^ (yh >>> 6);
      const s1l = ((yl >>> 19) | (yh << 13)) ^ ((yh >>> 29) | (yl << 3)) ^ ((yl >>> 6) | (yh << 26));
      const low = (w[i - 31]! >>> 0) + (s0l >>> 0) + (w[i - 13]! >>> 0) + (s1l >>> 0);
      w[i] = (w[i - 32]! + s0h + w[i - 14]! + s1h + Math.floor(low / 2 ** 32)) | 0;
      w[i + 1] = low | 0;
    }
    v.set(h);
    for (let i = 0; i < 160; i += 2) {
      const [ah, al, bh, bl, ch, cl] = [v[0]!, v[1]!, v[2]!, v[3]!, v[4]!, v[5]!];
      const [eh, el, fh, fl, gh, gl] = [v[8]!, v[9]!, v[10]!, v[11]!, v[12]!, v[13]!];
      const e1h = ((eh >>> 14) | (el << 18)) ^ ((eh >>> 18) | (el << 14)) ^ ((el >>> 9) | (eh << 23));
      const e1l = ((el >>> 14) | (eh << 18)) ^ ((el >>> 18) | (eh << 14)) ^ ((eh >>> 9) | (el << 23));
      const a0h = ((ah >>> 28) | (al << 4)) ^ ((al >>> 2) | (ah << 30)) ^ ((al >>> 7) | (ah << 25));
      const a0l = ((al >>> 28) | (ah << 4)) ^ ((ah >>> 2) | (al << 30)) ^ ((ah >>> 7) | (al << 25));
      const choiceLow = (el & fl) ^ (~el & gl);
      const majorLow = (al & bl) ^ (al & cl) ^ (bl & cl);
      const low1 = (v[15]! >>> 0) + (e1l >>> 0) + (choiceLow >>> 0) + (K[i + 1]! >>> 0) + (w[i + 1]! >>> 0);
      const high1 = (v[14]! + e1h + ((eh & fh) ^ (~eh & gh)) + K[i]! + w[i]! + Math.floor(low1 / 2 ** 32)) | 0;
      const low2 = (low1 >>> 0) + (a0l >>> 0) + (majorLow >>> 0);
      const high2 = (high1 + a0h + ((ah & bh) ^ (ah & ch) ^ (bh & ch)) + Math.floor(low2 / 2 ** 32)) | 0;
      const lowE = (v[7]! >>> 0) + (low1 >>> 0);
      const highE = (v[6]! + high1 + Math.floor(lowE / 2 ** 32)) | 0;
      v.copyWithin(2, 0, 14);
      v[0] = high2;
      v[1] = low2 | 0;
      v[8] = highE;
      v[9] = lowE | 0;
    }
    for (let i = 0; i < 16; i += 2) {
      const low = (h[i + 1]! >>> 0) + (v[i + 1]! >>> 0);
      h[i] = (h[i]! + v[i]! + Math.floor(low / 2 ** 32)) | 0;
      h[i + 1] = low | 0;
    }
  }
  const out = new DataView(new ArrayBuffer(64));
  h.forEach((word, i) => {
    out.setInt32(i * 4, word);
  });
  return new Uint8Array(out.buffer);
}
