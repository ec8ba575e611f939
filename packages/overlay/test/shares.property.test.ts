import { openParquet } from "@usr/parquet";
import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  buildKeyIndex,
  type KeyIndex,
  type KeyShare,
  type LateIndex,
  mergeOverlay,
  OverlayError,
} from "../src/index.ts";
import { type Built, build, type Case, cases, TYPES } from "./drawn.ts";
import { bytesSource, idBase, overlayOf, type PartSpec, partBytes } from "./support.ts";

const CREATED = "2026-01-01T00:00:00.000000Z";
const utf8 = new TextEncoder();

/** A base of that many rows; what its rows are `build` knows. */
async function late(
  key: LateIndex["key"],
  ids: readonly (string | null)[],
  shares: number | undefined,
  build: LateIndex["build"],
): Promise<LateIndex> {
  const spec: PartSpec = { path: "", key: "id", createdAt: CREATED, columns: { id: ["string", ids] } };
  return { key, base: await openParquet(bytesSource(await partBytes(spec), "records.parquet")), shares, build };
}

/** The rows, or the refusal. */
async function merged(drawn: Case, { specs, base, batches }: Built, shares: number | undefined): Promise<unknown> {
  const overlay = await overlayOf(specs, TYPES);
  const columns = drawn.columns.filter((name) => overlay.fields.some((field) => field.name === name));
  const index = await late(drawn.key, base, shares, (share) => buildKeyIndex(drawn.key, batches, { share }));
  await using cursor = mergeOverlay(overlay, index, { columns, ...drawn.limits });
  try {
    const rows: Value[][] = [];
    for (let start = 0; start < base.length; start += drawn.step) {
      const end = Math.min(base.length, start + drawn.step);
      const read = await cursor.read(start, end);
      for (let row = 0; row < end - start; row++) rows.push(read.map((column) => valueAt(column, row)));
    }
    return rows;
  } catch (error) {
    if (!(error instanceof OverlayError)) throw error;
    return { code: error.code, message: error.message, details: error.details };
  }
}

test("keys in shares give the rows and the refusals that all keys at once give", async () => {
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(cases, fc.integer({ min: 2, max: 6 }), fc.boolean(), async (drawn, shares, doubled) => {
      const parts = drawn.parts.map((part) => ({ ...part, keepsDoubles: doubled && part.rows.length % 2 === 0 }));
      const built = build({ ...drawn, parts });
      const whole = await merged(drawn, built, undefined);
      if (!Array.isArray(whole)) refusals++;
      expect(await merged(drawn, built, shares)).toEqual(whole);
    }),
    { numRuns: testRuns(150) },
  );
  expect(refusals).toBeGreaterThan(0);
});

/** The row of the id that an index knows, or -1. */
const find = (index: KeyIndex, id: string): number => {
  const bytes = utf8.encode(id);
  return index.lookup(bytes, 0, bytes.length);
};

test("each key is in one share, shares are about equal, and equal keys fall into the same one however they are written", async () => {
  const ids = Array.from({ length: 9000 }, (_, row) =>
    row % 2 === 0 ? ((row * 0x9e3779b1) >>> 0).toString(16).padStart(40, "0") : `stranger-${row}`,
  );
  for (const of of [1, 2, 3, 7]) {
    const indexes: KeyIndex[] = [];
    for (let index = 0; index < of; index++)
      indexes.push(await buildKeyIndex("id", idBase(ids), { share: { index, of } }));
    const held = indexes.map((index) => ids.filter((id, row) => find(index, id) === row).length);
    expect(held.reduce((sum, count) => sum + count, 0)).toBe(ids.length);
    for (const count of held) expect(Math.abs(count / (ids.length / of) - 1)).toBeLessThan(0.1);
    for (const index of indexes) {
      expect(index.complete).toBe(true);
      for (const id of ids.slice(0, 50)) expect(find(index, `\u2003${id}\n`)).toBe(find(index, id));
    }
  }
});

test("a share is built once for all parts, and parts in base order want none", async () => {
  const ids = Array.from({ length: 5000 }, (_, row) => row.toString(16).padStart(40, "0"));
  const spec = (minute: number, keys: readonly string[]): PartSpec => ({
    path: `_derived/mock/part-${minute}.parquet`,
    key: "id",
    createdAt: `2026-01-01T00:0${minute}:00.000000Z`,
    columns: { id: ["string", keys], mock__i: ["int64", keys.map((_, row) => BigInt(minute * 10_000 + row))] },
    metadata: { "usr:event_id": `event-${minute}` },
  });
  const asked: (KeyShare | undefined)[] = [];
  const index = await late("id", ids, 3, (share) => {
    asked.push(share);
    return buildKeyIndex("id", idBase(ids), { share });
  });
  const read = async (specs: readonly PartSpec[]): Promise<readonly Value[]> => {
    await using cursor = mergeOverlay(await overlayOf(specs, TYPES), index, { columns: ["mock__i"] });
    const [column] = await cursor.read(0, ids.length);
    return ids.map((_, row) => valueAt(column!, row));
  };
  const inOrder = ids.map((_, row) => BigInt(10_000 + row));
  expect(await read([spec(1, ids)])).toEqual(inOrder);
  expect(asked).toEqual([]);
  const backwards = spec(2, ids.toReversed());
  expect(await read([spec(1, ids), backwards, spec(0, ids.toReversed().slice(0, 100))])).toEqual(
    ids.map((_, row) => BigInt(20_000 + ids.length - 1 - row)),
  );
  expect(asked).toEqual([0, 1, 2].map((share) => ({ index: share, of: 3 })));
});
