import type { Value } from "@usr/schema";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FormatError } from "../src/index.ts";
import { bytesOf, readRows, type Types } from "./helpers.ts";

const NAMES = ["s", "__proto__", "i", "f"] as const;
const types: Types = Object.fromEntries([
  ["s", { kind: "string" }],
  ["__proto__", { kind: "string" }],
  ["i", { kind: "int64" }],
  ["f", { kind: "float64" }],
]);

/** A JSON string in one of the ways to write it: any symbol may be escaped. */
const quoted = (text: string, escapes: number): string =>
  `"${Array.from(text, (symbol, i) => {
    if ((escapes >> (i % 31)) & 1)
      return symbol.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
    return JSON.stringify(symbol).slice(1, -1);
  }).join("")}"`;

const texts = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.stringMatching(/^[ACGTacgt-~]{0,40}$/) },
      { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
      { weight: 1, arbitrary: fc.constantFrom("\ud800", "a\udc00", "𝄞", '"', "\\", "\0", "\u2028", "N".repeat(9000)) },
    ),
    fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer() }),
  )
  .map(([text, escapes]) => quoted(text, escapes));

const numbers = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n) - 2n, max: 2n ** 63n + 2n }).map(String),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom("-0", "1e400", "1E-400", "01", "1.", "-", "9007199254740993", "0.1", "5e-324", "1e23", "+1"),
);

const member = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...NAMES, "other") }, fc.constantFrom("constructor", "é", "")),
    fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer()),
    texts,
    numbers,
    fc.integer({ min: 0, max: 19 }),
    fc.constantFrom("", "", "", " ", "\t\r "),
  )
  .map(([name, escapes, text, number, odd, blank]) => {
    const usual = name === "i" || name === "f" ? number : text;
    const value = odd === 0 ? "null" : odd === 1 ? "true" : odd === 2 ? number : usual;
    return { name, text: `${blank}${quoted(name, escapes)}${blank}:${blank}${value}${blank}` };
  });

/** Mostly objects as they should be; some with a key twice, some damaged anywhere. */
const line: fc.Arbitrary<Uint8Array> = fc
  .record({
    members: fc.oneof(
      { weight: 12, arbitrary: fc.uniqueArray(member, { selector: ({ name }) => name, maxLength: 5 }) },
      { weight: 1, arbitrary: fc.array(member, { maxLength: 6 }) },
    ),
    damage: fc.option(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), insert: fc.boolean() }), {
      freq: 12,
    }),
  })
  .map(({ members, damage }) => {
    const bytes = bytesOf(`{${members.map(({ text }) => text).join(",")}}`);
    if (damage === null) return bytes;
    const at = damage.at % (bytes.length + 1);
    const byte = damage.byte === 0x0a ? 0x20 : damage.byte;
    return Uint8Array.of(...bytes.subarray(0, at), byte, ...bytes.subarray(damage.insert ? at : at + 1));
  });

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const PAIR = /("(?:[^"\\]|\\.)*")[ \t\r]*:[ \t\r]*("(?:[^"\\]|\\.)*"|[^,}\s]+)/g;

/** Half of a surrogate pair. */
const LONE = /\p{Surrogate}/u;

class Refused extends Error {}
class Unknown extends Error {}

/** What a line holds, by `JSON.parse` and the text of its numbers; `undefined` = it is blank. */
const parsed = (bytes: Uint8Array): readonly Value[] | undefined => {
  let text = "";
  let object: unknown;
  try {
    text = decoder.decode(bytes);
    if (/^[ \t\r]*$/.test(text)) return undefined;
    object = JSON.parse(text);
  } catch {
    // Words that are no JSON but are read all the same.
    throw /NaN|Infinity/.test(text) ? new Unknown() : new Refused();
  }
  if (typeof object !== "object" || object === null || Array.isArray(object)) throw new Refused();
  if (Object.values(object).some((value) => typeof value === "object" && value !== null)) throw new Unknown();
  const row = new Map<string, Value>();
  for (const [, key, token] of text.matchAll(PAIR)) {
    const name = String(JSON.parse(key!));
    const value: unknown = JSON.parse(token!);
    if (row.has(name) || LONE.test(name)) throw new Refused();
    if (typeof value === "string" && LONE.test(value)) throw new Refused();
    row.set(name, value === null ? null : typed(name, token!, value));
  }
  return NAMES.map((name) => row.get(name) ?? null);
};

const typed = (name: string, token: string, value: unknown): Value => {
  if (name === "s" || name === "__proto__") {
    if (typeof value === "string") return value;
    throw new Refused();
  }
  if (name === "i") {
    const digits = typeof value === "string" ? value : token;
    if (!/^[+-]?\d+$/.test(digits) || typeof value === "boolean") throw new Refused();
    const exact = BigInt(digits.replace("+", ""));
    if (BigInt.asIntN(64, exact) !== exact) throw new Refused();
    return exact;
  }
  if (name === "f") {
    if (typeof value === "string" && ["NaN", "Infinity", "-Infinity"].includes(value)) return Number(value);
    if (typeof value !== "number" || !Number.isFinite(value)) throw new Refused();
    return value;
  }
  return null;
};

test("lines are read as JSON.parse reads them, with exact numbers, and refused where it refuses them or they are ambiguous", async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      async (lines, sizes, mark) => {
        const rows: (readonly Value[])[] = [];
        let fails = false;
        try {
          for (const bytes of lines) {
            const row = parsed(bytes);
            if (row !== undefined) rows.push(row);
          }
        } catch (cause) {
          if (cause instanceof Unknown) return;
          if (!(cause instanceof Refused)) throw cause;
          fails = true;
        }
        const content = new Uint8Array(
          (mark ? [0xef, 0xbb, 0xbf] : []).concat(...lines.map((bytes) => [...bytes, 0x0a])),
        );
        const read = readRows(content, { format: "jsonl", limits: { batchRows: 3 } }, types, sizes);
        if (!fails) {
          expect((await read).rows).toEqual(rows);
          return;
        }
        refused++;
        const error: unknown = await read.then(
          () => undefined,
          (cause: unknown) => cause,
        );
        expect(error).toBeInstanceOf(FormatError);
        expect(error).toMatchObject({ details: { row: rows.length + 1 } });
      },
    ),
    { numRuns: testRuns(1000) },
  );
  expect(refused).toBeGreaterThan(0);
});
