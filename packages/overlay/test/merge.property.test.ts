import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { type NaivePart, naiveDuplicate, naiveKey, naiveMerge, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildKeyIndex, countKeys, mergeOverlay, OverlayError } from "../src/index.ts";
import { type Built, build, type Case, cases, TYPES } from "./drawn.ts";
import { baseBatch, mergedRows, overlayOf, type PartSpec } from "./support.ts";

const numRuns = testRuns(300);
function run(drawn: Case, { specs, batches }: Built, step = drawn.step): Promise<readonly (readonly Value[])[]> {
  return overlayOf(specs, TYPES).then((overlay) => {
    const held = drawn.columns.filter((name) => overlay.fields.some((field) => field.name === name));
    return mergedRows(overlay, batches, held, step, drawn.limits);
  });
}

function expected(drawn: Case, { naive, base, specs }: Built): readonly (readonly Value[])[] {
  const held = drawn.columns.filter((name) => specs.some((spec) => name in spec.columns));
  return naiveMerge<Value>(drawn.key, base, naive, held);
}

/** Parts that a read of the columns opens: a double in another one is not met. */
function read(drawn: Case, { naive, specs }: Built): readonly NaivePart<Value>[] {
  return naive.filter((_, i) => drawn.columns.some((name) => name in specs[i]!.columns));
}

test("the merged view is what the naive merge says, and doubles are refused", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (drawn) => {
      const built = build(drawn);
      const bad = naiveDuplicate(drawn.key, read(drawn, built));
      if (bad === undefined) {
        expect(await run(drawn, built)).toEqual(expected(drawn, built));
        return;
      }
      const error = await run({ ...drawn, step: 1000 }, built).catch((thrown: unknown) => thrown);
      // A base of no rows is never read.
      if (built.base.length === 0) return;
      if (!(error instanceof OverlayError)) throw error;
      expect(error.code).toBe("DUPLICATE_KEY");
      const naive = built.naive.find(({ name }) => `_derived/mock/${name}` === error.details["file"]);
      const [first, second] = error.details["rows"] as [number, number];
      const key = error.details["key"];
      expect(first).toBeLessThan(second);
      expect([first, second].map((row) => naiveKey(drawn.key, naive!.rows[row - 1]!.key))).toEqual([key, key]);
    }),
    { numRuns },
  );
});

test("the order of files on disk is invisible", async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.infiniteStream(fc.nat()), async (drawn, dice) => {
      const built = build({ ...drawn, parts: drawn.parts.map((p) => ({ ...p, keepsDoubles: false })) });
      const shuffled = built.specs
        .map((spec) => ({ spec, at: dice.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ spec }) => spec);
      expect(await run(drawn, { ...built, specs: shuffled })).toEqual(await run(drawn, built));
    }),
    { numRuns: Math.ceil(numRuns / 6) },
  );
});

test("a part cut in two with one stamp, whatever the cut, is invisible", async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.nat(15), fc.boolean(), async (drawn, cut, everyOther) => {
      const built = build({ ...drawn, parts: drawn.parts.map((p) => ({ ...p, keepsDoubles: false })) });
      const [victim, ...others] = built.specs;
      const half = (which: boolean, suffix: string): PartSpec => ({
        ...victim!,
        path: victim!.path.replace(".parquet", `-${suffix}.parquet`),
        columns: Object.fromEntries(
          Object.entries(victim!.columns).map(([name, [type, values]]) => [
            name,
            [type, values.filter((_, row) => (everyOther ? row % 2 === 0 : row < cut) === which)] as const,
          ]),
        ),
      });
      const specs = [half(true, "1"), ...others, half(false, "2")];
      expect(await run(drawn, { ...built, specs })).toEqual(await run(drawn, built));
    }),
    { numRuns: Math.ceil(numRuns / 6) },
  );
});

test("an index of some rows gives those rows", async () => {
  await fc.assert(
    fc.asyncProperty(cases, fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }), async (drawn, chosen) => {
      const built = build({
        ...drawn,
        key: "id",
        repeats: [],
        parts: drawn.parts.map((p) => ({ ...p, keepsDoubles: false })),
      });
      const overlay = await overlayOf(built.specs, TYPES);
      const columns = overlay.fields.map((field) => field.name);
      const whole = naiveMerge<Value>("id", built.base, built.naive, columns);
      const rows = [...built.base.keys()].filter((row) => chosen[row] === true);
      const pieces = rows.map((row) => baseBatch({ id: [built.base[row]!] }, row));
      const index = await buildKeyIndex("id", pieces, { rows: built.base.length });
      expect(index.complete).toBe(rows.length === built.base.length);
      await using cursor = mergeOverlay(overlay, index, { columns, ...drawn.limits });
      for (const row of rows) {
        const merged = await cursor.read(row, row + 1);
        expect(merged.map((column) => valueAt(column, 0))).toEqual(whole[row]);
      }
      // Going back is allowed, only slower.
      for (const row of [...rows].reverse().slice(0, 3)) {
        const merged = await cursor.read(row, row + 1);
        expect(merged.map((column) => valueAt(column, 0))).toEqual(whole[row]);
      }
    }),
    { numRuns: Math.ceil(numRuns / 6) },
  );
});

test("keys are counted over all parts", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (drawn) => {
      // Doubles within a part are not looked for.
      const built = build({ ...drawn, parts: drawn.parts.map((p) => ({ ...p, keepsDoubles: false })) });
      const overlay = await overlayOf(built.specs, TYPES);
      const keys = built.naive.flatMap((p) => p.rows.map((row) => naiveKey(drawn.key, row.key)));
      const known = new Set(built.base.map((key) => naiveKey(drawn.key, key)));
      const distinct = new Set(keys.filter((key) => key !== undefined));
      const orphans = [...distinct].filter((key) => !known.has(key));
      const counted = await countKeys(overlay, { index: await buildKeyIndex(drawn.key, built.batches) });
      const counts = {
        rows: keys.length,
        distinct: distinct.size,
        blank: keys.filter((key) => key === undefined).length,
      };
      expect(counted).toMatchObject({ ...counts, orphans: orphans.length });
      expect(await countKeys(overlay)).toMatchObject(counts);
      expect(orphans).toEqual(expect.arrayContaining([...counted.orphanSamples]));
      expect((await countKeys(overlay)).orphans).toBeUndefined();
    }),
    { numRuns: Math.ceil(numRuns / 6) },
  );
});
