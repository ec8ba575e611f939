import type { ByteSource } from "@usr/parquet";
import { valueAt } from "@usr/schema/columns";
import { expect, test } from "vitest";
import { assembleOverlay, buildKeyIndex, countKeys, type KeyBatch, mergeOverlay, openPart } from "../src/index.ts";
import { baseBatch, bytesSource, entryOf, idBase, type PartSpec, partBytes, registered } from "./support.ts";

const IDS = Array.from({ length: 100 }, (_, row) => `id-${row}`);
const TYPES = { mock__score: "float64" };

const part = (minute: number, rows: number): PartSpec => ({
  path: `_derived/mock/part-${minute}.parquet`,
  key: "id",
  createdAt: `2026-01-01T00:0${minute}:00.000000Z`,
  columns: {
    id: ["string", IDS.slice(0, rows)],
    mock__score: ["float64", IDS.slice(0, rows).map((_, row) => minute * 1000 + row)],
  },
});

/** Three parts of all rows, a newer one of the first fifty; and how often the bodies of the parts are read, by path. */
const counted = async (
  base: Iterable<KeyBatch>,
): Promise<{ score: (row: number) => Promise<unknown>; reads: Map<string, number> }> => {
  const reads = new Map<string, number>();
  const specs = [part(1, 100), part(2, 100), part(3, 100), part(4, 50)];
  const parts = [];
  for (const spec of specs) {
    const source = bytesSource(await partBytes(spec), spec.path);
    const counting: ByteSource = {
      meta: source.meta,
      read: (at, length, o) => {
        reads.set(spec.path, (reads.get(spec.path) ?? 0) + 1);
        return source.read(at, length, o);
      },
    };
    parts.push(await openPart(counting));
  }
  reads.clear();
  const overlay = assembleOverlay(entryOf(specs), parts, registered("mock", TYPES));
  const batches = (async function* () {
    yield* base;
  })();
  const cursor = mergeOverlay(overlay, await buildKeyIndex("id", batches, { rows: IDS.length }), {
    columns: ["mock__score"],
  });
  return { reads, score: async (row) => valueAt((await cursor.read(row, row + 1))[0]!, 0) };
};

const some = (...rows: readonly number[]): readonly KeyBatch[] =>
  rows.map((row) => baseBatch({ id: [IDS[row]!] }, row));

test("for a few rows only the parts are read that have a say", async () => {
  const { score, reads } = await counted(some(7, 70));
  expect(await score(7)).toBe(4007);
  expect([...reads.keys()]).toEqual(["_derived/mock/part-4.parquet"]);
  expect(await score(70)).toBe(3070);
  expect([...reads.keys()]).toEqual(["_derived/mock/part-4.parquet", "_derived/mock/part-3.parquet"]);
});

test("over the whole base the keys of every part are read, so that a repeated one is always found", async () => {
  const { score, reads } = await counted(idBase(IDS));
  expect(await score(7)).toBe(4007);
  expect([...reads.keys()].sort()).toEqual([1, 2, 3, 4].map((minute) => `_derived/mock/part-${minute}.parquet`));
});

test("the keys of a single part are counted by its footer, unless one may be NULL or blank", async () => {
  const countOf = async (keys: readonly (string | null)[], groupRows = 9) => {
    const spec: PartSpec = {
      ...part(1, 0),
      groupRows,
      columns: { id: ["string", keys], mock__score: ["float64", keys.map(() => 1)] },
    };
    const source = bytesSource(await partBytes(spec), spec.path);
    let reads = 0;
    const opened = await openPart({
      meta: source.meta,
      read: (at, length) => {
        reads++;
        return source.read(at, length);
      },
    });
    reads = 0;
    const { rows, distinct, blank } = await countKeys(
      assembleOverlay(entryOf([spec]), [opened], registered("mock", TYPES)),
    );
    return { rows, distinct, blank, read: reads > 0 };
  };
  expect(await countOf(["a", "b"])).toEqual({ rows: 2, distinct: 2, blank: 0, read: false });
  expect(await countOf(["a", null])).toEqual({ rows: 2, distinct: 1, blank: 1, read: true });
  for (const blank of ["", " ", "\u00a0", "\u3000"])
    expect(await countOf(["a", blank])).toEqual({ rows: 2, distinct: 1, blank: 1, read: true });
  // The visible characters of ASCII, the first and the last of them.
  expect(await countOf(["!", "~"])).toEqual({ rows: 2, distinct: 2, blank: 0, read: false });
  expect(await countOf(["~", "\u007f"])).toEqual({ rows: 2, distinct: 2, blank: 0, read: true });
  expect(await countOf(["!", " !"])).toEqual({ rows: 2, distinct: 1, blank: 0, read: true });
  // Of every row group.
  expect(await countOf(["a", "b", "c", "d"], 2)).toEqual({ rows: 4, distinct: 4, blank: 0, read: false });
  expect(await countOf(["a", "b", null, "d"], 2)).toEqual({ rows: 4, distinct: 3, blank: 1, read: true });
  expect(await countOf([" ", "b", "c", "d"], 2)).toEqual({ rows: 4, distinct: 3, blank: 1, read: true });
  expect(await countOf([null, null])).toEqual({ rows: 2, distinct: 0, blank: 2, read: true });
  expect(await countOf([])).toEqual({ rows: 0, distinct: 0, blank: 0, read: false });
  expect(await countOf(["a", "\u00e9"])).toEqual({ rows: 2, distinct: 2, blank: 0, read: true });
});
