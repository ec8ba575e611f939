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
  "\x08\x1b!\x7f\x84\x86\xa1\u0405\u0420\u167f\u1681\u180e\u1fff\u200b\u2027\u202a\u205e\u2060\u2fff\u3001\ufeff\ue000𠀀🧬";
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

test("stripping any bytes stays within them and is done once", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
      const [start, end] = stripRange(bytes, 0, bytes.length);
      expect(0 <= start && start <= end && end <= bytes.length).toBe(true);
      expect(stripRange(bytes, start, end)).toEqual([start, end]);
    }),
    { numRuns: testRuns(20_000) },
  );
});

test("ids are the SHA-1 of node:crypto, in bulk and one by one", () => {
  const out = new Uint8Array(60);
  fc.assert(
    fc.property(bioType, fc.string({ unit: "binary", maxLength: 300 }), fc.nat(20), (bio, sequence, at) => {
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
    for (let length = 0; length <= 300; length++) {
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
