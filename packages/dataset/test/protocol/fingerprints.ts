const WORDS = 4;
const FULLEST = 0.7;

/**
 * A set of byte strings that keeps 128 bits of each: sixteen bytes and some room, whatever their length. That two of `n` are taken for one
 * has a chance below `n * n / 2 ** 128`.
 */
export interface Fingerprints {
  readonly size: number;
  /** Whether the first `length` bytes were not there yet. */
  add(bytes: Uint8Array, length: number): boolean;
}

export const fingerprints = (): Fingerprints => {
  let slots = 1 << 16;
  let table = new Uint32Array(slots * WORDS);
  let size = 0;
  const hash = new Uint32Array(WORDS);

  /** Where it is, or its free place: one whose last word is 0. */
  const placeOf = (a: number, b: number, c: number, d: number): number => {
    for (let slot = a % slots; ; slot = (slot + 1) % slots) {
      const at = slot * WORDS;
      if (table[at + 3] === 0) return at;
      if (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d) return at;
    }
  };
  const grow = (): void => {
    const old = table;
    slots *= 2;
    table = new Uint32Array(slots * WORDS);
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + 3] === 0) continue;
      const to = placeOf(old[from]!, old[from + 1]!, old[from + 2]!, old[from + 3]!);
      for (let word = 0; word < WORDS; word++) table[to + word] = old[from + word]!;
    }
  };
  return {
    get size() {
      return size;
    },
    add: (bytes, length) => {
      murmur128(bytes, length, hash);
      if (hash[3] === 0) hash[3] = 1;
      const at = placeOf(hash[0]!, hash[1]!, hash[2]!, hash[3]!);
      if (table[at + 3] !== 0) return false;
      table.set(hash, at);
      size++;
      if (size > slots * FULLEST) grow();
      return true;
    },
  };
};

const rotated = (word: number, by: number): number => (word << by) | (word >>> (32 - by));
const mixed = (word: number): number => {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};

/** MurmurHash3 of 128 bits (x86), where the last block is filled up with zeros. */
const murmur128 = (bytes: Uint8Array, length: number, into: Uint32Array): void => {
  const word = (at: number): number =>
    (at < length ? bytes[at]! : 0) |
    ((at + 1 < length ? bytes[at + 1]! : 0) << 8) |
    ((at + 2 < length ? bytes[at + 2]! : 0) << 16) |
    ((at + 3 < length ? bytes[at + 3]! : 0) << 24);
  const [c1, c2, c3, c4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let at = 0; at < length; at += 16) {
    a ^= Math.imul(rotated(Math.imul(word(at), c1), 15), c2);
    a = (Math.imul(rotated(a, 19) + b, 5) + 0x561ccd1b) | 0;
    b ^= Math.imul(rotated(Math.imul(word(at + 4), c2), 16), c3);
    b = (Math.imul(rotated(b, 17) + c, 5) + 0x0bcaa747) | 0;
    c ^= Math.imul(rotated(Math.imul(word(at + 8), c3), 17), c4);
    c = (Math.imul(rotated(c, 15) + d, 5) + 0x96cd1c35) | 0;
    d ^= Math.imul(rotated(Math.imul(word(at + 12), c4), 18), c1);
    d = (Math.imul(rotated(d, 13) + a, 5) + 0x32ac3b17) | 0;
  }
  a ^= length;
  b ^= length;
  c ^= length;
  d ^= length;
  a = (a + b + c + d) | 0;
  b = (b + a) | 0;
  c = (c + a) | 0;
  d = (d + a) | 0;
  a = mixed(a);
  b = mixed(b);
  c = mixed(c);
  d = mixed(d);
  a = (a + b + c + d) | 0;
  into[0] = a;
  into[1] = b + a;
  into[2] = c + a;
  into[3] = d + a;
};
