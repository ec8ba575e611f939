import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type SearchOptions, search } from "../src/search/index.ts";
import type { Root } from "../src/types.ts";
import { baseBytes, registryText, rootOf } from "./make.ts";

const found = async (root: Root, o: SearchOptions): Promise<readonly (readonly [unknown, unknown])[]> => {
  const rows: (readonly [unknown, unknown])[] = [];
  for await (const { schema, columns, numRows } of search(root, "demo", o)) {
    const at = (name: string): number => schema.fields.findIndex((field) => field.name === name);
    for (let row = 0; row < numRows; row++)
      rows.push([valueAt(columns[at("id")]!, row), valueAt(columns[at("matches")]!, row)]);
  }
  return rows;
};

const SEQUENCES = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA", "AACC", "GGTT"];
const tagged = async (tags: readonly (string | null)[]): Promise<Root> =>
  rootOf({
    "registry.yaml": registryText({ m: { m__tag: "string" } }),
    "demo/records.parquet": await baseBytes({
      sequences: SEQUENCES.slice(0, tags.length),
      groupRows: 3,
      extra: { m__tag: ["string", tags] },
    }),
  });

test("a plain text is found where its characters stand, from left to right", { timeout: 60_000 }, async () => {
  const word = fc
    .array(fc.constantFrom("a", "b", "é", "\u{1f600}"), { maxLength: 12 })
    .map((letters) => letters.join(""));
  const needle = fc.array(fc.constantFrom("a", "b", "\u{1f600}"), { minLength: 1, maxLength: 2 });
  let matches = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(word, { freq: 6 }), { minLength: 1, maxLength: 8 }),
      needle,
      fc.nat(8),
      async (tags, letters, limit) => {
        const want = tags.flatMap((tag) => {
          const characters = [...(tag ?? "")];
          const places: unknown[] = [];
          for (let at = 0; at + letters.length <= characters.length; ) {
            const here = letters.every((letter, i) => characters[at + i] === letter);
            if (here) places.push({ start: at, end: at + letters.length, strand: "+" });
            at += here ? letters.length : 1;
          }
          return places.length === 0 ? [] : [places];
        });
        const rows = await found(await tagged(tags), {
          pattern: letters.join(""),
          column: "m__tag",
          columns: ["id"],
          limit,
        });
        expect(rows.map(([, places]) => places)).toEqual(want.slice(0, limit));
        matches += rows.length;
      },
    ),
    { numRuns: testRuns(200) },
  );
  expect(matches).toBeGreaterThan(50);
});

test("a motif and the same thing as a regular expression agree, on both strands", async () => {
  const root = await tagged(SEQUENCES.map(() => null));
  for (const [motif, regex] of [
    ["RY", "(?=[AG][CT])[AG][CT]"],
    ["AC", "AC"],
    ["WS", "[AT][CG]"],
  ] as const) {
    for (const bothStrands of [false, true])
      expect(await found(root, { pattern: motif, iupac: true, bothStrands })).toEqual(
        await found(root, { pattern: regex, bothStrands }),
      );
  }
});

test("what cannot be searched is refused", async () => {
  const root = await tagged(["a"]);
  const codeOf = async (o: SearchOptions): Promise<unknown> =>
    found(root, o).catch((error: { readonly code?: string }) => error.code);
  expect(await codeOf({ pattern: "a", column: "length" })).toBe("USAGE");
  expect(await codeOf({ pattern: "a", column: "m__tagg" })).toBe("UNKNOWN_COLUMN");
  expect(await codeOf({ pattern: "a", where: "length >" })).toBe("FILTER_INVALID");
  expect(await codeOf({ pattern: "[b-a]" })).toBe("PATTERN_INVALID");
  // Compiling it would end the process.
  expect(await codeOf({ pattern: `${"(a|".repeat(20_000)}b${")".repeat(20_000)}` })).toBe("PATTERN_INVALID");
  // V8 ends the process while it compiles this one.
  expect(await codeOf({ pattern: `${"(a?".repeat(1900)}${")*".repeat(1900)}` })).toBe("PATTERN_INVALID");
  const nested = (levels: number): string => `${"(".repeat(levels)}A${")".repeat(levels)}`;
  expect(await codeOf({ pattern: nested(101) })).toBe("PATTERN_INVALID");
  for (const fine of [nested(100), nested(1).repeat(200), "[(]".repeat(200), "\\(".repeat(200), "[\\](]".repeat(200)])
    expect(await codeOf({ pattern: fine })).toBeInstanceOf(Array);
});
