import { openParquet, readBatches, writeParquet } from "@usr/parquet";
import type { Field, Value } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { memoryStorage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baseKeys } from "../src/write/attach/base-keys.ts";
import { type PartTarget, type PlacedRows, type Sizes, stageInBaseOrder } from "../src/write/attach/order.ts";
import { baseBytes } from "./make.ts";

const STRING = { kind: "string" } as const;
const FIELDS: readonly Field[] = [
  { name: "n__a", type: { kind: "int32" }, nullable: true },
  { name: "n__v", type: { kind: "list", item: { kind: "float64" } }, nullable: true },
];

const cell = (name: string, base: number): Value =>
  base % 7 === 0 ? null : name === "n__a" ? base : Array.from({ length: base % 5 }, (_, i) => base + i);

/** A store of staged files, and how many were made. */
const staging = () => {
  const storage = memoryStorage();
  const made: string[] = [];
  const target: PartTarget = {
    stage: async (fields, groups) => {
      const path = `staged-${made.length}`;
      made.push(path);
      const schema = { fields: [{ name: "id", type: STRING, nullable: true }, ...fields], metadata: new Map() };
      const { size, etag } = await storage.put(path, writeParquet(schema, groups));
      return { path, size, etag };
    },
    open: async ({ path }) => (await storage.open(path))!,
    drop: ({ path }) => storage.delete(path),
  };
  return { storage, made, target };
};

/** The rows in pieces; the second column is first met in piece `late`. */
async function* piecesOf(
  order: readonly number[],
  step: number,
  late: number,
  keyed = true,
): AsyncGenerator<PlacedRows> {
  for (let at = 0, p = 0; at < order.length; at += step, p++) {
    const base = order.slice(at, at + step);
    const names = FIELDS.filter((_, i) => i === 0 || p >= late);
    yield {
      base: Int32Array.from(base),
      key: keyed
        ? columnOf(
            STRING,
            base.map((row) => `k${row}`),
          )
        : undefined,
      columns: new Map(
        names.map(({ name, type }) => [
          name,
          columnOf(
            type,
            base.map((row) => cell(name, row)),
          ),
        ]),
      ),
    };
  }
}

const rowsOf = async (storage: ReturnType<typeof memoryStorage>, path: string) => {
  const file = await openParquet((await storage.open(path))!);
  const rows: Value[][] = [];
  for await (const batch of readBatches(file)) {
    for (let i = 0; i < batch.numRows; i++) rows.push(batch.columns.map((column) => valueAt(column, i)));
  }
  return { rows, groups: file.rowGroups.map(({ numRows }) => numRows) };
};

const SMALL: Sizes = { groupRows: 13, groupBytes: 700, runBytes: 1500 };

describe("rows on their way into a part", () => {
  it("end in base order, whatever order they come in, however little is held", async () => {
    const orderArb = fc.oneof(
      fc.uniqueArray(fc.nat(299), { maxLength: 200 }),
      fc.uniqueArray(fc.nat(299), { maxLength: 200 }).map((rows) => rows.sort((a, b) => a - b)),
      fc.tuple(fc.nat(250), fc.nat(250)).map(([cut, length]) => {
        const rows = Array.from({ length }, (_, i) => i);
        return [...rows.slice(cut), ...rows.slice(0, cut)];
      }),
    );
    const ids = Array.from({ length: 300 }, (_, row) => `k${row}`);
    const base = await baseBytes({
      sequences: ids.map(() => "A"),
      instead: { id: ["string", ids] },
      groupRows: 11,
      write: { bloomFilters: ["id"] },
    });
    const source = { meta: { size: base.length }, read: async (at: number, n: number) => base.subarray(at, at + n) };
    const keys = baseKeys(await openParquet(source), {});
    await fc.assert(
      fc.asyncProperty(orderArb, fc.integer({ min: 1, max: 30 }), fc.nat(9), fc.boolean(), async (...drawn) => {
        const [order, step, late, keyed] = drawn;
        const { storage, made, target } = staging();
        const met = order.length > late * step ? FIELDS : FIELDS.slice(0, 1);
        let seen = 0;
        async function* counted(): AsyncGenerator<PlacedRows> {
          for await (const piece of piecesOf(order, step, late, keyed)) {
            seen = Math.max(seen, piece.columns.size);
            yield piece;
          }
        }
        const layout = { fields: () => FIELDS.slice(0, seen), numRows: 300, keys: () => keys, sizes: SMALL };
        const staged = await stageInBaseOrder(counted(), layout, target, () => undefined);
        if (order.length === 0) {
          expect(staged).toBeUndefined();
          return;
        }
        const { rows, groups } = await rowsOf(storage, staged!.path);
        const sorted = [...order].sort((a, b) => a - b);
        const place = new Map(order.map((row, i) => [row, Math.floor(i / step)]));
        const expected = sorted.map((row) => [
          `k${row}`,
          ...met.map(({ name }, i) => (i === 1 && place.get(row)! < late ? null : cell(name, row))),
        ]);
        expect(rows).toEqual(expected);
        expect(Math.max(...groups)).toBeLessThanOrEqual(SMALL.groupRows);
        // What was staged on the way is gone.
        for (const path of made) expect((await storage.open(path)) !== undefined).toBe(path === staged!.path);
        const once = order.every((row, i) => i === 0 || order[i - 1]! < row) && late === 0;
        if (once) expect(made).toHaveLength(1);
      }),
      { numRuns: testRuns(150) },
    );
  });

  it("are refused at the end without a part", async () => {
    const { target } = staging();
    const refuse = (): never => {
      throw new Error("refused");
    };
    const layout = { fields: () => FIELDS, numRows: 300, sizes: SMALL };
    for (const to of [target, undefined]) {
      await expect(stageInBaseOrder(piecesOf([5, 3, 9], 2, 0), layout, to, refuse)).rejects.toThrow("refused");
    }
  });

  it("close their input where the part cannot be staged", async () => {
    let closed = false;
    async function* rows(): AsyncGenerator<PlacedRows> {
      try {
        yield* piecesOf(
          Array.from({ length: 100 }, (_, i) => i),
          5,
          0,
        );
      } finally {
        closed = true;
      }
    }
    const full: PartTarget = {
      ...staging().target,
      stage: async () => {
        throw new Error("full");
      },
    };
    const layout = { fields: () => FIELDS, numRows: 300, sizes: SMALL };
    await expect(stageInBaseOrder(rows(), layout, full, () => undefined)).rejects.toThrow("full");
    expect(closed).toBe(true);
  });
});
