import { type BioType, checkBioType } from "../alphabets.ts";
import { sha1 } from "../sha1.ts";
import { type HashFour, INPUT, INPUT_BYTES, LANE_BYTES, lanesModule, STATES, setPrefix } from "./lanes.ts";
import { openModule } from "./wasm.ts";

/** Words of a digest. */
const WORDS = 5;

/**
 * Hashes the sequences `bytes[starts[i], ends[i])` for i in `[from, to)` and writes the five words of each digest to `words` at `5 * i`. The
 * ranges ascend.
 */
export type BulkHasher = (
  bytes: Uint8Array,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
  words: Int32Array,
) => void;

/**
 * A hasher for many sequences of one bio type: the digests of `createHasher` as words. Four sequences are hashed at once where the runtime has
 * vector instructions for WebAssembly, from the first call on that brings 256. Throws `BAD_BIO_TYPE` where the bio type is unknown.
 */
export function createBulkHasher(bioType: BioType | (string & {})): BulkHasher {
  checkBioType(bioType);
  const prefix = new TextEncoder().encode(`${bioType}|`);
  const one = oneByOne(prefix);
  let many: BulkHasher | undefined;
  return (bytes, starts, ends, from, to, words) => {
    if (many === undefined && to - from >= MANY) {
      const lanes = openModule(lanesModule, "hash");
      many = lanes === undefined ? one : fourByFour(prefix, lanes.memory, lanes.run, one);
    }
    (many ?? one)(bytes, starts, ends, from, to, words);
  };
}

/** Fewer sequences are hashed before the module for many is written and compiled. */
const MANY = 256;

function oneByOne(prefix: Uint8Array): BulkHasher {
  const state = new Int32Array(WORDS);
  return (bytes, starts, ends, from, to, words) => {
    for (let i = from; i < to; i++) {
      sha1(state, prefix, bytes, starts[i]!, ends[i]!);
      for (let w = 0; w < WORDS; w++) words[i * WORDS + w] = state[w]!;
    }
  };
}

/** Most sequences of a piece, and so many blocks at most: what is longer is hashed alone. */
const PIECE = 4096;
const BLOCKS = (LANE_BYTES >> 6) + 2;

function fourByFour(prefix: Uint8Array, memory: ArrayBuffer, hash: HashFour, one: BulkHasher): BulkHasher {
  const input = new Uint8Array(memory);
  const states = new Int32Array(memory, STATES, WORDS * 4);
  setPrefix(input, prefix);
  const next = new Int32Array(BLOCKS + 1);
  const order = new Int32Array(PIECE);
  const blocksOf = (size: number): number => (prefix.length + size + 9 + 63) >> 6;

  /** Messages of as many blocks are hashed together. */
  const hashPiece = (starts: Int32Array, ends: Int32Array, from: number, to: number, words: Int32Array): void => {
    next.fill(0);
    for (let i = from; i < to; i++) next[blocksOf(ends[i]! - starts[i]!) + 1]!++;
    for (let b = 1; b <= BLOCKS; b++) next[b]! += next[b - 1]!;
    for (let i = from; i < to; i++) order[next[blocksOf(ends[i]! - starts[i]!)]!++] = i;
    const shift = INPUT - starts[from]!;
    const count = to - from;
    for (let at = 0; at < count; ) {
      const i0 = order[at]!;
      const blocks = blocksOf(ends[i0]! - starts[i0]!);
      const last = Math.min(at + 4, next[blocks]!) - 1;
      const i1 = order[Math.min(at + 1, last)]!;
      const i2 = order[Math.min(at + 2, last)]!;
      const i3 = order[last]!;
      const [s0, s1, s2, s3] = [starts[i0]!, starts[i1]!, starts[i2]!, starts[i3]!];
      hash(
        ...([s0 + shift, ends[i0]! - s0, s1 + shift, ends[i1]! - s1] as const),
        ...([s2 + shift, ends[i2]! - s2, s3 + shift, ends[i3]! - s3] as const),
        prefix.length,
        blocks,
      );
      for (let w = 0; w < WORDS; w++) {
        words[i0 * WORDS + w] = states[w * 4]!;
        words[i1 * WORDS + w] = states[w * 4 + 1]!;
        words[i2 * WORDS + w] = states[w * 4 + 2]!;
        words[i3 * WORDS + w] = states[w * 4 + 3]!;
      }
      at = last + 1;
    }
  };

  return (bytes, starts, ends, from, to, words) => {
    for (let first = from; first < to; ) {
      let end = first;
      const start = starts[first]!;
      while (end < to && end - first < PIECE && ends[end]! - start <= INPUT_BYTES) {
        if (prefix.length + ends[end]! - starts[end]! > LANE_BYTES) break;
        end++;
      }
      if (end === first) {
        one(bytes, starts, ends, first, ++end, words);
      } else {
        input.set(bytes.subarray(start, ends[end - 1]!), INPUT);
        hashPiece(starts, ends, first, end, words);
      }
      first = end;
    }
  };
}
