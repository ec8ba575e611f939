import type { ByteSource, WriteOptions } from "@usr/parquet";
import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleOverlay, buildKeyIndex, type KeyBatch, mergeOverlay, type Overlay, openPart } from "../src/index.ts";
import { baseBatch, bytesSource, entryOf, type PartSpec, partBytes, registered } from "./support.ts";

const TYPES = { mock__n: "float64" };
const IDS = Array.from({ length: 60 }, (_, row) => (row % 5 === 0 ? `id ${row}` : row.toString(16).padStart(40, "b")));

const FILTERED = { bloomFilters: ["id"] };
/** Written by this program, and by another one whose filter knows the bytes that it stored, white space and all. */
const WRITERS: readonly WriteOptions[] = [{}, FILTERED, { ...FILTERED, createdBy: "somebody" }];

interface Drawn {
  readonly rows: readonly number[];
  readonly groupRows: number;
  readonly writer: number;
  readonly padded: boolean;
}

const specOf = ({ rows, groupRows, writer, padded }: Drawn, i: number, filters: boolean): PartSpec => ({
  path: `_derived/mock/part-${i}.parquet`,
  key: "id",
  createdAt: `2026-01-01T00:00:0${i}.000000Z`,
  groupRows,
  write: filters ? WRITERS[writer]! : { createdBy: WRITERS[writer]?.createdBy },
  columns: {
    id: [
      "string",
      rows.map((row) => {
        const key = IDS[row] ?? (row % 2 === 0 ? `orphan ${row}` : null);
        return padded && writer !== 1 && key !== null ? `\t${key} ` : key;
      }),
    ],
    mock__n: ["float64", rows.map((row) => (row % 4 === i ? null : row * 10 + i))],
  },
});

const openAll = async (specs: readonly PartSpec[], read: (bytes: number) => void = () => {}): Promise<Overlay> => {
  const parts = [];
  for (const spec of specs) {
    const source = bytesSource(await partBytes(spec), spec.path);
    const counting: ByteSource = {
      meta: source.meta,
      read: (at, length, o) => {
        read(length);
        return source.read(at, length, o);
      },
    };
    parts.push(await openPart(counting));
  }
  return assembleOverlay(entryOf(specs), parts, registered("mock", TYPES));
};

const some = (rows: readonly number[]): readonly KeyBatch[] => rows.map((row) => baseBatch({ id: [IDS[row]!] }, row));

/** The values of some base rows, under an index of those rows alone. */
const valuesOf = async (overlay: Overlay, rows: readonly number[]): Promise<readonly unknown[]> => {
  const index = await buildKeyIndex("id", some(rows), { rows: IDS.length });
  await using cursor = mergeOverlay(overlay, index, { columns: ["mock__n"] });
  const values: unknown[] = [];
  for (const row of rows) values.push(valueAt((await cursor.read(row, row + 1))[0]!, 0));
  return values;
};

const outcome = async (overlay: Overlay, rows: readonly number[]): Promise<unknown> => {
  try {
    return await valuesOf(overlay, rows);
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
};

const partArb = fc.record({
  rows: fc.uniqueArray(fc.nat(79), { minLength: 1, maxLength: 60, size: "max" }),
  groupRows: fc.integer({ min: 1, max: 8 }),
  writer: fc.nat(2),
  padded: fc.boolean(),
});

describe("a few rows of an overlay", () => {
  it("have the same values with filters and without, whoever wrote the parts", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(partArb, { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(fc.nat(IDS.length - 1), { minLength: 1, maxLength: 8, size: "max" }),
        async (drawn, asked) => {
          const rows = asked.sort((a, b) => a - b);
          const naive = rows.map((row) => {
            const holder = drawn.findLastIndex((part, i) => part.rows.includes(row) && row % 4 !== i);
            return holder < 0 ? null : row * 10 + holder;
          });
          for (const filters of [true, false])
            expect(await valuesOf(await openAll(drawn.map((part, i) => specOf(part, i, filters))), rows)).toEqual(
              naive,
            );
        },
      ),
      { numRuns: testRuns(150) },
    );
  });

  it("are refused like before where a part has the key of one of them twice, in one row group or in two", async () => {
    for (const groupRows of [2, 9]) {
      const twice = { rows: [1, 2, 3, 4, 2, 5], groupRows, writer: 1, padded: false };
      const [filtered, plain] = await Promise.all([true, false].map((f) => openAll([specOf(twice, 0, f)])));
      expect(await outcome(filtered!, [2, 9])).toMatch(/twice, in rows 2 and 5/);
      expect(await outcome(plain!, [2, 9])).toEqual(await outcome(filtered!, [2, 9]));
      expect(await valuesOf(filtered!, [3, 9])).toEqual([30, null]);
    }
  });

  it("are found in parts in any order, the first row of the base among them", async () => {
    const rows = [0, 3, 9, 40, 59];
    for (const held of [IDS.map((_, row) => row), IDS.map((_, row) => 59 - row), [40, 1, 3, 2, 59, 8, 0, 4, 9, 5]])
      for (const smallPartBytes of [0, undefined]) {
        const drawn = { rows: held, groupRows: 2, writer: 1, padded: false };
        const overlay = await openAll([specOf(drawn, 1, true)]);
        const index = await buildKeyIndex("id", some(rows), { rows: IDS.length });
        await using cursor = mergeOverlay(overlay, index, { columns: ["mock__n"], smallPartBytes });
        // Row 9 has no value in part 1, as one in four.
        const expected = IDS.map((_, row) => (rows.includes(row) && row !== 9 ? row * 10 + 1 : null));
        const [column] = await cursor.read(0, IDS.length);
        expect(IDS.map((_, row) => valueAt(column!, row))).toEqual(expected);
      }
  });

  it("share the value where the base holds an id twice", async () => {
    const overlay = await openAll([specOf({ rows: [5, 8, 3, 7, 2], groupRows: 2, writer: 1, padded: false }, 0, true)]);
    const index = await buildKeyIndex(
      "id",
      [baseBatch({ id: [IDS[3]!] }, 1), baseBatch({ id: [IDS[3]!, IDS[2]!] }, 4)],
      {
        rows: 9,
      },
    );
    await using cursor = mergeOverlay(overlay, index, { columns: ["mock__n"] });
    const [column] = await cursor.read(0, 9);
    expect(Array.from({ length: 9 }, (_, row) => valueAt(column!, row))).toEqual([
      null,
      30,
      null,
      null,
      30,
      20,
      ...[null, null, null],
    ]);
  });

  it("cost the row groups that hold them", async () => {
    const digits = (i: number): string => (Math.imul(i, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
    const ids = Array.from({ length: 4_000 }, (_, i) => [1, 2, 3, 4, 5].map((n) => digits(i * n + n)).join(""));
    const cost = async (write: WriteOptions): Promise<number> => {
      let bytes = 0;
      const columns = { id: ["string", ids], mock__n: ["float64", ids.map((_, i) => i)] } as const;
      const spec = { ...specOf({ rows: [], groupRows: 200, writer: 0, padded: false }, 0, false), columns, write };
      const overlay = await openAll([spec], (length) => {
        bytes += length;
      });
      const index = await buildKeyIndex("id", [baseBatch({ id: [ids[7]!] }, 3)], { rows: 9 });
      await using cursor = mergeOverlay(overlay, index, { columns: ["mock__n"] });
      bytes = 0;
      expect(valueAt((await cursor.read(3, 4))[0]!, 0)).toBe(7);
      return bytes;
    };
    expect(await cost(FILTERED)).toBeLessThan((await cost({})) / 4);
  });
});
