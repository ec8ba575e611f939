import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { type NaiveKey, type NaivePart, naiveDuplicate, naiveKey, naiveMerge, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildKeyIndex, countKeys, type KeyBatch, mergeOverlay, OverlayError } from "../src/index.ts";
import { baseBatch, type Cells, idBase, mergedRows, overlayOf, type PartSpec, sequenceBase } from "./support.ts";

const numRuns = testRuns(300);
const TYPES = {
  mock__f: "float64",
  mock__s: "string",
  mock__i: "int64",
  mock__l: "list<float64>",
  mock__b: "bool",
  mock__v: "fixed_size_list<int16>[2]",
  mock__z: "struct<x:string>",
} as const;
const NAMES = Object.keys(TYPES) as readonly (keyof typeof TYPES)[];
type Row = Readonly<Record<keyof typeof TYPES, Value>>;

/** One moment in four spellings, and two more. */
const STAMPS: readonly (readonly [text: string, ns: bigint])[] = [
  ["2026-03-01T00:00:00.000000Z", 0n],
  ["2026-03-01T00:00:00Z", 0n],
  ["2026-03-01T02:00:00+02:00", 0n],
  ["2026-02-28T23:00:00.000-01:00", 0n],
  ["2026-03-01T00:00:00.000001Z", 1000n],
  ["2026-02-28T12:00:00.999999+00:00", -43_199_000_001_000n],
];

const value: fc.Arbitrary<Row> = fc.record({
  mock__f: fc.option(fc.constantFrom(0, -0, Number.NaN, 1.5, Number.POSITIVE_INFINITY)),
  mock__s: fc.option(fc.constantFrom("", "x", "ünïcödé", "\u0000")),
  mock__i: fc.option(fc.constantFrom(0n, 9_007_199_254_740_993n, -(2n ** 63n))),
  mock__l: fc.option(fc.array(fc.option(fc.constantFrom(1, Number.NaN)), { maxLength: 2 })),
  mock__b: fc.option(fc.boolean()),
  mock__v: fc.option(fc.constantFrom([1, 2], [3, null])),
  mock__z: fc.option(fc.constantFrom({ x: null }, { x: "y" })),
});
const part = fc.record({
  stamp: fc.constantFrom(...STAMPS),
  columns: fc.shuffledSubarray([...NAMES]),
  keyAt: fc.nat(NAMES.length),
  groupRows: fc.integer({ min: 1, max: 9 }),
  order: fc.constantFrom("base", "as drawn"),
  rows: fc.array(fc.tuple(fc.nat(29), fc.nat(5), value), { maxLength: 16 }),
  keepsDoubles: fc.nat(40).map((n) => n === 0),
});
const cases = fc.record({
  key: fc.constantFrom<NaiveKey>("id", "id", "sequence", "sequence_norm", "sequence_ci"),
  base: fc.uniqueArray(fc.nat(999), { maxLength: 20 }),
  repeats: fc.array(fc.nat(19), { maxLength: 2 }),
  parts: fc.array(part, { minLength: 1, maxLength: 12 }),
  columns: fc.shuffledSubarray([...NAMES], { minLength: 1 }),
  step: fc.integer({ min: 1, max: 25 }),
  limits: fc.record({
    sortBytes: fc.constantFrom(undefined, 1, 60, 400),
    smallPartBytes: fc.constantFrom(0, 0, 0, undefined),
  }),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

/** Keys of the base: hex ids beside those of strangers, or sequences; never equal to each other unless `repeats` says so. */
function baseKeys({ key, base, repeats }: Case): readonly (string | null)[] {
  const keys = base.map((n) => {
    if (key !== "id") return n.toString(4).replace(/\d/g, (digit) => "ACGT"[Number(digit)]!);
    return n % 3 === 0 ? `stranger-${n}` : n.toString(16).padStart(40, "a");
  });
  if (key !== "id") return keys;
  const doubled: (string | null)[] = [...keys];
  for (const at of repeats) doubled.push(at < keys.length ? keys[at]! : at % 2 === 0 ? null : " ");
  return doubled;
}

/** The same key, written in another way. */
function variant(key: NaiveKey, text: string, how: number): string {
  const padded = ["", "", " ", "\t\u00a0", "", "\u2003"][how]! + text + ["", "\n", "", "\u3000", "", " "][how]!;
  return key === "sequence_ci" && how % 2 === 1 ? padded.toLowerCase() : padded;
}

interface Built {
  readonly specs: readonly PartSpec[];
  readonly naive: readonly NaivePart<Value>[];
  readonly base: readonly (string | null)[];
  readonly batches: readonly KeyBatch[];
}

function build(drawn: Case): Built {
  const { key } = drawn;
  const base = baseKeys(drawn);
  const pool = [...base, "orphan-1", "ORPHAN-1", "GATTACAGATTACA", null, "", " \u0085", "f".repeat(40)];
  const naive: NaivePart<Value>[] = [];
  const specs = drawn.parts.map(
    ({ stamp: [createdAt, ns], columns, keyAt, groupRows, order, rows, keepsDoubles }, i) => {
      const seen = new Set<string>();
      const kept = rows
        .map(([at, how, values]) => {
          const text = pool[at % pool.length]!;
          return { at: at % pool.length, key: text === null ? null : variant(key, text, how), values };
        })
        .filter((row) => {
          const form = naiveKey(key, row.key);
          if (form === undefined || keepsDoubles || !seen.has(form)) {
            seen.add(form ?? "");
            return true;
          }
          return false;
        });
      if (order === "base") kept.sort((a, b) => a.at - b.at);
      // Names are not in the order of creation, and none is the beginning of another.
      const name = `part-${(i * 7) % 13}.parquet`;
      naive.push({
        name,
        createdAt: ns,
        rows: kept.map((row) => ({ key: row.key, values: Object.fromEntries(columns.map((c) => [c, row.values[c]])) })),
      });
      const named: [string, Cells][] = columns.map((column) => [
        column,
        [TYPES[column], kept.map((row) => row.values[column])],
      ]);
      named.splice(Math.min(keyAt, named.length), 0, [key, ["string", kept.map((row) => row.key)]]);
      return { path: `_derived/mock/${name}`, key, createdAt, groupRows, columns: Object.fromEntries(named) };
    },
  );
  return { specs, naive, base, batches: key === "id" ? idBase(base, 6) : sequenceBase(base) };
}

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
      const built = build(drawn);
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
