import type { Storage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupsKept } from "../src/write/base/append.ts";
import { ROW_GROUP_ROWS } from "../src/write/base/row-groups.ts";
import { initDataset } from "../src/write/index.ts";
import { importCsv, parquetAt, register, rowsOf, writableRoot } from "./write-support.ts";

interface Group {
  readonly numRows: number;
  readonly byteSize: number;
}

const rowsIn = (groups: readonly Group[]): number => groups.reduce((sum, { numRows }) => sum + numRows, 0);

/** The row groups after an append, and how many old rows it wrote anew. */
const appended = (groups: readonly Group[], rows: number): { readonly groups: Group[]; readonly anew: number } => {
  const keep = groupsKept(groups, rows);
  const kept = groups.slice(0, keep);
  const anew = rowsIn(groups.slice(keep));
  for (let left = anew + rows; left > 0; left -= ROW_GROUP_ROWS)
    kept.push({ numRows: Math.min(left, ROW_GROUP_ROWS), byteSize: 1 });
  return { groups: kept, anew };
};

describe("many appends", () => {
  it("leave full row groups and at most nine more, and write anew six rows for each row added", () => {
    const sizes = fc.oneof(
      fc.nat({ max: 40 }),
      fc.nat({ max: 2_000 }),
      fc.nat({ max: 70_000 }),
      fc.nat({ max: 300_000 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(sizes, fc.nat({ max: 200 })), { maxLength: 12 }), (runs) => {
        let groups: readonly Group[] = [];
        let [added, anew, appends] = [0, 0, 0];
        for (const [rows, times] of runs) {
          for (let i = 0; i < times && rows > 0; i++) {
            const next = appended(groups, rows);
            groups = next.groups;
            added += rows;
            anew += next.anew;
            appends++;
            const full = groups.filter(({ numRows }) => numRows === ROW_GROUP_ROWS).length;
            expect(groups.length - full).toBeLessThanOrEqual(9);
            // What is not full comes last.
            expect(groups.slice(0, full).every(({ numRows }) => numRows === ROW_GROUP_ROWS)).toBe(true);
          }
        }
        expect(rowsIn(groups)).toBe(added);
        expect(anew).toBeLessThanOrEqual(2_048 * appends + 6 * added);
      }),
      { numRuns: testRuns(300) },
    );
  });

  it("never write anew what is full, in rows or in bytes, nor more of other programs' groups than two full ones", () => {
    const group = fc.record({ numRows: fc.nat({ max: 200_000 }), byteSize: fc.nat({ max: 20_000_000 }) });
    fc.assert(
      fc.property(fc.array(group, { maxLength: 300 }), fc.integer({ min: 1, max: 500_000 }), (groups, rows) => {
        const taken = groups.slice(groupsKept(groups, rows));
        expect(rowsIn(taken)).toBeLessThanOrEqual(2 * ROW_GROUP_ROWS);
        for (const { numRows, byteSize } of taken) {
          expect(numRows).toBeLessThan(ROW_GROUP_ROWS);
          expect(byteSize).toBeLessThanOrEqual(8 * 1024 * 1024);
        }
      }),
      { numRuns: testRuns(300) },
    );
  });
});

/** The storage, with the bytes counted that its caller writes, and those it copies itself. */
const counting = (
  inner: Storage,
): { readonly storage: Storage; readonly bytes: { written: number; copied: number } } => {
  const bytes = { written: 0, copied: 0 };
  async function* counted(body: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      bytes.written += chunk.length;
      yield chunk;
    }
  }
  return {
    bytes,
    storage: {
      ...inner,
      put: (path, body, o) => inner.put(path, counted(body), o),
      extend: async (path, from, body, o) => {
        bytes.copied += await from.length;
        return inner.extend!(path, from, counted(body), o);
      },
    },
  };
};

const sequence = (n: number): string =>
  Array.from({ length: 12 }, (_, i) => "ACGT"[Math.floor(n / 4 ** i) % 4]).join("");
const csv = (start: number, end: number): string =>
  `sequence\n${Array.from({ length: end - start }, (_, i) => sequence(start + i)).join("\n")}\n`;

it("an append writes what it adds and a short tail, however long the base; the store copies the rest", async () => {
  const { storage, bytes } = counting(writableRoot().storage);
  const root = { ...writableRoot(), storage };
  await register(root, "mock", "mock__n:int64");
  await initDataset(root, "demo");
  let rows = 70_000;
  await importCsv(root, "demo", csv(0, rows));
  const base = (await parquetAt(storage, "demo/records.parquet")).source.meta.size;
  for (let n = 0; n < 20; n++) {
    bytes.written = 0;
    bytes.copied = 0;
    await importCsv(root, "demo", csv(rows, rows + 16));
    rows += 16;
    expect(bytes.copied).toBeGreaterThan(base / 2);
    expect(bytes.written).toBeLessThan(base / 8);
  }
  const groups = (await parquetAt(storage, "demo/records.parquet")).rowGroups.map(({ numRows }) => numRows);
  expect(groups).toEqual([65_536, 4_464, 320]);
  expect((await rowsOf(root, "demo")).map((row) => row["sequence"])).toEqual(
    Array.from({ length: rows }, (_, n) => sequence(n)),
  );
});

it("a storage without the capability gets the same rows", async () => {
  const plain = writableRoot();
  const { extend: _, ...storage } = plain.storage;
  const poor = { ...plain, storage };
  const rich = writableRoot();
  for (const root of [poor, rich]) {
    await register(root, "mock", "mock__n:int64");
    await initDataset(root, "demo");
    for (const [start, end] of [
      [0, 3_000],
      [3_000, 3_016],
      [3_016, 3_017],
    ] as const)
      await importCsv(root, "demo", csv(start, end));
  }
  expect(await rowsOf(poor, "demo")).toEqual(await rowsOf(rich, "demo"));
});
