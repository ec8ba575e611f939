import type { Utf8Column } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildKeyIndex, matchKeys } from "../src/index.ts";
import { normalizeKeys } from "../src/write/index.ts";
import { baseBatch, idBase, sequenceBase } from "./support.ts";

const STRING = { kind: "string" } as const;
const decoded = (keys: readonly Uint8Array[] | undefined): readonly string[] | undefined =>
  keys?.map((bytes) => new TextDecoder().decode(bytes));

describe("the keys that are worth looking for in filters", () => {
  const many = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `k${i}`);
  const of = async (ids: readonly string[], rows: number | undefined): Promise<readonly string[] | undefined> =>
    decoded((await buildKeyIndex("id", idBase(ids), { rows })).keys);

  test("are those of an index of few rows, as they are compared, each once", async () => {
    expect(await of([" a ", "b", "a", " "], 9)).toEqual(["a", "b"]);
    expect(await of(many(1024), 9000)).toEqual(many(1024));
    expect(await of([], 9)).toEqual([]);
  });

  test("are not told where they are many, or all, or where case does not count", async () => {
    expect(await of(many(1025), 9000)).toBe(undefined);
    expect(await of(["a", "b"], 2)).toBe(undefined);
    expect(await of(["a", "b"], undefined)).toBe(undefined);
    const folded = await buildKeyIndex("sequence_ci", sequenceBase(["ACGT"]), { rows: 9 });
    expect([folded.keys, folded.complete]).toEqual([undefined, false]);
    expect(decoded((await buildKeyIndex("sequence", sequenceBase(["ACGT"]), { rows: 9 })).keys)).toEqual(["ACGT"]);
  });
});

test("NULL is no key, whatever bytes lie beneath it", async () => {
  // Rows a, NULL over b, c.
  const column: Utf8Column = {
    layout: "utf8",
    type: STRING,
    length: 3,
    validity: Uint8Array.of(0b101),
    offsets: Int32Array.of(0, 1, 2, 3),
    data: new TextEncoder().encode("abc"),
  };
  const plain = await buildKeyIndex("id", idBase(["a", "b", "c"]));
  expect([...plain.lookupEach(column)]).toEqual([0, -2, 2]);
  expect([...matchKeys(plain).match(column)]).toEqual([0, -2, 2]);
  const index = await buildKeyIndex("id", [{ ...baseBatch({ id: ["", "", ""] }), columns: [column] }]);
  expect([...index.lookupEach({ ...column, validity: undefined })]).toEqual([0, -1, 2]);
  const padded = { ...column, data: new TextEncoder().encode("a c") };
  expect([0, 1, 2].map((row) => valueAt(normalizeKeys("id", padded), row))).toEqual(["a", null, "c"]);
  expect(normalizeKeys("id", padded)).toBe(padded);
});

test("the first key that each base row has is told once they do not ascend any more, over columns without a key, too", async () => {
  const index = await buildKeyIndex("id", idBase(["a", "b", "c", "d"]));
  const key = fc.constantFrom<string | null>("a", "b", "c", "d", " d", "x", null);
  const missing = fc.integer({ min: 1, max: 3 });
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.array(key, { maxLength: 6 }), missing), { maxLength: 4 }), (columns) => {
      const matcher = matchKeys(index);
      const texts = columns.flatMap((keys) => (typeof keys === "number" ? new Array<null>(keys).fill(null) : keys));
      for (const keys of columns)
        matcher.match(
          typeof keys === "number"
            ? columnOf({ kind: keys === 1 ? "float64" : "null" }, new Array<null>(keys).fill(null))
            : columnOf(STRING, keys),
        );
      const rows = texts.map((text) => ["a", "b", "c", "d"].indexOf(text?.trim() ?? ""));
      const met = rows.filter((row) => row >= 0);
      const ascend = met.every((row, i) => i === 0 || row > met[i - 1]!);
      const first = Int32Array.from([0, 1, 2, 3], (row) => rows.indexOf(row) + 1);
      expect(matcher.firstOf()).toEqual(ascend ? undefined : first);
      const known = texts.map((text) => text?.trim() ?? "");
      expect(matcher.summary()).toMatchObject({
        rows: texts.length,
        matched: met.length,
        blank: known.filter((text) => text === "").length,
        orphans: known.filter((text) => text === "x").length,
        duplicates: known.filter((text, i) => text !== "" && known.indexOf(text) < i).length,
      });
    }),
    { numRuns: testRuns(1000) },
  );
});

test("keys that fold are told in upper case, letters without one as they are", async () => {
  const matcher = matchKeys(await buildKeyIndex("sequence_ci", sequenceBase(["ACGT"])));
  matcher.match(columnOf(STRING, ["gatTaca", "Ac-gn1z", " aß ", "GATTACA"]));
  expect(matcher.summary()).toMatchObject({
    orphanSamples: ["GATTACA", "AC-GN1Z", "Aß", "GATTACA"],
    duplicateSamples: [{ key: "GATTACA", rows: [1, 4] }],
  });
});
