import type { Value } from "@usr/schema";
import { describe, expect, test } from "vitest";
import { buildKeyIndex, mergeOverlay } from "../src/index.ts";
import { idBase, type PartSpec } from "./support.ts";
import { ALL, IDS, overlayOfTraced, range, spec, TYPES, traced, valuesIn } from "./traced.ts";

// A part whose rows never descend as the base goes on is read along with it; any other is sorted. Both give the same values.

const REVERSED = ALL.toReversed();
const without = (rows: readonly number[], ...left: readonly number[]) => rows.filter((row) => !left.includes(row));
const swapped = (at: number): readonly number[] => [...range(0, at), at + 1, at, ...range(at + 2, ALL.length)];
const twice = (rows: readonly number[]): readonly number[] => rows.flatMap((row) => [row, row]);

/** Whether the part was read along with a base of these rows: then the first of them costs one row group, and no look at the others. */
async function readAlong(base: readonly number[], part: PartSpec): Promise<boolean> {
  const held = await traced(part);
  const index = await buildKeyIndex("id", idBase(base.map((row) => IDS[row]!)));
  const cursor = mergeOverlay(overlayOfTraced([held], TYPES), index, { columns: ["mock__n"], smallPartBytes: 0 });
  await cursor.open();
  held.keys();
  const stored: readonly Value[] = part.columns["id"]![1];
  const expected = base.map((row) => (stored.includes(IDS[row]!) ? row : null));
  const first = expected.findIndex((value) => value !== null);
  expect(await valuesIn(cursor, 0, first + 1)).toEqual(expected.slice(0, first + 1));
  const groups = held.values().length;
  for (const step of [base.length, 90])
    for (let at = 0; at < base.length; at += step) {
      const end = Math.min(base.length, at + step);
      expect(await valuesIn(cursor, at, end)).toEqual(expected.slice(at, end));
    }
  return groups === 1;
}

describe("a base of different ids", () => {
  test.each<readonly [string, readonly number[]]>([
    ["all rows", ALL],
    ["all but the first and the last", without(ALL, 0, 599)],
    ["every other", ALL.filter((row) => row % 2 === 0)],
    ["a few", range(200, 230)],
    ["one", [300]],
  ])("%s, in base order", async (_, rows) => {
    expect(await readAlong(ALL, spec(1, rows))).toBe(true);
  });

  test.each<readonly [string, readonly number[]]>([
    ["the first two swapped", swapped(0)],
    ["two in the middle", swapped(299)],
    ["the last two", swapped(598)],
    ["the first two, and not all rows", without(swapped(0), 300)],
    ["the last two, and not all rows", without(swapped(598), 0)],
    ["all reversed", REVERSED],
    ["a few reversed", range(200, 230).toReversed()],
    ["the last two of a few", [...range(200, 230), 232, 231]],
  ])("%s, in another order", async (_, rows) => {
    // Row groups of a few rows, so that the first row never lies in the only one.
    expect(await readAlong(ALL, { ...spec(1, rows), groupRows: 10 })).toBe(false);
  });
});

describe("a base that holds an id twice", () => {
  test.each<readonly [string, readonly number[], readonly number[]]>([
    ["side by side", twice(ALL), ALL],
    ["side by side, and not all rows", twice(ALL), without(ALL, 0, 300, 599)],
    ["once", [0, ...ALL], ALL],
    ["once at the end", [...ALL, 599], ALL],
  ])("%s: along with the base", async (_, base, rows) => {
    expect(await readAlong(base, spec(1, rows))).toBe(true);
  });

  test.each<readonly [string, readonly number[], readonly number[]]>([
    ["one behind the other", [...ALL, ...ALL], ALL],
    ["one behind the other, and not all rows", [...ALL, ...ALL], without(ALL, 300)],
    ["the first at the end", [...ALL, 0], ALL],
    ["side by side, reversed", twice(ALL), REVERSED],
    ["side by side, reversed, and not all rows", twice(ALL), without(REVERSED, 0, 300)],
    ["the first two swapped", twice(ALL), swapped(0)],
    ["the last two swapped, and not all rows", twice(ALL), without(swapped(598), 0)],
  ])("%s: in another order", async (_, base, rows) => {
    expect(await readAlong(base, spec(1, rows))).toBe(false);
  });
});
