import type { Value } from "@usr/schema";
import { type NaiveKey, type NaivePart, naiveKey } from "@usr/testkit";
import fc from "fast-check";
import type { KeyBatch } from "../src/index.ts";
import { type Cells, idBase, type PartSpec, sequenceBase } from "./support.ts";

// Drawn overlays, as files and as plain values.

export const TYPES = {
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
interface DrawnPart {
  readonly stamp: (typeof STAMPS)[number];
  readonly columns: readonly (keyof typeof TYPES)[];
  readonly keyAt: number;
  readonly groupRows: number;
  readonly order: "base" | "as drawn";
  readonly rows: readonly (readonly [at: number, how: number, values: Row])[];
  readonly keepsDoubles: boolean;
}

export interface Case {
  readonly key: NaiveKey;
  readonly base: readonly number[];
  readonly repeats: readonly number[];
  readonly parts: readonly DrawnPart[];
  readonly columns: readonly (keyof typeof TYPES)[];
  readonly step: number;
  readonly limits: { readonly sortBytes: number | undefined; readonly smallPartBytes: number | undefined };
}

const part: fc.Arbitrary<DrawnPart> = fc.record({
  stamp: fc.constantFrom(...STAMPS),
  columns: fc.shuffledSubarray([...NAMES]),
  keyAt: fc.nat(NAMES.length),
  groupRows: fc.integer({ min: 1, max: 9 }),
  order: fc.constantFrom("base", "as drawn"),
  rows: fc.array(fc.tuple(fc.nat(29), fc.nat(5), value), { maxLength: 16 }),
  keepsDoubles: fc.nat(40).map((n) => n === 0),
});
export const cases: fc.Arbitrary<Case> = fc.record({
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

export interface Built {
  readonly specs: readonly PartSpec[];
  readonly naive: readonly NaivePart<Value>[];
  readonly base: readonly (string | null)[];
  readonly batches: readonly KeyBatch[];
}

export function build(drawn: Case): Built {
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
