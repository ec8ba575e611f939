import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeLz4Frame } from "../src/arrow/lz4.ts";
import { refusal } from "./refusal.ts";

/** Literals, then a match: `offset` back, `length` bytes, 4 at least. A block ends with literals. */
interface Sequence {
  readonly literals: readonly number[];
  readonly match?: { readonly offset: number; readonly length: number } | undefined;
}

const u32 = (value: number): readonly number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);

/** The rest of a length whose first 15 stand in the token. */
const rest = (length: number): readonly number[] =>
  length < 15 ? [] : [...new Array<number>(Math.floor((length - 15) / 255)).fill(255), (length - 15) % 255];

const block = (sequences: readonly Sequence[]): readonly number[] =>
  sequences.flatMap(({ literals, match }) => [
    (Math.min(15, literals.length) << 4) | (match === undefined ? 0 : Math.min(15, match.length - 4)),
    ...rest(literals.length),
    ...literals,
    ...(match === undefined ? [] : [match.offset & 255, match.offset >> 8, ...rest(match.length - 4)]),
  ]);

interface Shape {
  readonly flags?: number;
  readonly extra?: readonly number[];
  readonly checksum?: readonly number[];
}

/** A frame of packed blocks, and of such that are stored as they are. */
const frame = (
  blocks: readonly { readonly bytes: readonly number[]; readonly stored?: boolean | undefined }[],
  { flags = 0x60, extra = [], checksum = [] }: Shape = {},
): Uint8Array =>
  Uint8Array.from([
    ...[0x04, 0x22, 0x4d, 0x18, flags, 0x40, ...extra, 0xff],
    ...blocks.flatMap(({ bytes, stored }) => [
      ...u32(stored ? bytes.length + 2 ** 31 : bytes.length),
      ...bytes,
      ...checksum,
    ]),
    ...u32(0),
  ]);

const expand = (sequences: readonly Sequence[]): readonly number[] => {
  const out: number[] = [];
  for (const { literals, match } of sequences) {
    out.push(...literals);
    for (let i = 0; i < (match?.length ?? 0); i++) out.push(out[out.length - match!.offset]!);
  }
  return out;
};

const bytes = (max: number): fc.Arbitrary<number[]> => fc.array(fc.nat(255), { minLength: 1, maxLength: max });
const sizes = fc.oneof(fc.nat(40), fc.constantFrom(13, 14, 15, 16, 268, 269, 270, 271, 272, 525, 1000));
/** Sequences whose matches reach no further back than there is. */
const sequences = fc
  .array(fc.tuple(fc.oneof(bytes(20), fc.constant(new Array<number>(300).fill(7))), fc.nat(), sizes), { maxLength: 6 })
  .chain((parts) =>
    bytes(5).map((last): readonly Sequence[] => {
      let made = 0;
      const all = parts.map(([literals, far, size]): Sequence => {
        const offset = 1 + (far % (made + literals.length));
        made += literals.length + size + 4;
        return { literals, match: { offset, length: size + 4 } };
      });
      return [...all, { literals: last }];
    }),
  );

describe("LZ4 frames", () => {
  it("unpack to what their sequences say, in one block or many", () => {
    fc.assert(
      fc.property(fc.array(sequences, { maxLength: 3 }), bytes(10), (blocks, stored) => {
        const packed = [...blocks.map((parts) => ({ bytes: block(parts) })), { bytes: stored, stored: true }];
        // Matches reach back into the blocks before.
        const want = expand([...blocks.flat(), { literals: stored }]);
        expect([...decodeLz4Frame(frame(packed))]).toEqual(want);
      }),
      { numRuns: testRuns(300) },
    );
  });

  it("a match may reach into an earlier block, and overlap what it writes", () => {
    const packed = [
      { bytes: [1, 2, 3], stored: true },
      { bytes: block([{ literals: [], match: { offset: 3, length: 7 } }, { literals: [9] }]) },
    ];
    expect([...decodeLz4Frame(frame(packed))]).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 9]);
    expect(decodeLz4Frame(frame([]))).toEqual(new Uint8Array(0));
  });

  it("fields that may stand in the head, and checksums behind blocks, are passed over", () => {
    const one = [{ bytes: [5, 6], stored: true }];
    for (const [flags, extra] of [
      [0x60, 0],
      [0x68, 8],
      [0x61, 4],
      [0x69, 12],
    ] as const) {
      expect([...decodeLz4Frame(frame(one, { flags, extra: new Array<number>(extra).fill(0xaa) }))]).toEqual([5, 6]);
    }
    const two = [...one, ...one];
    expect([...decodeLz4Frame(frame(two, { flags: 0x70, checksum: [1, 2, 3, 4] }))]).toEqual([5, 6, 5, 6]);
  });

  it("are refused where they are cut, or reach before their start", () => {
    const packed = block([{ literals: [1, 2, 3], match: { offset: 2, length: 30 } }, { literals: [4] }]);
    const good = frame([{ bytes: packed }]);
    for (let size = 0; size < good.length; size++) {
      expect(refusal(() => decodeLz4Frame(good.subarray(0, size))).code).toBe("CORRUPT");
    }
    const wrong = (data: readonly number[]): string => refusal(() => decodeLz4Frame(frame([{ bytes: data }]))).code;
    expect(wrong(block([{ literals: [1, 2], match: { offset: 3, length: 4 } }, { literals: [1] }]))).toBe("CORRUPT");
    expect(wrong(block([{ literals: [1, 2], match: { offset: 0, length: 4 } }, { literals: [1] }]))).toBe("CORRUPT");
    // What a block leaves out: the end of a length, literals, half an offset.
    for (const data of [[0xf0], [0xf0, 255], [0x30, 1, 2], [0x10, 1, 1], [0x1f, 1, 1, 0]])
      expect(wrong(data)).toBe("CORRUPT");
    expect([
      ...decodeLz4Frame(frame([{ bytes: block([{ literals: [1, 2], match: { offset: 2, length: 4 } }]) }])),
    ]).toEqual([1, 2, 1, 2, 1, 2]);
    const other = good.slice();
    other[0] = 5;
    expect(refusal(() => decodeLz4Frame(other)).code).toBe("CORRUPT");
  });
});
