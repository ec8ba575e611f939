import type { Column, DataType } from "@usr/schema";
import {
  columnBuilder,
  columnOf,
  concatColumns,
  gatherColumns,
  isValid,
  nullColumn,
  sliceColumn,
  valueAt,
} from "@usr/schema/columns";
import { anyRows, anyType, anyValue, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shown } from "./shown.ts";
import { spoil } from "./spoil.ts";

const rowsOf = (column: Column): unknown[] =>
  Array.from({ length: column.length }, (_, row) => shown(valueAt(column, row)));

/** A type, and several columns of it: plain, or cut out of a longer one, so that offsets start anywhere. */
const anyColumns = anyType().chain((type) => {
  const one = fc
    .record({ rows: fc.array(anyValue(type), { maxLength: 24 }), cut: fc.boolean(), from: fc.nat(24), to: fc.nat(24) })
    .map(({ rows, cut, from, to }) => {
      const column = columnOf(type, rows);
      if (!cut) {
        return { column, rows };
      }
      const start = Math.min(from, to, rows.length);
      const end = Math.max(from, to);
      return { column: sliceColumn(column, start, end), rows: rows.slice(start, end) };
    });
  return fc.record({ type: fc.constant(type), parts: fc.array(one, { minLength: 1, maxLength: 4 }) });
});

describe("columns", () => {
  it("give back the values they are made of", () => {
    fc.assert(
      fc.property(anyRows(), ({ type, rows }) => {
        const column = columnOf(type, rows);
        expect(column.length).toBe(rows.length);
        expect(rowsOf(column)).toEqual(shown(rows));
        expect(rows.map((_, row) => isValid(column, row))).toEqual(rows.map((value) => value !== null));
        expect(column.validity === undefined).toBe(!rows.includes(null));
      }),
      { numRuns: testRuns(800) },
    );
  });

  it("slice as arrays do", () => {
    fc.assert(
      fc.property(anyRows(), fc.nat(40), fc.nat(40), fc.nat(40), fc.nat(40), ({ type, rows }, a, b, c, d) => {
        const once = sliceColumn(columnOf(type, rows), Math.min(a, b), Math.max(a, b));
        const expected = rows.slice(Math.min(a, b), Math.max(a, b));
        expect(rowsOf(once)).toEqual(shown(expected));
        expect(rowsOf(sliceColumn(once, Math.min(c, d), Math.max(c, d)))).toEqual(
          shown(expected.slice(Math.min(c, d), Math.max(c, d))),
        );
      }),
      { numRuns: testRuns(800) },
    );
  });

  it("concatenate as arrays do", () => {
    fc.assert(
      fc.property(anyColumns, ({ type, parts }) => {
        const joined = concatColumns(
          type,
          parts.map((part) => part.column),
        );
        expect(rowsOf(joined)).toEqual(shown(parts.flatMap((part) => part.rows)));
      }),
      { numRuns: testRuns(800) },
    );
  });

  it("gather as index lookups do", () => {
    const picks = fc.array(
      fc.record({
        source: fc.integer({ min: -1, max: 3 }),
        row: fc.integer({ min: -1, max: 23 }),
        run: fc.integer({ min: 1, max: 5 }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(anyColumns, picks, ({ type, parts }, picks) => {
        // Runs of neighbouring rows take another path than single rows.
        const pairs = picks
          .flatMap(({ source, row, run }) =>
            Array.from({ length: run }, (_, i) => [source, row < 0 ? -1 : row + i] as const),
          )
          .filter(([source, row]) => source < 0 || (parts[source] !== undefined && row < parts[source].rows.length));
        const columns = parts.map((part) => part.column);
        const rows = Int32Array.from(pairs, ([, row]) => row);
        const gathered = gatherColumns(
          type,
          columns,
          Int32Array.from(pairs, ([source]) => source),
          rows,
        );
        expect(rowsOf(gathered)).toEqual(
          shown(pairs.map(([source, row]) => (source < 0 || row < 0 ? null : parts[source]!.rows[row]!))),
        );

        const first = rows.filter((row) => row < parts[0]!.rows.length);
        expect(rowsOf(gatherColumns(type, columns, undefined, first))).toEqual(
          shown(Array.from(first, (row) => (row < 0 ? null : parts[0]!.rows[row]!))),
        );
      }),
      { numRuns: testRuns(1000) },
    );
  });

  it("give text from the column it is in, where the same bytes of another follow", () => {
    const type: DataType = { kind: "string" };
    // Texts of one width: what ends in one column where it starts in another, is no run.
    const texts = ["a", "b", "c"].map((letter) => Array.from({ length: 20 }, (_, row) => `${letter}${row + 10}`));
    const columns = texts.map((rows) => columnOf(type, rows));
    const picks = fc.array(fc.tuple(fc.nat(2), fc.nat(19), fc.integer({ min: 1, max: 4 })), { maxLength: 10 });
    const check = (pairs: readonly (readonly [number, number])[]): void => {
      const gathered = gatherColumns(
        type,
        columns,
        Int32Array.from(pairs, ([source]) => source),
        Int32Array.from(pairs, ([, row]) => row),
      );
      expect(rowsOf(gathered)).toEqual(pairs.map(([source, row]) => texts[source]![row]));
    };
    check(Array.from({ length: 20 }, (_, row) => [row % 3, row]));
    check(Array.from({ length: 20 }, (_, row) => [Math.floor(row / 4) % 3, row]));
    fc.assert(
      fc.property(picks, (picks) => {
        check(
          picks.flatMap(([source, row, run]) =>
            Array.from({ length: Math.min(run, 20 - row) }, (_, i) => [source, row + i] as const),
          ),
        );
      }),
      { numRuns: testRuns(200) },
    );
  });

  it("grow row by row from other columns", () => {
    fc.assert(
      fc.property(anyColumns, ({ type, parts }) => {
        const builder = columnBuilder(type);
        for (const { column, rows } of parts) {
          for (let row = 0; row < rows.length; row += 1) {
            builder.appendFrom(column, row);
          }
        }
        const expected = parts.flatMap((part) => part.rows);
        expect(builder.length).toBe(expected.length);
        expect(rowsOf(builder.finish())).toEqual(shown(expected));
        expect(builder.length).toBe(0);
        expect(rowsOf(builder.finish())).toEqual(shown([]));
      }),
      { numRuns: testRuns(500) },
    );
  });

  it("keep the rows before a refused one", () => {
    const wrong: unknown = Symbol("no value of any type");
    fc.assert(
      fc.property(anyRows({ maxLength: 12 }), ({ type, rows }) => {
        const builder = columnBuilder(type);
        for (const row of rows) {
          const bad = spoil(row, wrong);
          const { length, byteLength } = builder;
          expect(() => builder.append(bad)).toThrow(/is no value of/);
          expect({ length: builder.length, byteLength: builder.byteLength }).toEqual({ length, byteLength });
          builder.append(row);
        }
        expect(rowsOf(builder.finish())).toEqual(shown(rows));
      }),
      { numRuns: testRuns(500) },
    );
  });

  it("are missing throughout, of any type", () => {
    fc.assert(
      fc.property(anyType(), fc.nat(20), (type, length) => {
        const column = nullColumn(type, length);
        expect(rowsOf(column)).toEqual(shown(new Array(length).fill(null)));
        expect(rowsOf(sliceColumn(column, Math.min(3, length), length))).toEqual(
          shown(new Array(Math.max(0, length - 3)).fill(null)),
        );
        const nothing: DataType = { kind: "null" };
        expect(rowsOf(concatColumns(type, [nullColumn(nothing, length), column]))).toEqual(
          shown(new Array(2 * length).fill(null)),
        );
        expect(
          rowsOf(gatherColumns(type, [nullColumn(nothing, length)], undefined, new Int32Array(length && 3))),
        ).toEqual(shown(new Array(length && 3).fill(null)));
      }),
      { numRuns: testRuns(200) },
    );
  });
});
