/// <reference types="node" />
import { createHash } from "node:crypto";
import type { Utf8Column } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildKeyIndex, type KeyBatch, type KeyIndex, matchKeys } from "../src/index.ts";
import { createKeyTable, NOT_LOOKED_UP } from "../src/keys/key-table.ts";
import { baseBatch, idBase, sequenceBase } from "./support.ts";

const encoder = new TextEncoder();
const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");

function lookup(index: KeyIndex, key: string): number {
  const bytes = encoder.encode(`>${key}<`);
  return index.lookup(bytes, 1, bytes.length - 1);
}

describe("ids", () => {
  test("computed ids, ids of strangers and near misses", async () => {
    const hex = Array.from({ length: 3000 }, (_, i) => sha1(`${i}`));
    const ids = [
      ...hex,
      "x",
      hex[0]!.toUpperCase(),
      `${hex[0]}0`,
      hex[0]!.slice(1),
      "0".repeat(40),
      `${"0".repeat(39)}1`,
      "é",
    ];
    const index = await buildKeyIndex("id", idBase(ids, 700));
    expect(index).toMatchObject({ numRows: ids.length, complete: true, repeats: false });
    for (const [row, id] of ids.entries()) expect(lookup(index, id)).toBe(row);
    for (const [row, id] of [...ids.entries()].reverse()) expect(lookup(index, `\t${id}\u2003`)).toBe(row);
    expect(lookup(index, `${hex[1]!.slice(0, 39)}g`)).toBe(-1);
    expect(lookup(index, hex[1]!.toUpperCase())).toBe(-1);
    expect(lookup(index, sha1("not there"))).toBe(-1);
    expect(lookup(index, "")).toBe(-2);
    expect(lookup(index, " \u00a0\n")).toBe(-2);
  });

  test("NULL and blank base ids have no key; padded ones do", async () => {
    const index = await buildKeyIndex("id", idBase([null, "", " ", " a\t", "b"]));
    expect(lookup(index, "")).toBe(-2);
    expect(lookup(index, "a")).toBe(3);
    expect(lookup(index, " b")).toBe(4);
  });

  test("an id twice is a chain in base order", async () => {
    const index = await buildKeyIndex("id", idBase(["a", "b", "a", " a", "b", "c"]));
    expect(index.repeats).toBe(true);
    expect([lookup(index, "a"), index.next(0), index.next(2), index.next(3)]).toEqual([0, 2, 3, -1]);
    expect([lookup(index, "b"), index.next(1), index.next(4), index.next(5)]).toEqual([1, 4, -1, -1]);
  });

  test("a base in pieces answers for its rows", async () => {
    const pieces = [baseBatch({ id: ["f", "g"] }, 5), baseBatch({ id: ["z"] }, 90)];
    const index = await buildKeyIndex("id", pieces, { rows: 100 });
    expect(index).toMatchObject({ numRows: 100, complete: false });
    expect(["f", "g", "z", "a"].map((id) => lookup(index, id))).toEqual([5, 6, 90, -1]);
    await expect(buildKeyIndex("id", [...pieces].reverse())).rejects.toThrow(RangeError);
  });

  test("pieces may follow one another without a gap, and none may overlap", async () => {
    const first = baseBatch({ id: ["a", "b"] });
    const index = await buildKeyIndex("id", [first, baseBatch({ id: ["c"] }, 2), baseBatch({ id: ["d"] })]);
    expect(index).toMatchObject({ numRows: 4, complete: true, repeats: false });
    expect(["a", "b", "c", "d"].map((id) => lookup(index, id))).toEqual([0, 1, 2, 3]);
    await expect(buildKeyIndex("id", [first, baseBatch({ id: ["c"] }, 1)])).rejects.toThrow(RangeError);
    expect(await buildKeyIndex("id", [baseBatch({ id: ["b"] }, 1)])).toMatchObject({ numRows: 2, complete: false });
  });

  test("are not indexed on when nobody waits for it any more", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const base = function* () {
      yield baseBatch({ id: ["a"] });
      controller.abort(reason);
      yield baseBatch({ id: ["b"] });
      throw new Error("asked for more");
    };
    await expect(buildKeyIndex("id", base(), { signal: controller.signal })).rejects.toBe(reason);
  });

  test("an empty base", async () => {
    const index = await buildKeyIndex("id", []);
    expect(index).toMatchObject({ numRows: 0, complete: true });
    expect(lookup(index, "a")).toBe(-1);
  });
});

test("a batch without the key's column is no base", async () => {
  await expect(buildKeyIndex("id", [baseBatch({ name: ["a"] })])).rejects.toThrow(RangeError);
  await expect(buildKeyIndex("sequence", [baseBatch({ sequence: ["A"] })])).rejects.toThrow(/bio_type/);
});

describe("sequence keys", () => {
  test("match in the case they are stored, sequence_ci in any", async () => {
    const exact = await buildKeyIndex("sequence", sequenceBase([" ACGT", "acgt", null, "TT"]));
    expect(["ACGT", "acgt ", "aCGT", "TT"].map((key) => lookup(exact, key))).toEqual([0, 1, -1, 3]);
    // 40 letters that are hex digits in lower case only.
    const ci = await buildKeyIndex("sequence_ci", sequenceBase(["acaccc".repeat(7).slice(0, 40), "GtGt"]));
    expect(
      ["ACACCC".repeat(7).slice(0, 40), "acaccc".repeat(7).slice(0, 40), "gtGT"].map((key) => lookup(ci, key)),
    ).toEqual([0, 0, 1]);
  });

  test("long sequences fill pages of their own", async () => {
    // Pages hold 1 MiB: two of these share one, the next has no room there, the long one fits into none.
    const lengths = [500_000, 500_000, 100_000, 1_100_000, 7];
    const sequences = lengths.map((length, i) => `${"ACGT".repeat(testRuns(length / 4))}${"A".repeat(i + 1)}`);
    const index = await buildKeyIndex("sequence", sequenceBase(sequences));
    for (const [row, sequence] of sequences.entries()) expect(lookup(index, sequence)).toBe(row);
  });

  test("one bio_type", async () => {
    const mixed = baseBatch({
      sequence: ["A", "C", "G"],
      bio_type: ["dna", null, "rna"],
      alphabet: ["dna_4", "dna_4", "rna_4"],
    });
    await expect(buildKeyIndex("sequence", [mixed])).rejects.toMatchObject({
      code: "MULTIPLE_BIO_TYPES",
      details: { bio_types: ["dna", "rna"], row: 3 },
    });
    const later = [...sequenceBase(["A"]), ...sequenceBase(["M"], "protein_20", "protein")];
    await expect(buildKeyIndex("sequence_norm", later)).rejects.toMatchObject({
      code: "MULTIPLE_BIO_TYPES",
      details: { key: "sequence_norm", bio_types: ["dna", "protein"], row: 2 },
    });
    // The first that is there, in whatever batch, is what the others must be; one is not the other because it begins alike.
    const bioTypes = (...values: (string | null)[]) =>
      baseBatch({
        sequence: values.map((_, i) => `A${"C".repeat(i)}`),
        bio_type: values,
        alphabet: values.map(() => "x"),
      });
    const missing = {
      ...bioTypes(null, null),
      columns: bioTypes(null, null).columns.map((c, i) => (i === 0 ? textsOf(["T", "G"]) : c)),
    };
    expect(await buildKeyIndex("sequence", [missing, bioTypes(null, "rna", null, "rna")])).toMatchObject({
      numRows: 6,
    });
    for (const other of ["rn", "rnaa", "rnb", ""])
      await expect(buildKeyIndex("sequence", [missing, bioTypes(null, "rna", null, other)])).rejects.toMatchObject({
        details: { bio_types: ["rna", other], row: 6 },
      });
  });

  test("unique sequences", async () => {
    await expect(buildKeyIndex("sequence", sequenceBase(["A", "C", " A"]))).rejects.toMatchObject({
      code: "AMBIGUOUS_BASE_KEY",
      details: { value: "A", rows: [1, 3] },
    });
    await expect(buildKeyIndex("sequence_ci", sequenceBase(["a", "A"]))).rejects.toMatchObject({
      code: "AMBIGUOUS_BASE_KEY",
    });
    expect((await buildKeyIndex("sequence", sequenceBase(["a", "A"]))).numRows).toBe(2);
    // A message is read by people, the details by programs.
    for (const length of [59, 60, 61, 5000]) {
      const sequence = "ACGT".repeat(length).slice(0, length);
      const error: unknown = await buildKeyIndex("sequence", sequenceBase([sequence, sequence])).catch(
        (e: unknown) => e,
      );
      expect(error).toMatchObject({ details: { key: "sequence", value: sequence, rows: [1, 2] } });
      const shown = length <= 60 ? sequence : `${sequence.slice(0, 57)}...`;
      expect(String(error)).toContain(`: ${shown}.`);
    }
  });

  test("sequence_ci is for dna_4 alone", async () => {
    await expect(buildKeyIndex("sequence_ci", sequenceBase(["ACN"], "dna_5"))).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      details: { alphabet: "dna_5", row: 1 },
    });
    const unknown = baseBatch({ sequence: ["A", "C"], bio_type: ["dna", "dna"], alphabet: ["dna_4", null] }, 7);
    await expect(buildKeyIndex("sequence_ci", [unknown])).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringContaining("base row 9 has the alphabet NULL"),
      details: { key: "sequence_ci", alphabet: null, row: 9 },
    });
  });

  test("columns of all missing values: no bio_type is no second one, no alphabet is not dna_4", async () => {
    const batch = baseBatch({ sequence: ["A", "C"], bio_type: ["dna", "dna"], alphabet: ["dna_4", "dna_4"] });
    const without = (name: string): KeyBatch => ({
      ...batch,
      columns: batch.schema.fields.map((field, i) =>
        field.name === name ? columnOf({ kind: "null" }, [null, null]) : batch.columns[i]!,
      ),
    });
    expect(await buildKeyIndex("sequence", [without("bio_type")])).toMatchObject({ numRows: 2, complete: true });
    await expect(buildKeyIndex("sequence_ci", [without("alphabet")])).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      details: { alphabet: null, row: 1 },
    });
    // Keys that are all missing are no keys.
    expect(lookup(await buildKeyIndex("sequence", [without("sequence")]), "A")).toBe(-1);
  });
});

const textsOf = (texts: readonly string[]): Utf8Column => {
  const column = columnOf({ kind: "string" }, texts);
  if (column.layout !== "utf8") throw new Error("text is not text");
  return column;
};

/** Different keys whose packed words have one hash. */
const colliding = (n: number): string =>
  [Math.imul(n, 0x9e3779b1), n, 0, 0, 0].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");

/** The first of the texts before `i` that is the same, or -1. */
const firstBefore = (texts: readonly string[], text: string, i: number): number => texts.slice(0, i).indexOf(text);

test("the table is a Map", () => {
  const key = fc.oneof(
    fc.nat(20).map(colliding),
    fc.nat(60).map((n) => sha1(`${n}`)),
    fc.nat(60).map((n) => sha1(`${n}`).toUpperCase()),
    fc.nat(200).map((n) => n.toString(16).padStart(40, "0")),
    fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", "A", "b", "ä", "Z") }),
  );
  fc.assert(
    fc.property(
      fc.array(key, { maxLength: 120 }),
      fc.array(key, { maxLength: 60 }),
      fc.boolean(),
      (added, asked, fold) => {
        const form = (text: string) => (fold ? text.replace(/[a-z]/g, (c) => c.toUpperCase()) : text);
        const table = createKeyTable({ expected: 0, fold });
        const model = new Map<string, number>();
        for (const [i, text] of added.entries()) {
          const bytes = encoder.encode(text);
          expect(table.add(bytes, 0, bytes.length, i)).toBe(model.get(form(text)) ?? -1);
          if (!model.has(form(text))) model.set(form(text), i);
        }
        expect(table.size).toBe(model.size);
        for (const text of [...asked, ...added, ...asked]) {
          const bytes = encoder.encode(text);
          expect(table.find(bytes, 0, bytes.length)).toBe(model.get(form(text)) ?? -1);
        }
        const many = createKeyTable({ expected: 0, fold });
        const batch = textsOf(added);
        const met = new Int32Array(added.length);
        for (let i = 0; i < added.length; i++) {
          i = many.addEach(batch.data, batch.offsets, i, added.length, 0, met);
          if (i < added.length) met[i] = many.add(batch.data, batch.offsets[i]!, batch.offsets[i + 1]!, i);
        }
        expect([...met]).toEqual(added.map((text, i) => firstBefore(added.map(form), form(text), i)));
        expect(many.size).toBe(model.size);
        const all = [...added, ...asked, ...added.toReversed(), ...asked.toReversed(), ...added];
        const { data, offsets } = textsOf(all);
        const found = new Int32Array(all.length);
        table.findEach(data, offsets, found);
        for (const [i, text] of all.entries()) {
          const packs = !fold && /^[0-9a-f]{40}$/.test(text);
          expect(found[i]).toBe(packs ? (model.get(text) ?? -1) : NOT_LOOKED_UP);
        }
      },
    ),
    { numRuns: testRuns(300) },
  );
});

test("ids given in batches with others between them know every earlier row", async () => {
  const ids = Array.from({ length: 3000 }, (_, row) =>
    row % 700 === 699 ? ` ${sha1(`${row - 600}`)} ` : row % 500 === 499 ? "short" : sha1(`${row % 2000}`),
  );
  const index = await buildKeyIndex("id", idBase(ids, 900));
  const first = new Map<string, number>();
  for (const [row, id] of ids.entries()) if (!first.has(id.trim())) first.set(id.trim(), row);
  const column = textsOf(ids);
  expect([...index.lookupEach(column)]).toEqual(ids.map((id) => first.get(id.trim())));
  const chains = new Map<string, number[]>();
  for (const [row, id] of ids.entries()) chains.set(id.trim(), [...(chains.get(id.trim()) ?? []), row]);
  for (const [id, row] of first) {
    const chain: number[] = [];
    for (let at = row; at >= 0; at = index.next(at)) chain.push(at);
    expect(chain).toEqual(chains.get(id));
  }
});

test("more ids than one page of the table or one block of lookups holds, in base order and in none, among others", async () => {
  /** The digits of all of them differ from the first on; with `offset` 1 they are others. */
  const hex = (row: number, offset = 0): string =>
    [5, 3, 7, 11, 13]
      .map((n) => (Math.imul(row * 2 + offset, 0x9e3779b1 + n * 2) >>> 0).toString(16).padStart(8, "0"))
      .join("");
  // A page has 65,536 entries, and so many keys are looked up together.
  const count = testRuns(66_000);
  const ids = Array.from({ length: count }, (_, row) => hex(row));
  const index = await buildKeyIndex("id", idBase(ids, 20_000));
  const mixed = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? -1 : (i * 7919) % count));
  const rows = [
    ...Array.from({ length: 1500 }, (_, row) => row),
    ...mixed,
    ...Array.from({ length: 1500 }, (_, i) => count - 1500 + i),
  ];
  const asked = rows.map((row, i) => (row < 0 ? hex(i, 1) : ids[row]!));
  const met = index.lookupEach(textsOf(asked));
  expect([met.length, rows.findIndex((row, i) => met[i] !== row)]).toEqual([rows.length, -1]);
  const { data, offsets } = textsOf(asked.slice(1490, 1900));
  for (let i = 0; i < 410; i++) expect(index.lookup(data, offsets[i]!, offsets[i + 1]!)).toBe(rows[1490 + i]);

  // With values that are not those of an index from 0.
  const table = createKeyTable({ expected: 0, fold: false });
  const column = textsOf(ids);
  expect(table.addEach(column.data, column.offsets, 0, count, 7, new Int32Array(count))).toBe(count);
  expect(table.size).toBe(count);
  const found = new Int32Array(count);
  table.findEach(column.data, column.offsets, found);
  expect(found.findIndex((value, row) => value !== row + 7)).toBe(-1);
});

describe("matchKeys", () => {
  const column = (...keys: (string | null)[]) => columnOf({ kind: "string" }, keys);

  test("counts and samples over several columns", async () => {
    const matcher = matchKeys(await buildKeyIndex("id", idBase(["a", "b", "c"])));
    expect([...matcher.match(column("b", null, "x", " a "))]).toEqual([1, -2, -1, 0]);
    expect([...matcher.match(column("b", "x ", "y", " ", "c"))]).toEqual([1, -1, -1, -2, 2]);
    expect(matcher.summary()).toEqual({
      rows: 9,
      matched: 4,
      orphans: 3,
      blank: 2,
      duplicates: 2,
      duplicateSamples: [
        { key: "b", rows: [1, 5] },
        { key: "x", rows: [3, 6] },
      ],
      orphanSamples: ["x", "x", "y"],
    });
  });

  test("samples are the first five, counts are of all", async () => {
    const matcher = matchKeys(await buildKeyIndex("id", idBase(["a"])));
    const names = Array.from({ length: 9 }, (_, i) => `x${i}`);
    matcher.match(column(...names));
    matcher.match(column(...names));
    const { orphanSamples, duplicateSamples, ...counts } = matcher.summary();
    expect(counts).toEqual({ rows: 18, matched: 0, orphans: 18, blank: 0, duplicates: 9 });
    expect(orphanSamples).toEqual(names.slice(0, 5));
    expect(duplicateSamples).toEqual(names.slice(0, 5).map((key, i) => ({ key, rows: [i + 1, i + 10] })));
  });

  test("under a partial index only keys of its rows are compared", async () => {
    const matcher = matchKeys(await buildKeyIndex("id", [baseBatch({ id: ["c"] }, 2)], { rows: 9 }));
    matcher.match(column("a", "a", "c", "c"));
    expect(matcher.summary()).toMatchObject({
      orphans: 2,
      duplicates: 1,
      duplicateSamples: [{ key: "c", rows: [3, 4] }],
    });
  });

  test("a column that is not text holds no keys", async () => {
    const matcher = matchKeys(await buildKeyIndex("id", idBase(["a"])));
    expect([...matcher.match(columnOf({ kind: "float64" }, []))]).toEqual([]);
    expect([...matcher.match(columnOf({ kind: "null" }, [null]))]).toEqual([-2]);
    expect(() => matcher.match(columnOf({ kind: "float64" }, [1]))).toThrow(TypeError);
  });
});

test("a table is made however many keys a footer claims", () => {
  const table = createKeyTable({ expected: 2 ** 40, fold: false });
  const id = new TextEncoder().encode("0123456789abcdef0123456789abcdef01234567");
  table.add(id, 0, id.length, 7);
  expect(table.find(id, 0, id.length)).toBe(7);
});
