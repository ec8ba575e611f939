import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { groupsKept } from "../src/write/base/append.ts";
import { lastRows } from "../src/write/base/last-rows.ts";
import { ROW_GROUP_ROWS, type Rows } from "../src/write/base/row-groups.ts";

const INT = { kind: "int32" } as const;
/** Rows that say their own numbers. */
const numbered = (start: number, count: number): Rows => ({
  numRows: count,
  columns: [
    { layout: "fixed", type: INT, length: count, values: Int32Array.from({ length: count }, (_, i) => start + i) },
  ],
});

const numbersIn = (pieces: readonly Rows[]): number[] =>
  pieces.flatMap(({ numRows, columns: [column] }) => {
    if (column?.layout !== "fixed") throw new TypeError("numbers expected");
    expect(column.length).toBe(numRows);
    return Array.from(column.values.subarray(0, numRows), Number);
  });

async function* each(pieces: readonly Rows[]): AsyncGenerator<Rows> {
  yield* pieces;
}

it("the rows an append writes anew are held as they were written, and less than a row group of them", async () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 90_000 }));
  const append = fc.record({ pieces: fc.array(sizes, { minLength: 1, maxLength: 3 }), stranger: fc.nat({ max: 9 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(append, { maxLength: 8 }), async (appends) => {
      const last = lastRows();
      let groups: { readonly numRows: number; readonly byteSize: number }[] = [];
      let total = 0;
      let alone = true;
      for (const [n, { pieces, stranger }] of appends.entries()) {
        const over = `${n}`;
        const added = pieces.reduce((sum, rows) => sum + rows, 0);
        const keep = groupsKept(groups, added);
        const start = groups.slice(0, keep).reduce((sum, { numRows }) => sum + numRows, 0);
        const held = last.since(over, start);
        expect(last.since(`${n} of others`, start)).toBeUndefined();
        if (alone && n > 0) expect(held).toBeDefined();
        if (held !== undefined) expect(numbersIn(held)).toEqual(numbersIn([numbered(start, total - start)]));
        let at = total;
        const rows: Rows[] = [numbered(start, total - start)].filter(({ numRows }) => numRows > 0);
        for (const count of pieces) {
          rows.push(numbered(at, count));
          at += count;
        }
        const passing = last.passing(over, start, each(rows));
        const passed: Rows[] = [];
        for await (const piece of passing.rows) passed.push(piece);
        expect(passed).toEqual(rows);
        total = at;
        // What another writer makes of the base is an object of its own.
        const etag = stranger > 0 ? `${n + 1}` : "lost";
        if (stranger === 0) alone = false;
        passing.written(etag);
        groups = groups.slice(0, keep);
        for (let left = total - start; left > 0; left -= ROW_GROUP_ROWS)
          groups.push({ numRows: Math.min(left, ROW_GROUP_ROWS), byteSize: 1 });
        const full = groups.filter(({ numRows }) => numRows === ROW_GROUP_ROWS).length * ROW_GROUP_ROWS;
        const all = last.since(etag, full);
        if (all !== undefined) expect(numbersIn(all).length).toBeLessThan(ROW_GROUP_ROWS);
      }
    }),
    { numRuns: testRuns(40) },
  );
});

it("rows of more than 32 MiB, and columns that rows of an import do not have, are not held", async () => {
  const wide: Rows = {
    numRows: 1,
    columns: [
      {
        layout: "utf8",
        type: { kind: "string" },
        length: 1,
        offsets: Int32Array.of(0, 2 ** 25),
        data: new Uint8Array(2 ** 25),
      },
    ],
  };
  const strange: Rows = { numRows: 1, columns: [{ layout: "null", type: { kind: "null" }, length: 1 }] };
  for (const [rows, held] of [
    [wide, false],
    [strange, false],
    [numbered(0, 1), true],
  ] as const) {
    const last = lastRows();
    const passing = last.passing("a", 0, each([rows]));
    for await (const _ of passing.rows);
    passing.written("b");
    expect(last.since("b", 0) !== undefined).toBe(held);
  }
});
