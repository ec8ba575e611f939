import { openParquet } from "@usr/parquet";
import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { expect, test } from "vitest";
import { buildKeyIndex, mergeOverlay } from "../src/index.ts";
import { bytesSource, idBase, mergedRows, overlayOf, type PartSpec, partBytes, sequenceBase } from "./support.ts";

/** Enough rows for keys to be compared before they are decoded. */
const COUNT = 4200;
const IDS = Array.from({ length: COUNT }, (_, row) => row.toString(16).padStart(40, "0"));
const TYPES = { mock__score: "float64" };

const spec = (minute: number, ids: readonly (string | null)[], o: Partial<PartSpec> = {}): PartSpec => ({
  path: `_derived/mock/part-${minute}.parquet`,
  key: "id",
  createdAt: `2026-01-01T00:0${minute}:00.000000Z`,
  groupRows: 2000,
  columns: {
    id: ["string", ids],
    mock__score: ["float64", ids.map((_, row) => (row % (minute + 1) === 0 ? null : minute * 10_000 + row))],
  },
  metadata: { "usr:event_id": `event-${minute}` },
  ...o,
});

/** The merged rows under a late index over a base of these ids, and how often the index was asked for. */
async function merged(
  specs: readonly PartSpec[],
  ids: readonly (string | null)[] = IDS,
): Promise<{ readonly rows: readonly (readonly Value[])[]; readonly built: number }> {
  const base = await openParquet(bytesSource(await partBytes(spec(0, ids)), "records.parquet"));
  let built = 0;
  const build = async (): ReturnType<typeof buildKeyIndex> => {
    built++;
    return buildKeyIndex("id", idBase(ids));
  };
  await using cursor = mergeOverlay(
    await overlayOf(specs, TYPES),
    { key: "id", base, build },
    { columns: ["mock__score"] },
  );
  const rows: Value[][] = [];
  for (let start = 0; start < ids.length; start += 999) {
    const end = Math.min(ids.length, start + 999);
    const [column] = await cursor.read(start, end);
    for (let row = 0; row < end - start; row++) rows.push([valueAt(column!, row)]);
  }
  return { rows, built };
}

const indexed = async (specs: readonly PartSpec[]): Promise<readonly (readonly Value[])[]> =>
  mergedRows(await overlayOf(specs, TYPES), idBase(IDS), ["mock__score"], 999);

const swapped = [...IDS.slice(0, 4001), IDS[4002]!, IDS[4001]!, ...IDS.slice(4003)];

test("parts with the ids of the base in the same bytes are merged without an index", async () => {
  const specs = [spec(1, IDS), spec(2, IDS), spec(3, IDS)];
  expect(await merged(specs)).toEqual({ rows: await indexed(specs), built: 0 });
});

test.each<{ readonly name: string; readonly specs: readonly PartSpec[] }>([
  { name: "two keys in another order", specs: [spec(1, IDS), spec(2, swapped)] },
  { name: "other row groups", specs: [spec(1, IDS, { groupRows: 1000 }), spec(2, IDS, { groupRows: 900 })] },
  { name: "fewer rows", specs: [spec(1, IDS.slice(0, 4150)), spec(2, IDS)] },
  { name: "no commit of ours", specs: [spec(1, IDS, { metadata: {} }), spec(2, IDS)] },
  { name: "another program", specs: [spec(1, IDS, { write: { createdBy: "other" } }), spec(2, IDS)] },
])("for others the index is built, once: $name", async ({ specs }) => {
  expect(await merged(specs)).toEqual({ rows: await indexed(specs), built: 1 });
});

test.each([
  [4095, 1],
  [4096, 0],
])("keys of %i rows or more are worth comparing", async (count, built) => {
  const ids = IDS.slice(0, count);
  expect(await merged([spec(1, ids)], ids)).toMatchObject({ built });
});

test("a base is asked whether it is fit for keys that are sequences, however its bytes are", async () => {
  const sequences = IDS.map((_, row) => row.toString(4).replace(/\d/g, (digit) => "ACGT"[Number(digit)]!));
  const columns = {
    sequence: ["string", sequences],
    mock__score: ["float64", sequences.map((_, row) => row)],
  } as const;
  const part = spec(1, [], { key: "sequence", columns });
  const base = await openParquet(bytesSource(await partBytes(part), "records.parquet"));
  const build = () => buildKeyIndex("sequence", sequenceBase(sequences));
  let built = 0;
  const late = {
    key: "sequence" as const,
    base,
    build: () => {
      built++;
      return build();
    },
  };
  await using cursor = mergeOverlay(await overlayOf([part], TYPES), late, { columns: ["mock__score"] });
  const [column] = await cursor.read(0, COUNT);
  expect(IDS.map((_, row) => valueAt(column!, row))).toEqual([...IDS.keys()]);
  expect(built).toBe(1);
});

test("keys that are missing say nothing of rows whose ids are", async () => {
  const ids = IDS.map((id, row) => (row === 4100 ? null : id));
  const { rows, built } = await merged([spec(1, ids)], ids);
  expect(built).toBe(1);
  expect(rows[4101]).toEqual([14_101]);
  expect(rows.filter(([value]) => value !== null)).toHaveLength(COUNT / 2);
});

test("another program's part that repeats a key as the base does is refused", async () => {
  const ids = [...IDS.slice(0, -1), IDS[10]!];
  await expect(merged([spec(1, ids, { write: { createdBy: "other" } })], ids)).rejects.toMatchObject({
    code: "DUPLICATE_KEY",
    details: { rows: [11, COUNT] },
  });
});

test("an opened cursor asks the index of the whole base no more", async () => {
  const specs = [spec(1, swapped), spec(2, IDS.toReversed()), spec(3, IDS.slice(0, 100).toReversed())];
  const base = await openParquet(bytesSource(await partBytes(spec(0, IDS)), "records.parquet"));
  const index = await buildKeyIndex("id", idBase(IDS));
  let opened = false;
  const guarded: typeof index = {
    ...index,
    lookupEach: (column) => {
      expect(opened).toBe(false);
      return index.lookupEach(column);
    },
  };
  for (const given of [guarded, { key: "id" as const, base, build: async () => guarded }]) {
    opened = false;
    await using cursor = mergeOverlay(await overlayOf(specs, TYPES), given, { columns: ["mock__score"] });
    await cursor.open();
    opened = true;
    const [column] = await cursor.read(0, COUNT);
    expect(IDS.map((_, row) => [valueAt(column!, row)])).toEqual(await indexed(specs));
  }
});
