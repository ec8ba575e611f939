import { type BioType, checkBioType } from "../alphabets.ts";
import { sha1 } from "../sha1.ts";
import { openModule } from "../wasm/module.ts";
import { type HashFour, INPUT, INPUT_BYTES, LANE_BYTES, lanesModule, STATES, setPrefix } from "./lanes.ts";

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
  let many = false;
  return (bytes, starts, ends, from, to, words) => {
    many ||= to - from >= MANY;
    const lanes = many ? openLanes() : undefined;
    if (lanes === undefined) hashEach(prefix, bytes, starts, ends, from, to, words);
    else hashMany(lanes, prefix, bytes, starts, ends, from, to, words);
  };
}

/** Fewer sequences are hashed before the module for many is written and compiled. */
const MANY = 256;

// What is hot below stands at the top level: functions made anew with each hasher would have to be compiled anew with each.

const one = new Int32Array(WORDS);

function hashEach(
  prefix: Uint8Array,
  bytes: Uint8Array,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
  words: Int32Array,
): void {
  for (let i = from; i < to; i++) {
    sha1(one, prefix, bytes, starts[i]!, ends[i]!);
    for (let w = 0; w < WORDS; w++) words[i * WORDS + w] = one[w]!;
  }
}

/** Most sequences of a piece, and so many blocks at most: what is longer is hashed alone. */
const PIECE = 4096;
const BLOCKS = (LANE_BYTES >> 6) + 2;

/** The module that hashes four at once, and what is needed to feed it. One is enough, for hashing is never re-entered. */
interface Lanes {
  readonly input: Uint8Array;
  readonly states: Int32Array;
  readonly hash: HashFour;
  /** What stands before each message now. */
  prefix: Uint8Array | undefined;
  readonly next: Int32Array;
  readonly order: Int32Array;
}

let opened: Lanes | null | undefined;

function openLanes(): Lanes | undefined {
  if (opened === undefined) {
    const module = openModule(lanesModule, "hash");
    opened =
      module === undefined
        ? null
        : {
            input: new Uint8Array(module.memory),
            states: new Int32Array(module.memory, STATES, WORDS * 4),
            hash: module.run,
            prefix: undefined,
            next: new Int32Array(BLOCKS + 1),
            order: new Int32Array(PIECE),
          };
  }
  return opened ?? undefined;
}

function hashMany(
  lanes: Lanes,
  prefix: Uint8Array,
  bytes: Uint8Array,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
  words: Int32Array,
): void {
  if (lanes.prefix !== prefix) setPrefix(lanes.input, prefix);
  lanes.prefix = prefix;
  for (let first = from; first < to; ) {
    let end = first;
    const start = starts[first]!;
    while (end < to && end - first < PIECE && ends[end]! - start <= INPUT_BYTES) {
      if (prefix.length + ends[end]! - starts[end]! > LANE_BYTES) break;
      end++;
    }
    if (end === first) {
      hashEach(prefix, bytes, starts, ends, first, ++end, words);
    } else {
      lanes.input.set(bytes.subarray(start, ends[end - 1]!), INPUT);
      hashPiece(lanes, prefix.length, starts, ends, first, end, words);
    }
    first = end;
  }
}

/** Blocks of a message of so many bytes, with the mark and the length at its end. */
const blocksOf = (bytes: number): number => (bytes + 9 + 63) >> 6;

/** Messages of as many blocks are hashed together. */
function hashPiece(
  { next, order, states, hash }: Lanes,
  prefix: number,
  starts: Int32Array,
  ends: Int32Array,
  from: number,
  to: number,
  words: Int32Array,
): void {
  next.fill(0);
  for (let i = from; i < to; i++) next[blocksOf(prefix + ends[i]! - starts[i]!) + 1]!++;
  for (let b = 1; b <= BLOCKS; b++) next[b]! += next[b - 1]!;
  for (let i = from; i < to; i++) order[next[blocksOf(prefix + ends[i]! - starts[i]!)]!++] = i;
  const shift = INPUT - starts[from]!;
  const count = to - from;
  for (let at = 0; at < count; ) {
    const i0 = order[at]!;
    const blocks = blocksOf(prefix + ends[i0]! - starts[i0]!);
    const last = Math.min(at + 4, next[blocks]!) - 1;
    const i1 = order[Math.min(at + 1, last)]!;
    const i2 = order[Math.min(at + 2, last)]!;
    const i3 = order[last]!;
    const [s0, s1, s2, s3] = [starts[i0]!, starts[i1]!, starts[i2]!, starts[i3]!];
    hash(
      ...([s0 + shift, ends[i0]! - s0, s1 + shift, ends[i1]! - s1] as const),
      ...([s2 + shift, ends[i2]! - s2, s3 + shift, ends[i3]! - s3] as const),
      prefix,
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
}
