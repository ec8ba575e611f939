import {
  ADD,
  type Code,
  get,
  I32,
  int,
  PAGE,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  SUB,
  set,
  simd,
  tee,
  unsigned,
  V128,
  wasmModule,
} from "../wasm/module.ts";

/**
 * SHA-1 of four messages at once, as a WebAssembly module that is written out here instruction by instruction: each 32-bit lane of a 128-bit
 * vector belongs to one message. Several times as fast as JavaScript, and there is no binary that nobody can read.
 */

/** A message that is no longer than this, with its prefix, fits a lane together with its padding. */
export const LANE_BYTES: number = 16_384 - 128;
/** The messages are put together in lanes of this many bytes, the first at `LANES`. */
const LANE = 16_384;
const LANES = 64;
/** Where the states of the four messages end up: five vectors, one for each word. */
export const STATES: number = LANES + LANE * 4;
/** From here on the memory is the caller's. */
export const INPUT: number = PAGE * 2;
export const INPUT_BYTES: number = PAGE * 4;

/**
 * Hashes four messages, each the first `prefix` bytes of its lane and then the `size` bytes at `at`, all of `blocks` blocks.
 */
export type HashFour = (
  at0: number,
  size0: number,
  at1: number,
  size1: number,
  at2: number,
  size2: number,
  at3: number,
  size3: number,
  prefix: number,
  blocks: number,
) => void;

/** Writes the prefix of every message into the lanes. */
export function setPrefix(memory: Uint8Array, prefix: Uint8Array): void {
  for (let lane = 0; lane < 4; lane++) memory.set(prefix, LANES + lane * LANE);
}

/** Locals: the parameters, a place, then vectors: the 16 words in use, the state, the state before the block, and one to spare. */
const PREFIX = 8;
const BLOCKS = 9;
const AT = 10;
const W = 11;
const STATE = W + 16;
const BEFORE = STATE + 5;
const SPARE = BEFORE + 5;

const storeByte = (offset: number): Code => [0x3a, 0, unsigned(offset)];
const COPY: Code = [0xfc, 0x0a, 0, 0];
const FILL: Code = [0xfc, 0x0b, 0];

const SPLAT = simd(0x11);
const OR = simd(0x50);
const XOR = simd(0x51);
const SELECT = simd(0x52);
const PLUS = simd(0xae);
/** Words of a message are big-endian. */
const SWAP: Code = [simd(0x0d), 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];
const rotated = (local: number, bits: number): Code => [
  [get(local), int(bits), simd(0xab)],
  [get(local), int(32 - bits), simd(0xad), OR],
];

/** Puts the message of one lane behind its prefix: its bytes, the 0x80 mark, zeros, and the length in bits. */
const fillLane = (lane: number): Code => {
  const base = LANES + lane * LANE;
  const at = get(lane * 2);
  const size = get(lane * 2 + 1);
  const total = [get(PREFIX), size, ADD];
  const end = [get(BLOCKS), int(6), SHIFT_LEFT];
  const lengthByte = (i: number): Code => [
    [end, total, int(3), SHIFT_LEFT, int(24 - i * 8), SHIFT_RIGHT],
    storeByte(base - 4 + i),
  ];
  return [
    [get(PREFIX), int(base), ADD, at, size, COPY],
    [total, int(base), ADD, tee(AT), int(0), end, total, SUB, FILL],
    [get(AT), int(0x80), storeByte(0)],
    [0, 1, 2, 3].map(lengthByte),
  ];
};

/** Word t of the block at `AT`, from all four lanes. */
const loadWord = (t: number): Code => [
  [get(AT), simd(0x5c), 0, unsigned(LANES + t * 4), set(SPARE)],
  [1, 2, 3].map((lane) => [
    [get(AT), get(SPARE), simd(0x56), 0, unsigned(LANES + lane * LANE + t * 4), lane, set(SPARE)],
  ]),
  [get(SPARE), get(SPARE), SWAP, set(W + t)],
];

/** Word t of the schedule in the place of word t - 16. */
const nextWord = (t: number): Code => {
  const word = (back: number): Code => get(W + ((t - back) & 15));
  return [
    [word(3), word(8), XOR, word(14), XOR, word(16), XOR, set(SPARE)],
    [rotated(SPARE, 1), set(W + (t & 15))],
  ];
};

const CONSTANTS = [0x5a827999, 0x6ed9eba1, -0x70e44324, -0x359d3e2a] as const;
const INITIAL = [0x67452301, -0x10325477, -0x67452302, 0x10325476, -0x3c2d1e10] as const;

/** One of the 80 rounds. The five words change their names from round to round, so that none is moved. */
const round = (t: number): Code => {
  const name = (i: number): number => STATE + ((i + 80 - t) % 5);
  const [a, b, c, d, e] = [name(0), name(1), name(2), name(3), name(4)] as const;
  const choice: Code = [get(c), get(d), get(b), SELECT];
  const parity: Code = [get(b), get(c), XOR, get(d), XOR];
  const majority: Code = [get(d), get(c), get(b), get(c), XOR, SELECT];
  const mixed = t < 20 ? choice : t < 40 ? parity : t < 60 ? majority : parity;
  return [
    t < 16 ? loadWord(t) : nextWord(t),
    [get(e), get(W + (t & 15)), PLUS, int(CONSTANTS[Math.floor(t / 20)]!), SPLAT, PLUS],
    [mixed, PLUS, rotated(a, 5), PLUS, set(e)],
    [rotated(b, 30), set(b)],
  ];
};

const body = (): Code => {
  const five = [0, 1, 2, 3, 4];
  const rounds = Array.from({ length: 80 }, (_, t) => round(t));
  return [
    // locals beyond the parameters: one integer, and the vectors
    [2, 1, I32, unsigned(SPARE + 1 - W), V128],
    [0, 1, 2, 3].map(fillLane),
    five.map((i) => [int(INITIAL[i]!), SPLAT, set(STATE + i)]),
    [int(0), set(AT)],
    [0x03, 0x40],
    five.map((i) => [get(STATE + i), set(BEFORE + i)]),
    rounds,
    five.map((i) => [get(STATE + i), get(BEFORE + i), PLUS, set(STATE + i)]),
    [get(AT), int(64), ADD, set(AT)],
    // once more while blocks are left
    [get(BLOCKS), int(1), SUB, tee(BLOCKS), 0x0d, 0],
    0x0b,
    five.map((i) => [int(0), get(STATE + i), simd(0x0b), 0, unsigned(STATES + i * 16)]),
    0x0b,
  ];
};

/** The module: exports `memory` and `hash`, a `HashFour`. */
export function lanesModule(): Uint8Array<ArrayBuffer> {
  return wasmModule({
    name: "hash",
    parameters: 10,
    answers: false,
    body: body(),
    pages: (INPUT + INPUT_BYTES) / PAGE,
  });
}
