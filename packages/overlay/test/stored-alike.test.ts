import type { ByteSource } from "@usr/parquet";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { assembleOverlay, buildKeyIndex, countKeys, mergeOverlay, openPart } from "../src/index.ts";
import {
  bytesSource,
  entryOf,
  idBase,
  mergedRows,
  overlayOf,
  type PartSpec,
  partBytes,
  registered,
} from "./support.ts";

/** Enough rows for keys to be compared before they are decoded. */
const COUNT = 5000;
const hex = (row: number): string => row.toString(16).padStart(40, "0");
const IDS = Array.from({ length: COUNT }, (_, row) => hex(row));
const TYPES = { mock__score: "float64" };

/** Part `minute`, with a value for each row that says which part and row it is of; every `gap`-th is NULL. */
const part = (minute: number, ids: readonly (string | null)[], gap = 0): PartSpec => ({
  path: `_derived/mock/part-${minute}.parquet`,
  key: "id",
  createdAt: `2026-01-01T00:0${minute}:00.000000Z`,
  groupRows: 2000,
  columns: {
    id: ["string", ids],
    mock__score: ["float64", ids.map((_, row) => (gap > 0 && row % gap === 0 ? null : minute * 10_000 + row))],
  },
});

const swapped = (a: number, b: number): readonly string[] => {
  const ids = [...IDS];
  [ids[a], ids[b]] = [ids[b]!, ids[a]!];
  return ids;
};

test("parts with the same keys share the rows, and one whose keys differ in two places does not", async () => {
  const overlay = await overlayOf(
    [part(1, IDS), part(2, IDS, 7), part(3, swapped(4001, 4003), 3), part(4, IDS, 2)],
    TYPES,
  );
  const expected = IDS.map((_, row) => {
    if (row % 2 !== 0) return [40_000 + row];
    const third = row === 4001 ? 4003 : row === 4003 ? 4001 : row;
    if (third % 3 !== 0) return [30_000 + third];
    return [row % 7 === 0 ? 10_000 + row : 20_000 + row];
  });
  expect(await mergedRows(overlay, idBase(IDS), ["mock__score"], 999)).toEqual(expected);
});

test("a repeated key is refused in a part whose keys look like those of another", async () => {
  const twice = [...IDS];
  twice[4500] = twice[10]!;
  const overlay = await overlayOf([part(1, twice), part(2, IDS), part(3, IDS)], TYPES);
  await expect(mergedRows(overlay, idBase(IDS), ["mock__score"])).rejects.toMatchObject({
    code: "DUPLICATE_KEY",
    details: { file: "_derived/mock/part-1.parquet", rows: [11, 4501] },
  });
});

test("keys in the same bytes are not decoded again", async () => {
  const sizes: number[] = [];
  const specs = [part(1, IDS), part(2, IDS), part(3, IDS)];
  const parts = [];
  for (const spec of specs) {
    const source = bytesSource(await partBytes(spec), spec.path);
    const spoilt: ByteSource = {
      meta: source.meta,
      read: async (at, length) => {
        const bytes = await source.read(at, length);
        if (spec !== specs[2]) sizes.push(length);
        return bytes;
      },
    };
    parts.push(await openPart(spoilt));
  }
  sizes.length = 0;
  const overlay = assembleOverlay(entryOf(specs), parts, registered("mock", TYPES));
  await using cursor = mergeOverlay(overlay, await buildKeyIndex("id", idBase(IDS)), { columns: ["mock__score"] });
  await cursor.read(0, 10);
  // The newest part answers; each of the older ones is read once, chunk by chunk, to be compared.
  expect(sizes.length).toBe(2 * 3);
});

test("keys are counted whatever parts share, as one key at a time would be counted", async () => {
  const draws = fc.record({
    shapes: fc.array(fc.constantFrom("same", "swapped", "blank", "others", "words"), { minLength: 1, maxLength: 6 }),
    gap: fc.integer({ min: 2, max: 900 }),
  });
  await fc.assert(
    fc.asyncProperty(draws, async ({ shapes, gap }) => {
      const keysOf: Record<string, readonly (string | null)[]> = {
        same: IDS,
        swapped: swapped(gap, gap + 4001),
        blank: IDS.map((id, row) => (row % gap === 0 ? null : row % gap === 1 ? "\u00a0 " : id)),
        others: IDS.map((id, row) => (row % gap === 0 ? hex(COUNT + row) : id)),
        words: IDS.map((id, row) => (row % gap === 0 ? ` word ${row} ` : id)),
      };
      const keys = shapes.map((shape) => keysOf[shape]!);
      const overlay = await overlayOf(
        keys.map((ids, minute) => part(minute + 1, ids)),
        TYPES,
      );
      const all = keys.toReversed().flatMap((ids) => ids.map((id) => id?.trim() ?? ""));
      const known = new Set(all.filter((key) => key !== ""));
      const base = new Set(IDS.slice(0, COUNT - gap));
      const strangers = [...known].filter((key) => !base.has(key));
      const counted = {
        rows: all.length,
        distinct: known.size,
        blank: all.filter((key) => key === "").length,
      };
      expect(await countKeys(overlay)).toEqual({ ...counted, orphans: undefined, orphanSamples: [] });
      const index = await buildKeyIndex("id", idBase([...base]));
      expect(await countKeys(overlay, { index })).toEqual({
        ...counted,
        orphans: strangers.length,
        orphanSamples: strangers.slice(0, 5),
      });
    }),
    {
      numRuns: testRuns(12),
      examples: [
        [{ shapes: ["blank", "blank", "same", "same", "blank"], gap: 7 }],
        [{ shapes: ["words", "others", "words", "others", "swapped"], gap: 300 }],
      ],
    },
  );
});

test("blank keys are counted in each of the parts that hold them in the same bytes", async () => {
  const missing = IDS.map(() => null);
  for (const type of ["string", "null"]) {
    const specs = [1, 2, 3].map((minute): PartSpec => {
      const one = part(minute, missing);
      return { ...one, columns: { ...one.columns, id: [type, missing] } };
    });
    const index = await buildKeyIndex("id", idBase(IDS));
    expect(await countKeys(await overlayOf(specs, TYPES), { index })).toEqual({
      rows: 3 * COUNT,
      distinct: 0,
      blank: 3 * COUNT,
      orphans: 0,
      orphanSamples: [],
    });
  }
});

test("of parts whose keys are the same bytes none is decoded to be counted", async () => {
  const specs = [part(1, IDS), part(2, IDS), part(3, IDS)];
  const parts = [];
  for (const spec of specs) {
    const source = bytesSource(await partBytes(spec), spec.path);
    let opened = false;
    // Every chunk is spoilt alike: what decodes it finds out.
    const spoilt: ByteSource = {
      meta: source.meta,
      read: async (at, length) => {
        const bytes = await source.read(at, length);
        return opened ? bytes.map((byte) => byte ^ 0x55) : bytes;
      },
    };
    parts.push(await openPart(spoilt));
    opened = true;
  }
  const overlay = assembleOverlay(entryOf(specs), parts, registered("mock", TYPES));
  expect(await countKeys(overlay)).toMatchObject({ rows: 3 * COUNT, distinct: COUNT, blank: 0 });
});
