import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildKeyIndex, mergeOverlay } from "../src/index.ts";
import { idBase, type PartSpec } from "./support.ts";
import {
  ALL,
  COUNT,
  GROUPS,
  IDS,
  opened,
  overlayOfTraced,
  range,
  sorted,
  spec,
  type Traced,
  TYPES,
  traced,
  valuesIn,
} from "./traced.ts";

// What a merge reads of its parts, row group by row group, and what it lets go of.

describe("a part in base order", () => {
  test("is read along with the base, each row group once, in ranges of any length and with gaps shorter than a row group", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 90 }), fc.nat(49)), { minLength: 30, maxLength: 30 }),
        async (steps) => {
          const part = await traced(spec(1, ALL));
          await using cursor = await opened([part]);
          let at = 0;
          for (const [length, gap] of steps) {
            const end = Math.min(COUNT, at + length);
            expect(await valuesIn(cursor, at, end)).toEqual(range(at, end));
            if (end === COUNT) break;
            at = Math.min(COUNT - 1, end + gap);
          }
          const read = part.values();
          expect(new Set(read).size).toBe(read.length);
        },
      ),
      { numRuns: testRuns(40) },
    );
    const part = await traced(spec(1, ALL));
    await using cursor = await opened([part]);
    for (let at = 0; at < COUNT; at += 7) await cursor.read(at, Math.min(COUNT, at + 7));
    expect(part.values()).toEqual(GROUPS);
  });

  test("is not decoded where no range falls", async () => {
    const part = await traced(spec(1, ALL));
    await using cursor = await opened([part]);
    const read = async (from: number, to: number): Promise<readonly number[]> => {
      expect(await valuesIn(cursor, from, to)).toEqual(range(from, to));
      return part.values();
    };
    expect(await read(10, 20)).toEqual([0]);
    // Exactly one row group lies between.
    expect(await read(100, 110)).toEqual([2]);
    expect(await read(390, 400)).toEqual([7]);
    // A row group that was begun behind its first row is begun again for a row before.
    expect(await read(370, 380)).toEqual([7]);
    expect(await read(370, 400)).toEqual([]);
    expect(await read(599, 600)).toEqual([11]);
  });

  test("keeps what the last range touched, and no more", async () => {
    const part = await traced(spec(1, ALL));
    await using cursor = await opened([part]);
    const read = async (from: number, to: number): Promise<readonly number[]> => {
      expect(await valuesIn(cursor, from, to)).toEqual(range(from, to));
      return part.values();
    };
    expect(await read(0, 50)).toEqual([0]);
    expect(await read(0, 50)).toEqual([]);
    // The row group behind is fetched ahead from the second on.
    expect(await read(40, 60)).toEqual([1, 2]);
    expect(await read(0, 60)).toEqual([]);
    expect(await read(50, 70)).toEqual([]);
    // Nothing of the first one is wanted since the last range.
    expect(await read(0, 10)).toEqual([0]);
    expect(await read(50, 60)).toEqual([1, 2]);
    expect(await read(10, 20)).toEqual([0]);
  });

  test("answers a range of one row group by a view of it", async () => {
    const part = await traced(spec(1, ALL));
    await using cursor = await opened([part]);
    const bufferOf = async (from: number, to: number): Promise<ArrayBufferLike | undefined> => {
      const [column] = await cursor.read(from, to);
      return column?.layout === "fixed" ? column.values.buffer : undefined;
    };
    const whole = await bufferOf(100, 150);
    expect(whole).toBeInstanceOf(ArrayBuffer);
    expect(await bufferOf(100, 150)).toBe(whole);
    expect(await bufferOf(110, 111)).toBe(whole);
    expect(await bufferOf(120, 150)).toBe(whole);
    expect(await bufferOf(120, 151)).not.toBe(whole);
  });

  test("is left alone for rows that newer parts have answered, at the beginning of a range and at its end", async () => {
    for (const older of [ALL, ALL.filter((row) => row !== 300)]) {
      for (const [newer, first, last] of [
        [range(0, 120), 2, 3],
        [range(70, 260), 0, 1],
        [[...range(0, 60), ...range(80, 260)], 1, 1],
        [[...range(50, 100), ...range(150, 200)], 0, 2],
      ] as const) {
        const parts = await Promise.all([traced(spec(1, older)), traced(spec(2, newer, (row) => -row))]);
        await using cursor = await opened(parts);
        expect(await valuesIn(cursor, 0, 200)).toEqual(range(0, 200).map((row) => (newer.includes(row) ? -row : row)));
        // One may be fetched ahead.
        const read = sorted(parts[0]!.values());
        expect(read.filter((group) => group !== last + 1)).toEqual(GROUPS.slice(first, last + 1));
      }
    }
  });

  test("is left alone for later ranges, too", async () => {
    for (const older of [ALL, ALL.filter((row) => row !== 300)]) {
      const parts = await Promise.all([
        traced(spec(1, older)),
        traced(spec(2, [...range(0, 420), ...range(470, 600)])),
      ]);
      await using cursor = await opened(parts);
      expect(await valuesIn(cursor, 350, 550)).toEqual(range(350, 550));
      expect(parts[0]!.values()[0]).toBe(8);
      expect(await valuesIn(cursor, 0, 350)).toEqual(range(0, 350));
      expect(parts[0]!.values()).toEqual([]);
    }
  });
});

describe("values that are NULL let older ones show", () => {
  test("in ranges of parts that hold every base row", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 2, max: 9 }), fc.boolean()), { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(COUNT - 1), fc.integer({ min: 1, max: 120 })), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(0, undefined),
        async (drawn, ranges, smallPartBytes) => {
          const value = (part: number, row: number) =>
            row % drawn[part]![0] === 0 || row % 13 === part ? null : part * 1000 + row;
          const parts = await Promise.all(
            drawn.map(([, reversed], i) => traced(spec(i, reversed ? ALL.toReversed() : ALL, (row) => value(i, row)))),
          );
          await using cursor = await opened(parts, smallPartBytes === undefined ? {} : { smallPartBytes });
          for (const [from, length] of ranges) {
            const to = Math.min(COUNT, from + length);
            const expected = range(from, to).map((row) => {
              const part = drawn.findLastIndex((_, i) => value(i, row) !== null);
              return part < 0 ? null : value(part, row);
            });
            expect(await valuesIn(cursor, from, to)).toEqual(expected);
          }
        },
      ),
      { numRuns: testRuns(60) },
    );
  });
});

describe("a small part", () => {
  const bytesOf = ({ part }: Traced): number => part.file.rowGroups.reduce((sum, { byteSize }) => sum + byteSize, 0);

  test("is read whole, once, whatever is asked of it; a larger one is not", async () => {
    const size = bytesOf(await traced(spec(1, ALL)));
    for (const [smallPartBytes, whole] of [
      [size, true],
      [size - 1, false],
      [undefined, true],
      [size + 1, true],
      [0, false],
    ] as const) {
      const part = await traced(spec(1, ALL));
      await using cursor = await opened([part], smallPartBytes === undefined ? {} : { smallPartBytes });
      expect(await valuesIn(cursor, 0, 10)).toEqual(range(0, 10));
      expect(part.values()).toEqual(whole ? GROUPS : [0]);
      expect(await valuesIn(cursor, 590, 600)).toEqual(range(590, 600));
      expect(await valuesIn(cursor, 3, 310)).toEqual(range(3, 310));
      expect(part.values().length > 0).toBe(!whole);
    }
  });

  test("has at most 128 KiB unless the caller says otherwise", async () => {
    const ids = Array.from({ length: 10_000 }, (_, row) => `id ${row}`);
    const sizes: number[] = [];
    for (const rows of [3_000, 10_000]) {
      const columns = {
        id: ["string", ids.slice(0, rows)],
        mock__n: ["float64", ids.slice(0, rows).map((_, row) => row)],
      } as const;
      const part = await traced({ ...spec(1, []), groupRows: 1_000, columns, write: { codec: "uncompressed" } });
      sizes.push(bytesOf(part));
      const index = await buildKeyIndex("id", idBase(ids.slice(0, rows)));
      await using cursor = mergeOverlay(overlayOfTraced([part], TYPES), index, { columns: ["mock__n"] });
      await cursor.open();
      part.keys();
      expect(await valuesIn(cursor, 7, 9)).toEqual([7, 8]);
      expect(part.values().length).toBe(rows === 3_000 ? 3 : 1);
    }
    expect(sizes[0]).toBeLessThan(128 * 1024);
    expect(sizes[1]).toBeGreaterThan(128 * 1024);
  });
});

describe("what is not wanted is not read", () => {
  const both = (minute: number): PartSpec => {
    const one = spec(minute, ALL);
    return { ...one, columns: { ...one.columns, mock__m: ["float64", ALL] } };
  };
  test("of parts that hold none of the columns, not even the keys", async () => {
    const other: PartSpec = {
      ...spec(2, ALL),
      columns: { id: ["string", [...IDS.slice(1), IDS[1]!]], mock__m: ["float64", ALL] },
    };
    const parts = await Promise.all([traced(both(1)), traced(other)]);
    await using cursor = mergeOverlay(overlayOfTraced(parts, TYPES), await buildKeyIndex("id", idBase(IDS)), {
      columns: ["mock__n"],
    });
    expect(await valuesIn(cursor, 0, COUNT)).toEqual(ALL);
    expect(parts[1]!.keys()).toEqual([]);
    // The key that it holds twice is met where its column is wanted.
    await using refused = mergeOverlay(overlayOfTraced(parts, TYPES), await buildKeyIndex("id", idBase(IDS)), {
      columns: ["mock__m"],
    });
    await expect(refused.read(0, 1)).rejects.toMatchObject({ code: "DUPLICATE_KEY" });
  });

  test("of columns that hold nothing but NULL", async () => {
    const empty = spec(2, ALL, () => null);
    for (const smallPartBytes of [0, undefined]) {
      const parts = await Promise.all([traced(spec(1, ALL)), traced(empty)]);
      await using cursor = await opened(parts, smallPartBytes === undefined ? {} : { smallPartBytes });
      expect(await valuesIn(cursor, 0, COUNT)).toEqual(ALL);
      expect(parts[1]!.values()).toEqual([]);
    }
  });
});

test("nothing is read of a part once the cursor is let go of", async () => {
  let reading = 0;
  const slow = async (read: Promise<Uint8Array>): Promise<Uint8Array> => {
    reading++;
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    reading--;
    return read;
  };
  const cursor = await opened([await traced(spec(1, ALL), slow)]);
  // The second row group that is decoded has the third fetched ahead.
  await cursor.read(0, 60);
  expect(reading).toBe(1);
  await cursor[Symbol.asyncDispose]();
  expect(reading).toBe(0);

  // Nor is anything left to be read of the place that a jump leaves behind.
  await using jumping = await opened([await traced(spec(1, ALL), slow)]);
  await jumping.read(0, 60);
  expect(reading).toBe(1);
  await jumping.read(500, 510);
  expect(reading).toBe(0);
});

test("a cursor that was given up says why, and another one reads on", async () => {
  const reason = new Error("enough");
  const part = await traced(spec(1, ALL));
  const controller = new AbortController();
  const index = await buildKeyIndex("id", idBase(IDS));
  await using cursor = mergeOverlay(overlayOfTraced([part], TYPES), index, {
    columns: ["mock__n"],
    signal: controller.signal,
  });
  expect(await valuesIn(cursor, 0, 10)).toEqual(range(0, 10));
  controller.abort(reason);
  await expect(cursor.read(0, 10)).rejects.toBe(reason);
  await expect(cursor.open()).rejects.toBe(reason);
  await using given = mergeOverlay(overlayOfTraced([part], TYPES), index, {
    columns: ["mock__n"],
    signal: controller.signal,
  });
  await expect(given.read(0, 10)).rejects.toBe(reason);
});
