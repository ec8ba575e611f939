import type { ReadableStorage } from "@usr/storage";
import { describe, expect, test } from "vitest";
import { DatasetError, scan } from "../src/index.ts";
import type { Query, Root } from "../src/types.ts";
import { baseBytes, partBytes, registryText, rootOf, spread } from "./make.ts";
import { linesOf, watched } from "./support.ts";

const COLUMNS = {
  m__n: "int64",
  m__score: "float32",
  m__tag: "string",
  m__on: "bool",
  m__at: "timestamp[us, UTC]",
  m__naive: "timestamp[ms]",
  m__vec: "list<float64>",
  m__st: "struct<a:int64>",
};
const SEQUENCES = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA", "AACC", "GGTT"];
const VEC = Array.from({ length: 2000 }, (_, i) => i + 0.5);

const objects = async (): Promise<Record<string, Uint8Array | string>> => ({
  "registry.yaml": registryText({ m: COLUMNS, o: { o__x: "float64" } }),
  "demo/records.parquet": await baseBytes({
    sequences: SEQUENCES,
    groupRows: 2,
    extra: {
      m__n: ["int64", [1n, 2n, 3n, 4n, 5n, 6n, null, null]],
      m__score: ["float32", [0.1, 0.2, 0.3, 0.4, Number.NaN, Number.NaN, 1, null]],
      m__tag: ["string", ["a", "b", "c", "d", "é", "\u{1f600}", "x".repeat(200), `${"x".repeat(200)}y`]],
      m__on: ["bool", [true, false, true, false, null, null, true, true]],
      m__at: ["timestamp[us, UTC]", SEQUENCES.map((_, i) => BigInt(i) * 1_000_000n)],
      m__naive: ["timestamp[ms]", SEQUENCES.map((_, i) => BigInt(i) * 1000n)],
      m__vec: ["list<float64>", SEQUENCES.map((_, i) => VEC.map((v) => v + i))],
      m__st: ["struct<a:int64>", SEQUENCES.map(() => ({ a: 1n }))],
    },
  }),
});

const sequences = async (root: Root, query: Query): Promise<readonly string[]> =>
  (await linesOf(root, "demo", { ...query, columns: ["sequence"] })).map((line) => JSON.parse(line).sequence);

const errorOf = async (where: string): Promise<DatasetError> => {
  const root = await rootOf(await objects());
  try {
    await linesOf(root, "demo", { where });
  } catch (error) {
    if (error instanceof DatasetError) return error;
    throw error;
  }
  throw new Error(`no error: ${where}`);
};

test.each([
  ["", 1, "the filter ends where a column or a constant is wanted"],
  ["m__n >", 7, "the filter ends where a column or a constant is wanted"],
  ["m__n = 1 m__n", 10, "m__n stands where and, or or the end is wanted"],
  ["(m__n = 1", 10, "the filter ends where ) is wanted"],
  ["m__n = 1)", 9, ") stands where and, or or the end is wanted"],
  ["m__tag = 'a", 10, "the quote ' is never closed"],
  ["m__n == 1", 6, "== means nothing"],
  ["m__n <> 1", 6, "<> means nothing"],
  ["m__n = 1 && m__on", 10, "&& means nothing"],
  ["!m__on", 1, "! means nothing"],
  ["m__n = 5x", 8, "5x is no number"],
  ["1 < m__n < 3", 10, "< stands where and, or or the end is wanted"],
  ["m__n is 3", 9, "3 stands where null is wanted"],
  ["m__n in ()", 10, ") stands where a column or a constant is wanted"],
  ["m__n in (1, m__on)", 13, "m__on stands where a constant is wanted"],
  ["m__n = '1'", 8, "m__n is int64, not text"],
  ["m__n = true", 8, "m__n is int64, not true or false"],
  ["m__n = null", 8, "nothing is equal to null, nor unequal"],
  ["m__n = NaN", 8, "no integer is NaN"],
  ["m__n < 1e999", 8, "1e999 is beyond every number of the columns"],
  ["m__score < NaN", 12, "NaN is neither less nor greater than anything"],
  ["m__score < 1e39", 12, "1e39 is beyond the largest float32"],
  ["m__tag = 1", 10, "m__tag is text, not a number"],
  ["'é' = 'é' or m__tag = 1", 1, "two constants are compared, and no column"],
  ["m__tag = 'é\u{1f600}' or m__tag = 1", 27, "m__tag is text, not a number"],
  ["m__tag", 1, "m__tag is string, neither true nor false"],
  ["m__on > false", 1, "m__on is bool, which has no order"],
  ["m__vec = 1", 1, "m__vec is list<float64>, which cannot be compared"],
  ["m__st = 1", 1, "m__st is struct<a:int64>, which cannot be compared"],
  ["len(m__tag) = 1", 1, "m__tag is string, and len counts the items of lists"],
  ["m__n contains '1'", 1, "m__n is int64, and contains is for text"],
  ["m__tag ~ 'ab(c'", 10, '"ab(c" is no regular expression: unterminated group, from character 3 on'],
  ["m__at > '2026-01-31'", 9, '"2026-01-31" is no time of RFC 3339'],
  ["m__at > '2026-01-31T00:00:00'", 9, '"2026-01-31T00:00:00" has no zone, and the column has one'],
  ["m__naive > '2026-01-31T00:00:00Z'", 12, '"2026-01-31T00:00:00Z" has a zone, and the column has none'],
  ["m__at > m__naive", 1, "m__at is timestamp[us, UTC] and m__naive is timestamp[ms]: these cannot be compared"],
  ["m__n = m__tag", 1, "m__n is int64 and m__tag is string: these cannot be compared"],
  [`${"(".repeat(5000)}m__on${")".repeat(5000)}`, 102, "it is nested more than 100 levels deep"],
])("%j is wrong at %i", async (where, position, what) => {
  const error = await errorOf(where);
  expect([error.code, error.message, error.details["position"]]).toEqual([
    "FILTER_INVALID",
    `Position ${position} of the filter: ${what}.`,
    position,
  ]);
  expect(error.hint).toBeTruthy();
});

test("an unknown column is told with the nearest name and its place", async () => {
  const error = await errorOf("m__on and m__scor > 1");
  expect([error.code, error.message, error.details["position"]]).toEqual([
    "UNKNOWN_COLUMN",
    "Position 11 of the filter: demo has no column 'm__scor'.",
    11,
  ]);
  expect(error.hint).toBe("Did you mean m__score?");
  expect((await errorOf("m__tag = dna")).hint).toContain("If it is text, quote it: 'dna'");
  expect((await errorOf("usr__deleted")).hint).toMatch(/ --include-deleted\. If it is text, quote it: 'usr__deleted'$/);
});

test("a long chain is no deep nest", async () => {
  const root = await rootOf(await objects());
  const where = Array.from({ length: 3000 }, () => "m__n = 1").join(" or ");
  expect(await sequences(root, { where })).toEqual(["AAAA"]);
});

test("float32 columns meet the nearest float32", async () => {
  const root = await rootOf(await objects());
  expect(await sequences(root, { where: "m__score = 0.1" })).toEqual(["AAAA"]);
  expect(await sequences(root, { where: "m__score > 0.1 and m__score <= 0.3" })).toEqual(["CCCC", "GGGG"]);
  expect(await sequences(root, { where: "m__score = nan" })).toEqual(["ACGT", "TGCA"]);
  expect(await sequences(root, { where: "not m__score > 0.2" })).toEqual(["AAAA", "CCCC", "ACGT", "TGCA"]);
});

test("texts cut in the statistics lose no row", async () => {
  const root = await rootOf(await objects());
  const long = "x".repeat(200);
  expect(await sequences(root, { where: `m__tag = '${long}'` })).toEqual(["AACC"]);
  expect(await sequences(root, { where: `m__tag > '${long}'` })).toEqual(["ACGT", "TGCA", "GGTT"]);
  expect(await sequences(root, { where: `m__tag starts with '${long}y'` })).toEqual(["GGTT"]);
  expect(await sequences(root, { where: "m__tag ~ '^\\p{L}$' and m__tag ~ '(?i:A|É)'" })).toEqual(["AAAA", "ACGT"]);
});

test("ids and a filter exclude each other", async () => {
  const root = await rootOf(await objects());
  await expect(linesOf(root, "demo", { where: "m__on", ids: ["x"] })).rejects.toMatchObject({ code: "USAGE" });
});

describe("what is read", () => {
  const readsOf = async (
    query: Query,
    extra: Record<string, Uint8Array> = {},
  ): Promise<{ reads: number; bytes: number }> => {
    const held = await objects();
    const base = held["demo/records.parquet"];
    if (!(base instanceof Uint8Array)) throw new TypeError("a base is bytes");
    const { storage } = await rootOf({ ...held, "demo/records.parquet": spread(base), ...extra });
    const seen = { reads: 0, bytes: 0 };
    const spied: ReadableStorage = watched(storage, {
      read: (path, _, length) => {
        if (!path.endsWith("records.parquet")) return;
        seen.reads++;
        seen.bytes += length;
      },
    });
    for await (const _ of scan({ storage: spied, label: "spied" }, "demo", query)) void _;
    return seen;
  };

  test("row groups that the statistics rule out are not read", async () => {
    const footer = await readsOf({ where: "m__n > 100" });
    const all = await readsOf({ where: "m__n > 0 or m__n is null" });
    const one = await readsOf({ where: "m__n = 3" });
    // The footer, and nothing else.
    expect(footer.reads).toBe(1);
    expect(one.reads).toBeLessThan(all.reads);
    expect((one.bytes - footer.bytes) * 3).toBeLessThan(all.bytes - footer.bytes);
    for (const where of [
      "m__n < 1",
      "m__tag starts with 'zz'",
      "m__at > '1970-01-02T00:00:00Z'",
      "m__n in (7, 0.5)",
      "false",
      "id is null",
    ])
      expect(await readsOf({ where }), where).toEqual(footer);
    // NaN and NULL are in no range, and negation turns true and false around.
    for (const where of ["not m__n <= 100", "not (m__n >= 1 or m__n is null)"])
      expect(await readsOf({ where }), where).toEqual(footer);
    expect((await readsOf({ where: "m__score = NaN" })).reads).toBeGreaterThan(1);
  });

  test("columns that only the answer needs are read where there are hits", async () => {
    const none = await readsOf({ where: "m__tag contains 'nowhere'" });
    const one = await readsOf({ where: "m__tag contains 'é'" });
    const all = await readsOf({ where: "m__tag contains ''" });
    expect(none.bytes).toBeLessThan(one.bytes);
    expect((one.bytes - none.bytes) * 3).toBeLessThan(all.bytes - none.bytes);
  });

  test("a column that an overlay may change rules out nothing", async () => {
    const id = JSON.parse(
      (await linesOf(await rootOf(await objects()), "demo", { where: "sequence = 'AAAA'" }))[0]!,
    ).id;
    const part = await partBytes("m", "id", "2026-01-01T00:00:00.000000Z", {
      id: ["string", [id]],
      m__n: ["int64", [500n]],
    });
    const root = await rootOf({ ...(await objects()), "demo/_derived/m/part-1.parquet": part });
    expect(await sequences(root, { where: "m__n > 100" })).toEqual(["AAAA"]);
    expect(await sequences(root, { where: "m__n = 1" })).toEqual([]);
    expect(await sequences(root, { where: "m__n = 1", overlays: false })).toEqual(["AAAA"]);
  });
});

test("large row groups are read on where hits lie apart", async () => {
  const many = Array.from({ length: 150_000 }, (_, i) => i);
  const sequenceOf = (i: number): string =>
    [...(i + 4 ** 9).toString(4)].map((digit) => "ACGT"[Number(digit)]).join("");
  const bytes = await baseBytes({
    sequences: many.map(sequenceOf),
    groupRows: 150_000,
    extra: { m__n: ["int64", many.map(BigInt)] },
  });
  const root = await rootOf({ "registry.yaml": registryText({ m: COLUMNS }), "demo/records.parquet": bytes });
  for (const wanted of [[3], [70_000, 140_000], [65_535, 65_536], [149_999]]) {
    const where = `m__n in (${wanted.join(", ")})`;
    expect(await sequences(root, { where })).toEqual(wanted.map(sequenceOf));
  }
});
