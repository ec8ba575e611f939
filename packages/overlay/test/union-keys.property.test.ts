import type { Value } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { naiveKey, naiveMerge, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildKeyIndex, mergeOverlay } from "../src/index.ts";
import { unionKeys } from "../src/write/index.ts";
import { type Built, build, type Case, cases, TYPES } from "./drawn.ts";
import { idBase, overlayOf } from "./support.ts";

const STRING = { kind: "string" } as const;

/** Every key of the parts once: those of the base in base order, then the others as they are met from the newest part on. */
function naiveUnion({ key }: Case, { base, specs, naive }: Built, newestFirst: readonly string[]): readonly string[] {
  const byName = newestFirst.map((name) => naive[specs.findIndex((spec) => spec.path.endsWith(`/${name}`))]!);
  const held = byName.flatMap((part) => part.rows.flatMap((row) => naiveKey(key, row.key) ?? []));
  const known = base.flatMap((text) => naiveKey(key, text) ?? []).filter((text) => held.includes(text));
  return [...new Set([...known, ...held])];
}

async function* keyColumns(keys: readonly (string | null)[], step: number) {
  for (let at = 0; at < keys.length; at += step) yield columnOf(STRING, keys.slice(at, at + step));
}

test("the union is every key of the parts once, and a merge over it has the values of every part", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (drawn) => {
      const built = build({ ...drawn, parts: drawn.parts.map((part) => ({ ...part, keepsDoubles: false })) });
      const overlay = await overlayOf(built.specs, TYPES);
      const union = await unionKeys(overlay, await buildKeyIndex(drawn.key, built.batches));
      const expected = naiveUnion(
        drawn,
        built,
        overlay.parts.map((part) => part.name),
      );

      const keys: Value[] = [];
      for await (const column of union.columns(keyColumns(built.base, drawn.step)))
        for (let row = 0; row < column.length; row++) keys.push(valueAt(column, row));
      expect(keys).toEqual(expected);
      expect(union).toMatchObject({ rows: keys.length });
      expect(union.index).toMatchObject({ key: drawn.key, numRows: keys.length, complete: true, repeats: false });

      // Every text that names a key leads to its row, and no other does.
      const asked = [...built.base, ...built.naive.flatMap((part) => part.rows.map((row) => row.key)), "nobody", " "];
      const column = columnOf(STRING, asked);
      if (column.layout !== "utf8") throw new Error("text is not text");
      const rows = asked.map((text) => {
        const form = naiveKey(drawn.key, text);
        return form === undefined ? -2 : expected.indexOf(form);
      });
      expect([...union.index.lookupEach(column)]).toEqual(rows);
      for (const [i, row] of rows.entries()) {
        expect(union.index.lookup(column.data, column.offsets[i]!, column.offsets[i + 1]!)).toBe(row);
        if (row >= 0) expect(union.index.next(row)).toBe(-1);
      }

      const columns = overlay.fields.map((field) => field.name);
      await using cursor = mergeOverlay(overlay, union.index, { columns, ...drawn.limits });
      const merged = await cursor.read(0, union.rows);
      expect(expected.map((_, row) => merged.map((values) => valueAt(values, row)))).toEqual(
        naiveMerge<Value>(drawn.key, expected, built.naive, columns),
      );
    }),
    { numRuns: testRuns(150) },
  );
});

test("many keys that no base row has come in pieces", async () => {
  const strangers = Array.from({ length: 17_000 }, (_, i) => `stranger ${i}`);
  const spec = {
    path: "_derived/mock/part-1.parquet",
    key: "id",
    createdAt: "2026-01-01T00:00:00Z",
    columns: { id: ["string", ["b", ...strangers]], mock__f: ["float64", [0, ...strangers.map((_, i) => i)]] },
  } as const;
  const overlay = await overlayOf([spec], TYPES);
  const union = await unionKeys(overlay, await buildKeyIndex("id", idBase(["a", "b", "c"])));
  const keys: Value[] = [];
  for await (const column of union.columns(keyColumns(["a", "b", "c"], 1))) {
    expect(column.length).toBeGreaterThan(0);
    expect(column.length).toBeLessThan(strangers.length);
    for (let row = 0; row < column.length; row++) keys.push(valueAt(column, row));
  }
  expect(keys).toEqual(["b", ...strangers]);
});

test("a key column without text holds no keys", async () => {
  const empty = { id: ["float64", []], mock__f: ["float64", []] } as const;
  const spec = { path: "_derived/mock/part-1.parquet", key: "id", createdAt: "2026-01-01T00:00:00Z", columns: empty };
  const overlay = await overlayOf([{ ...spec, key: "id" }], TYPES);
  expect((await unionKeys(overlay, await buildKeyIndex("id", idBase(["a"])))).rows).toBe(0);
});
