import { byteSize, type Column, type DataType, formatType, parseType, type Value } from "@usr/schema";
import { columnBuilder, columnOf, concatColumns, gatherColumns, nullColumn, sliceColumn } from "@usr/schema/columns";
import { anyRows, anyType, anyValue, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { naiveLayout } from "./naive-layout.ts";
import { spoil } from "./spoil.ts";

const TYPES = [
  ...["string", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"],
  ...["float16", "float32", "float64", "timestamp[ms]", "timestamp[us, UTC]"],
  ...["list<int8>", "list<string>", "list<list<int16>>", "list<bool>", "list<struct<a:int64,b:string>>"],
  ...["fixed_size_list<float64>[3]", "fixed_size_list<bool>[3]", "fixed_size_list<string>[2]"],
  ...[
    "fixed_size_list<list<int8>>[2]",
    "list<fixed_size_list<int16>[2]>",
    "fixed_size_list<fixed_size_list<bool>[2]>[2]",
  ],
  ...[
    "struct<a:int32,b:string>",
    "struct<a:bool,b:list<int8>,c:fixed_size_list<uint8>[2]>",
    "struct<a:struct<b:bool>>",
  ],
].map((text) => ({ text, type: parseType(text) }));
const NOTHING: DataType = { kind: "null" };
const BOOL: DataType = { kind: "bool" };
for (const type of [
  { kind: "list", item: NOTHING },
  { kind: "fixed_size_list", item: NOTHING, size: 2 },
  ...[NOTHING, BOOL].map((last) => ({
    kind: "struct" as const,
    fields: [
      { name: "a", type: NOTHING },
      { name: "b", type: last },
    ],
  })),
] as const)
  TYPES.push({ text: formatType(type), type });

/** More rows than any buffer of a builder starts with: 150, some missing in the second half alone, always the same. */
const sample = (type: DataType, present = false): readonly Value[] => {
  const [rows] = fc.sample(fc.array(anyValue(type), { minLength: 150, maxLength: 150 }), { numRuns: 1, seed: 7 });
  const some = rows!.find((row) => row !== null)!;
  return rows!.map((row, i) => (row === null && (present || i < 75) ? some : row));
};

/** The column built anew of its rows, one by one: without what a view has around it. */
const copied = (column: Column): Column => {
  const builder = columnBuilder(column.type);
  for (let row = 0; row < column.length; row++) builder.appendFrom(column, row);
  return builder.finish();
};

describe.each(TYPES)("the bytes of $text", ({ type }) => {
  const rows = sample(type);
  const full = sample(type, true);
  const column = columnOf(type, rows);

  it("are those of the layout, however many rows", () => {
    for (const length of [0, 1, 7, 8, 9, 15, 16, 17, 32, 33, 64, 65, 150]) {
      expect(columnOf(type, rows.slice(-length))).toEqual(naiveLayout(type, rows.slice(-length)));
      expect(columnOf(type, full.slice(0, length))).toEqual(naiveLayout(type, full.slice(0, length)));
    }
    expect(columnOf(type, new Array<null>(20).fill(null))).toEqual(nullColumn(type, 20));
    expect(nullColumn(type, 20)).toEqual(naiveLayout(type, new Array<null>(20).fill(null)));
    expect(nullColumn(type, 0)).toEqual(naiveLayout(type, []));
  });

  it("of a builder are those of its rows, refused ones and earlier columns leave nothing", () => {
    const builder = columnBuilder(type);
    const wrong: unknown = Symbol("no value of any type");
    for (const all of [rows, full, []]) {
      for (const [i, row] of all.entries()) {
        if (i % 3 === 0) expect(() => builder.append(spoil(row, wrong))).toThrow(/is no value of/);
        builder.append(row);
        if (i % 30 === 0) {
          const naive = naiveLayout(type, all.slice(0, i + 1));
          expect(builder.length).toBe(i + 1);
          expect(builder.byteLength).toBe(byteSize(naive) + bitmapBytes(naive));
        }
      }
      expect(builder.finish()).toEqual(naiveLayout(type, all));
    }
  });

  it("are kept row by row, cut out of a longer column", () => {
    for (const [start, end] of [
      [0, 150],
      [1, 2],
      [3, 77],
      [8, 40],
      [16, 16],
      [75, 150],
      [149, 150],
    ] as const) {
      expect(copied(sliceColumn(column, start, end))).toEqual(naiveLayout(type, rows.slice(start, end)));
      const twice = sliceColumn(sliceColumn(column, start, end), 1, 60);
      expect(copied(twice)).toEqual(naiveLayout(type, rows.slice(start, end).slice(1, 60)));
    }
  });

  it("are joined to the same", () => {
    const part = (start: number, end: number): Column => sliceColumn(column, start, end);
    const plain = columnOf(type, full);
    expect(concatColumns(type, [])).toEqual(naiveLayout(type, []));
    expect(concatColumns(type, [part(0, 3), plain, part(3, 3), part(70, 150)])).toEqual(
      naiveLayout(type, [...rows.slice(0, 3), ...full, ...rows.slice(70)]),
    );
    expect(concatColumns(type, [plain, plain])).toEqual(naiveLayout(type, [...full, ...full]));
    const nothing = columnOf({ kind: "null" }, [null, null, null]);
    expect(concatColumns(type, [plain, nothing, part(9, 20)])).toEqual(
      naiveLayout(type, [...full, null, null, null, ...rows.slice(9, 20)]),
    );
  });

  it("are gathered to the same", () => {
    const columns = [sliceColumn(column, 5, 145), columnOf(type, full)];
    const wanted = [rows.slice(5, 145), full];
    const picks = Array.from({ length: 200 }, (_, i) => [
      i % 7 === 0 ? 1 : Number(i % 50 > 25),
      i % 11 === 0 ? (i * 37) % 140 : i % 130,
    ]);
    const check = (missing: readonly (readonly number[])[]): void => {
      const all = [...picks, ...missing];
      expect(
        gatherColumns(
          type,
          columns,
          Int32Array.from(all, ([source]) => source!),
          Int32Array.from(all, ([, row]) => row!),
        ),
      ).toEqual(
        naiveLayout(
          type,
          all.map(([source, row]) => wanted[source!]?.[row!] ?? null),
        ),
      );
    };
    check([]);
    check([[-1, 0]]);
    check([[0, -1]]);
    check([
      [-1, -1],
      [1, 0],
      [1, 1],
      [0, 139],
    ]);
    const one = Int32Array.of(7, 8, 9, 10, 149, 148, 0, 0, 1, 2);
    expect(gatherColumns(type, [columns[1]!], undefined, one)).toEqual(
      naiveLayout(
        type,
        Array.from(one, (row) => full[row]!),
      ),
    );
    expect(gatherColumns(type, [columns[1]!], undefined, new Int32Array(0))).toEqual(naiveLayout(type, []));
  });
});

/** What the bitmaps of a column take, of children too: a builder counts one for each. */
function bitmapBytes(column: Column): number {
  const own = column.layout === "null" ? 0 : Math.ceil(column.length / 8);
  if (column.layout === "list" || column.layout === "fixed_list") return own + bitmapBytes(column.child);
  if (column.layout === "struct") return column.children.reduce((sum, child) => sum + bitmapBytes(child), own);
  return own;
}

describe("the bytes of any column", () => {
  it("are those of the layout", () => {
    fc.assert(
      fc.property(anyRows(), ({ type, rows }) => {
        expect(columnOf(type, rows)).toEqual(naiveLayout(type, rows));
      }),
      { numRuns: testRuns(300) },
    );
  });
  it("are those of its rows, joined or gathered", () => {
    const parts = anyType().chain((type) =>
      fc.record({ type: fc.constant(type), parts: fc.array(fc.array(anyValue(type)), { maxLength: 4 }) }),
    );
    fc.assert(
      fc.property(parts, ({ type, parts }) => {
        const columns = parts.map((rows) => columnOf(type, rows));
        const joined = naiveLayout(type, parts.flat());
        expect(concatColumns(type, columns)).toEqual(joined);
        const picks = parts.flatMap((rows, source) => rows.map((_, row) => [source, row] as const));
        const sources = Int32Array.from(picks, ([source]) => source);
        const rows = Int32Array.from(picks, ([, row]) => row);
        expect(gatherColumns(type, columns, sources, rows)).toEqual(joined);
        expect(gatherColumns(type, columns, sources.reverse(), rows.reverse())).toEqual(
          naiveLayout(type, parts.flat().reverse()),
        );
      }),
      { numRuns: testRuns(300) },
    );
  });
});
