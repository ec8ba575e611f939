/// <reference types="node" />
import { createHash } from "node:crypto";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ALPHABETS,
  createChecker,
  createHasher,
  normalizeSequence,
  sequenceId,
  strip,
  stripRange,
} from "../src/index.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

const bioType = fc.constantFrom("dna", "rna", "protein");
/** White space of Python, look-alikes that are none, and characters that share bytes with them. */
const spaces = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000";
const lookalikes =
  "\x08\x1b!\x7f\x84\x86\xa1\u0405\u0420\u167f\u1681\u180e\u1fff\u200b\u2027\u202a\u205e\u2060\u2fff\u3001\ufeff\ue000𠀀🧬\u{5a000}";
const text = fc.string({ unit: fc.constantFrom(...`${spaces}${spaces}${lookalikes}ACGTacgtn`), maxLength: 12 });

test("stripping bytes is stripping text", () => {
  fc.assert(
    fc.property(text, text, text, (before, middle, after) => {
      const [a, b, c] = [encode(before), encode(middle), encode(after)];
      const bytes = Uint8Array.of(...a, ...b, ...c);
      const [start, end] = stripRange(bytes, a.length, a.length + b.length);
      expect(start).toBeGreaterThanOrEqual(a.length);
      expect(end).toBeLessThanOrEqual(a.length + b.length);
      expect(decode(bytes.subarray(start, end))).toBe(strip(middle));
    }),
    { numRuns: testRuns(20_000) },
  );
});

test("exactly the white space of Python is stripped, from text and from bytes", () => {
  const all = Array.from({ length: 0x3100 }, (_, code) => code);
  const wanted = all.filter((code) => spaces.includes(String.fromCharCode(code)) || (code >= 0x2000 && code <= 0x200a));
  const around = (code: number): string => `${String.fromCharCode(code)}A${String.fromCharCode(code)}`;
  expect(all.filter((code) => strip(around(code)) !== around(code))).toEqual(wanted);
  expect(wanted.every((code) => strip(around(code)) === "A")).toBe(true);
  const left = (code: number): number => {
    const bytes = encode(around(code));
    const [start, end] = stripRange(bytes, 0, bytes.length);
    return bytes.length - (end - start);
  };
  expect(all.filter((code) => left(code) !== 0)).toEqual(wanted);
  expect(wanted.every((code) => left(code) === encode(around(code)).length - 1)).toBe(true);
});

test("stripping bytes that are no UTF-8 is stripping what they are decoded to: a stray byte takes no letter with it", () => {
  const [lead, letters] = [
    [0xc2, 0xe1, 0xe2, 0xe3],
    [0x45, 0x20, 0x05, 0x80, 0x85, 0x9a, 0xa0, 0xa8, 0xc5, 0xff],
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...lead, ...letters), { maxLength: 8 }), (given) => {
      const [start, end] = stripRange(Uint8Array.from(given), 0, given.length);
      expect(decode(Uint8Array.from(given.slice(start, end)))).toBe(strip(decode(Uint8Array.from(given))));
    }),
    { numRuns: testRuns(20_000) },
  );
  // c2 45 is no U+0085: the letter E stays.
  expect(stripRange(Uint8Array.of(0xc2, 0x45), 0, 2)).toEqual([0, 2]);
});

/** Bytes of white space, of what shares bytes with it, and of nothing. */
const piece = fc
  .constantFrom(..."\t\x1b\x1f !A\x85\xa0\u1680\u2009\u3000\u{5a000}\u{52005}")
  .chain((char) => fc.subarray([...encode(char)], { minLength: 1 }));

test("stripping any bytes stays within them, is done once, and heeds no byte beside them", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), fc.nat(20), fc.nat(20), (pieces, from, to) => {
      const bytes = Uint8Array.from(pieces.flat());
      const [a, b] = [Math.min(from, to, bytes.length), Math.min(Math.max(from, to), bytes.length)];
      const [start, end] = stripRange(bytes, a, b);
      expect(a <= start && start <= end && end <= b).toBe(true);
      expect(stripRange(bytes, start, end)).toEqual([start, end]);
      expect(stripRange(bytes.slice(a, b), 0, b - a)).toEqual([start - a, end - a]);
    }),
    { numRuns: testRuns(20_000) },
  );
});

/** Every code point that UTF-8 can hold, each width of it alike often. */
const unit = fc
  .oneof(
    fc.nat(0x7f),
    fc.integer({ min: 0x80, max: 0x7ff }),
    fc.integer({ min: 0x800, max: 0xf7ff }),
    fc.integer({ min: 0xf800, max: 0x10f7ff }),
  )
  .map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));

test("ids are the SHA-1 of node:crypto, in bulk and one by one", () => {
  const out = new Uint8Array(60);
  fc.assert(
    fc.property(bioType, fc.string({ unit, maxLength: 30 }), fc.nat(15), fc.nat(20), (bio, part, times, at) => {
      const sequence = part.repeat(times);
      const want = createHash("sha1").update(`${bio}|${sequence}`, "utf8").digest("hex");
      expect(sequenceId(bio, sequence)).toBe(want);
      const bytes = encode(`xx${sequence}yy`);
      out.fill(0x2e);
      createHasher(bio)(bytes, 2, bytes.length - 2, out, at);
      expect(decode(out)).toBe(want.padStart(at + 40, ".").padEnd(60, "."));
    }),
    { numRuns: testRuns(5000) },
  );
});

test("ids are right at every length around the blocks of SHA-1", () => {
  for (const bio of ["dna", "rna", "protein"]) {
    for (let length = 0; length <= (bio === "dna" ? 200 : 64); length++) {
      const sequence = "GATTACA".repeat(43).slice(0, length);
      expect(sequenceId(bio, sequence)).toBe(createHash("sha1").update(`${bio}|${sequence}`).digest("hex"));
    }
  }
});

test("the bulk check finds what the check of single sequences finds", () => {
  const alphabet = fc.constantFrom(...Object.keys(ALPHABETS));
  fc.assert(
    fc.property(
      alphabet,
      fc.string({ unit: fc.constantFrom(..."ACGTUNXacgtunxMKB-*é"), maxLength: 6 }),
      (name, sequence) => {
        fc.pre(sequence !== "");
        const bio = Object.entries(ALPHABETS).find(([key]) => key === name)![1].bioType;
        const bytes = encode(sequence);
        const bad = createChecker(name)(bytes, 0, bytes.length);
        if (bad < 0) expect(normalizeSequence(sequence, bio, name)).toBe(sequence);
        else
          expect(() => normalizeSequence(sequence, bio, name)).toThrow(
            expect.objectContaining({ code: "BAD_SYMBOL", details: expect.objectContaining({ position: bad + 1 }) }),
          );
      },
    ),
    { numRuns: testRuns(5000) },
  );
});
