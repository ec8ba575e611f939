import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import { describe, expect, test } from "vitest";
import { buildKeyIndex, mergeOverlay } from "../src/index.ts";
import { idBase } from "./support.ts";
import { ALL, COUNT, GROUPS, opened, overlayOfTraced, range, sorted, spec, TYPES, traced, valuesIn } from "./traced.ts";

// What a merge decodes of a part in no order, and how often.

describe("a part in another order", () => {
  const REVERSED = ALL.toReversed();
  /** The first 256 rows are looked at to know how large the others are. */
  const SAMPLE = GROUPS.slice(0, 6);
  /** A row: 8 bytes, one bit that says it is no NULL, and 8 for its place. */
  const ROW = 16.125;

  test("is decoded once where there is room, which there is unless the caller says otherwise", async () => {
    for (const sortBytes of [undefined, COUNT * ROW]) {
      const part = await traced(spec(1, REVERSED));
      await using cursor = await opened([part], {
        smallPartBytes: 0,
        ...(sortBytes === undefined ? {} : { sortBytes }),
      });
      for (let at = 0; at < COUNT; at += 70) {
        const end = Math.min(COUNT, at + 70);
        expect(await valuesIn(cursor, at, end)).toEqual(range(at, end));
      }
      expect(await valuesIn(cursor, 5, 500)).toEqual(range(5, 500));
      expect(part.values()).toEqual([...SAMPLE, ...GROUPS]);
    }
  });

  test("is decoded for as many base rows at a time as there is room for, as far as they lie in a row group", async () => {
    const reads = async (sortBytes: number): Promise<readonly (readonly number[])[]> => {
      const part = await traced(spec(1, REVERSED));
      await using cursor = await opened([part], { smallPartBytes: 0, sortBytes });
      const read: (readonly number[])[] = [];
      for (const at of [0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 0]) {
        expect(await valuesIn(cursor, at, at + 50)).toEqual(range(at, at + 50));
        read.push(part.values());
      }
      return read;
    };
    const none: readonly number[] = [];
    expect(await reads(200 * ROW)).toEqual([
      ...[[...SAMPLE, 8, 9, 10, 11], none, none, none],
      ...[[4, 5, 6, 7], none, none, none],
      ...[[0, 1, 2, 3], none, none, none],
      [8, 9, 10, 11],
    ]);
    // One row less: the fourth range ends behind what is held, and more is taken from its own first row on.
    expect(await reads(200 * ROW - 1)).toEqual([
      ...[[...SAMPLE, 8, 9, 10, 11], none, none],
      ...[[5, 6, 7, 8], none, none],
      ...[[2, 3, 4, 5], none, none],
      ...[[0, 1, 2], none, none],
      [8, 9, 10, 11],
    ]);
    // A range is held whatever the room.
    expect(await reads(1)).toEqual([
      [...SAMPLE, 11],
      ...GROUPS.toReversed()
        .slice(1)
        .map((group) => [group]),
      [11],
    ]);
  });

  test("has the room that other columns leave, or a sixteenth of it all", async () => {
    const reads = async (sortBytes: number, ...ranges: readonly (readonly [number, number])[]) => {
      const one = spec(1, REVERSED);
      const part = await traced({ ...one, columns: { ...one.columns, mock__m: ["float64", REVERSED] } });
      await using cursor = await opened([part], { smallPartBytes: 0, sortBytes }, ["mock__n", "mock__m"]);
      const read: (readonly number[])[] = [];
      for (const [from, to] of ranges) {
        for (const column of await cursor.read(from, to))
          expect(range(from, to).map((_, row) => valueAt(column, row))).toEqual(range(from, to));
        read.push(sorted(part.values()));
      }
      return read;
    };
    const looked = [...SAMPLE, ...SAMPLE];
    // All rows of the first column, and 400 of the other.
    expect(await reads(1000 * ROW, [0, 10], [10, 400], [400, 401])).toEqual([
      sorted([...looked, ...GROUPS, ...GROUPS.slice(4)]),
      [],
      [0, 1, 2, 3],
    ]);
    // All the room for 480 rows of the first, and a sixteenth, which is 30 rows, for the other.
    expect(await reads(480 * ROW, [0, 10], [10, 30], [30, 31], [59, 60], [60, 61])).toEqual([
      sorted([...looked, ...GROUPS.slice(2), 11]),
      [],
      [10, 11],
      [],
      [10],
    ]);
  });

  test("of more rows than one piece holds has them in base order", async () => {
    // A piece has 32,768 rows.
    const count = testRuns(40_000);
    const ids = Array.from({ length: count }, (_, row) => row.toString(16).padStart(40, "0"));
    const columns = {
      id: ["string", ids.toReversed()],
      mock__n: ["float64", ids.map((_, row) => count - 1 - row)],
    } as const;
    const part = await traced({ ...spec(1, []), groupRows: 15_000, columns });
    const cursor = mergeOverlay(overlayOfTraced([part], TYPES), await buildKeyIndex("id", idBase(ids, count)), {
      columns: ["mock__n"],
    });
    for (const [from, to] of [
      [0, count],
      [Math.min(32_760, count - 16), Math.min(32_776, count)],
      [count - 1, count],
      [Math.min(32_768, count - 1), count],
    ] as const)
      expect(await valuesIn(cursor, from, to)).toEqual(Array.from({ length: to - from }, (_, i) => from + i));
  });
});
