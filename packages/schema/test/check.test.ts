import { type Column, type FixedValues, SchemaError } from "@usr/schema";
import { toArrow } from "@usr/schema/arrow";
import { checkColumn } from "@usr/schema/check";
import { columnOf, gatherColumns, sliceColumn } from "@usr/schema/columns";
import { anyRows, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";

const F64 = { kind: "float64" } as const;
const text = columnOf({ kind: "string" }, ["ab", "c"]);
const vectors = columnOf({ kind: "list", item: F64 }, [[1, 2], [3]]);
const pairs = columnOf({ kind: "fixed_size_list", item: F64, size: 2 }, [
  [1, 2],
  [3, 4],
]);
const hits = columnOf({ kind: "struct", fields: [{ name: "a", type: F64 }] }, [{ a: 1 }, { a: 2 }]);
const flags = columnOf({ kind: "bool" }, [true, false]);
const fixed = (values: FixedValues, length = 2): Column => ({
  layout: "fixed",
  type: F64,
  length,
  values,
});

/** A column that lies about itself, as a program without types can make one. */
const lying = (column: Column, lie: object): Column => Object.assign({ ...column }, lie);

test.each<[string, Column, string]>([
  ["a narrower class", fixed(Float32Array.of(1, 2)), "float64 lies in a Float64Array, not in a Float32Array"],
  ["too few values", fixed(Float64Array.of(1)), "it has 1 values for 2 rows"],
  [
    "a plain array",
    lying(fixed(new Float64Array(2)), { values: [1, 2] }),
    "float64 lies in a Float64Array, not in an array",
  ],
  ["no length", fixed(new Float64Array(2), Number.NaN), "its length is NaN"],
  ["a length below zero", fixed(new Float64Array(2), -1), "its length is -1"],
  ["another layout", lying(text, { type: F64 }), "float64 is laid out as utf8"],
  [
    "a short validity",
    lying(columnOf(F64, Array(9).fill(1)), { validity: new Uint8Array(1) }),
    "its validity has 8 bits for 9 rows",
  ],
  ["a validity of booleans", lying(text, { validity: [true, false] }), "its validity is no Uint8Array"],
  ["too few bits", lying(flags, { length: 9 }), "it has 8 bits for 9 rows"],
  ["too few offsets", lying(text, { length: 3 }), "it has 3 offsets, one more than its 3 rows are wanted"],
  ["offsets that fall", lying(text, { offsets: Int32Array.of(0, 2, 1) }), "offset 2 is 1, behind 2"],
  ["an offset below zero", lying(text, { offsets: Int32Array.of(-1, 2, 3) }), "offset 0 is -1, behind 0"],
  [
    "offsets past the end",
    lying(text, { offsets: Int32Array.of(0, 2, 4) }),
    "its offsets end at 4, and there are 3 bytes of text",
  ],
  ["offsets of another class", lying(text, { offsets: [0, 2, 3] }), "its offsets are no Int32Array"],
  ["text as a string", lying(text, { data: "abc" }), "its text is no Uint8Array"],
  [
    "elements that are not there",
    lying(vectors, { offsets: Int32Array.of(0, 2, 4) }),
    "its offsets end at 4, and there are 3 elements",
  ],
  [
    "elements of another type",
    lying(vectors, { child: columnOf({ kind: "string" }, ["a", "b", "c"]) }),
    "its elements are string, not float64",
  ],
  [
    "elements that lie",
    lying(vectors, { child: fixed(Float32Array.of(1, 2, 3), 3) }),
    "of its elements, float64 lies in a Float64Array, not in a Float32Array",
  ],
  ["rows of another size", lying(pairs, { size: 3 }), "fixed_size_list<float64>[2] is given with size 3"],
  ["too few elements", lying(pairs, { length: 3 }), "it has 4 elements for 3 rows of 2"],
  ["a field too few", lying(hits, { children: [] }), "struct<a:float64> has 1 fields, and it has 0"],
  ["a short field", lying(hits, { length: 3 }), 'its field "a" has 2 rows of 3'],
])("%s is told", (_, column, rule) => {
  const check = () => checkColumn(column, "score");
  expect(check).toThrow(SchemaError);
  expect(check).toThrow(`Column "score" is not what it says: ${rule}.`);
});

test("record batches are not made of such a column", () => {
  const batch = { schema: { fields: [{ name: "s", type: F64, nullable: true }], metadata: new Map() }, numRows: 2 };
  expect(() => toArrow({ ...batch, columns: [fixed(Float32Array.of(1, 2))] })).toThrow(
    'Column "s" is not what it says',
  );
});

test("what this package builds, slices and gathers is what it says", () => {
  fc.assert(
    fc.property(anyRows(), fc.nat(), fc.nat(), ({ type, rows }, a, b) => {
      const column = columnOf(type, rows);
      checkColumn(column, "built");
      const [start = 0, end = 0] = [a % (column.length + 1), b % (column.length + 1)].sort((x, y) => x - y);
      checkColumn(sliceColumn(column, start, end), "cut");
      const last = Int32Array.from({ length: column.length }, (_, i) => column.length - 1 - i);
      checkColumn(gatherColumns(type, [column], undefined, last), "gathered");
    }),
    { numRuns: testRuns(300) },
  );
});
