import { createHasher } from "./xxhash.ts";

// XXH64 of many texts by WebAssembly, which has the 64-bit products that JavaScript lacks: ten times as fast. The module is written out here
// instruction by instruction.

/** Most texts of a piece, and the most bytes they have together. */
const PIECE = 4096;
const PIECE_BYTES = 256 * 1024;
/** Places in the memory: the offsets of a piece, its digests, and its bytes. */
const OFFSETS = 0;
const DIGESTS = 32_768;
const BYTES = 65_536;
const PAGES = 1 + PIECE_BYTES / 65_536;

/** Writes the digests of the texts `[from, to)`, text i being `data[offsets[i] .. offsets[i + 1])`: the lower half of each, then the upper. */
export type ManyHasher = (data: Uint8Array, offsets: Int32Array, from: number, to: number, digests: Int32Array) => void;

export function createManyHasher(): ManyHasher {
  const many = openModule();
  const one = createHasher();
  return (data, offsets, from, to, digests) => {
    for (let first = from; first < to; ) {
      const start = offsets[first]!;
      let end = first;
      while (many !== undefined && end < to && end - first < PIECE - 1 && offsets[end + 1]! - start <= PIECE_BYTES)
        end++;
      if (many === undefined || end === first) {
        one.hash(data, start, offsets[first + 1]!);
        digests[(first - from) * 2] = one.low;
        digests[(first - from) * 2 + 1] = one.high;
        first++;
        continue;
      }
      many.bytes.set(data.subarray(start, offsets[end]!), BYTES);
      for (let i = first; i <= end; i++) many.words[OFFSETS / 4 + i - first] = offsets[i]! - start + BYTES;
      many.hash(end - first);
      digests.set(many.words.subarray(DIGESTS / 4, DIGESTS / 4 + (end - first) * 2), (first - from) * 2);
      first = end;
    }
  };
}

interface Many {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  hash(count: number): void;
}

let opened: Many | null | undefined;

/** Undefined where there is no WebAssembly, a policy against it, or another order of bytes. Hashing is never re-entered, so that one will do. */
function openModule(): Many | undefined {
  if (opened === undefined) {
    opened = null;
    try {
      const { memory, hash } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes())).exports;
      const bigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
      if (memory instanceof WebAssembly.Memory && typeof hash === "function" && !bigEndian) {
        const { buffer } = memory;
        opened = { bytes: new Uint8Array(buffer), words: new Int32Array(buffer), hash: (count) => hash(count) };
      }
    } catch {
      // then one text at a time
    }
  }
  return opened ?? undefined;
}

type Code = readonly number[];

const I32 = 0x7f;
const I64 = 0x7e;
const EMPTY = 0x40;
const [COUNT, INDEX, AT, END, H, LANE] = [0, 1, 2, 3, 4, 5] as const;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const unsigned = (value: number): Code => (value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]);
const signed = (value: bigint): Code =>
  value >= -64n && value < 64n ? [Number(value & 127n)] : [Number(value & 127n) | 128, ...signed(value >> 7n)];
const sized = (code: Code): Code => [...unsigned(code.length), ...code];
const section = (id: number, content: Code): Code => [id, ...sized(content)];
const name = (text: string): Code => sized([...new TextEncoder().encode(text)]);

const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
const int = (value: number): Code => [0x41, ...signed(BigInt(value))];
const long = (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))];
const [ADD, SUB, SHIFT_LEFT, AT_MOST, LESS] = [0x6a, 0x6b, 0x74, 0x4d, 0x49] as const;
const [PLUS, TIMES, XOR, SHIFT_RIGHT, ROTATE, WIDEN] = [0x7c, 0x7e, 0x85, 0x88, 0x89, 0xad] as const;
const times = (prime: bigint): Code => [...long(prime), TIMES];
const plus = (prime: bigint): Code => [...long(prime), PLUS];
const rotate = (bits: number): Code => [...long(BigInt(bits)), ROTATE];
const load64 = (offset: number): Code => [0x29, 0, ...unsigned(offset)];
const load32 = (offset: number): Code => [0x28, 0, ...unsigned(offset)];
const forward = (bytes: number): Code => [...get(AT), ...int(bytes), ADD, ...set(AT)];
/** Whether as many bytes are left. */
const left = (bytes: number): Code => [...get(AT), ...int(bytes), ADD, ...get(END), AT_MOST];
const when = (test: Code, then: Code, otherwise: Code = []): Code => [
  ...[...test, 0x04, EMPTY, ...then],
  ...(otherwise.length === 0 ? [] : [0x05, ...otherwise]),
  0x0b,
];
const whileever = (test: Code, body: Code): Code => [0x03, EMPTY, ...when(test, [...body, 0x0c, 1]), 0x0b];

const lanes = [0, 1, 2, 3];
const BEGIN = [P1 + P2, P2, 0n, -P1];
/** A word on the stack on its way into the digest. */
const scrambled = (): Code => [...times(P2), ...rotate(31), ...times(P1)];

const ofLanes = (): Code => [
  ...lanes.flatMap((k) => [...long(BEGIN[k]!), ...set(LANE + k)]),
  ...whileever(left(32), [
    ...lanes.flatMap((k) => [
      ...[...get(AT), ...load64(k * 8), ...times(P2), ...get(LANE + k), PLUS],
      ...[...rotate(31), ...times(P1), ...set(LANE + k)],
    ]),
    ...forward(32),
  ]),
  ...lanes.flatMap((k) => [...get(LANE + k), ...rotate([1, 7, 12, 18][k]!), ...(k === 0 ? [] : [PLUS])]),
  ...lanes.flatMap((k) => [...get(LANE + k), ...scrambled(), XOR, ...times(P1), ...plus(P4)]),
  ...set(H),
];

const shifted = (bits: number): Code => [...get(H), ...get(H), ...long(BigInt(bits)), SHIFT_RIGHT, XOR];

/** The instructions for one text. Functions, so that who hashes nothing does not put them together. */
const oneText = (): Code => [
  ...[...get(INDEX), ...int(2), SHIFT_LEFT, ...load32(OFFSETS), ...set(AT)],
  ...[...get(INDEX), ...int(2), SHIFT_LEFT, ...load32(OFFSETS + 4), ...set(END)],
  // the size goes on the stack, for the bytes are taken before it is added
  ...[...get(END), ...get(AT), SUB, WIDEN],
  ...when(left(32), ofLanes(), [...long(P5), ...set(H)]),
  ...[...get(H), PLUS, ...set(H)],
  ...whileever(left(8), [
    ...[...get(AT), ...load64(0), ...scrambled(), ...get(H), XOR, ...rotate(27), ...times(P1), ...plus(P4), ...set(H)],
    ...forward(8),
  ]),
  ...when(left(4), [
    ...[...get(AT), ...load32(0), WIDEN, ...times(P1), ...get(H), XOR],
    ...[...rotate(23), ...times(P2), ...plus(P3), ...set(H), ...forward(4)],
  ]),
  ...whileever(left(1), [
    ...[...get(AT), 0x2d, 0, 0, WIDEN, ...times(P5), ...get(H), XOR],
    ...[...rotate(11), ...times(P1), ...set(H), ...forward(1)],
  ]),
  ...[...shifted(33), ...times(P2), ...set(H), ...shifted(29), ...times(P3), ...set(H)],
  ...[...get(INDEX), ...int(3), SHIFT_LEFT, ...shifted(32), 0x37, 0, ...unsigned(DIGESTS)],
];

/** Exports `memory` and `hash(count)`. */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const body = [
    // locals beyond the parameter: three integers, then the digest and its four lanes
    ...[2, 3, I32, 5, I64],
    ...whileever([...get(INDEX), ...get(COUNT), LESS], [...oneText(), ...get(INDEX), ...int(1), ADD, ...set(INDEX)]),
    0x0b,
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, PAGES]),
    ...section(7, [2, ...name("memory"), 2, 0, ...name("hash"), 0, 0]),
    ...section(10, [1, ...sized(body)]),
  ]);
}
