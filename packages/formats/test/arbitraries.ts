import type { DataType, Value } from "@usr/schema";
import { anyType, anyValue } from "@usr/testkit";
import fc from "fast-check";
import type { Types } from "./helpers.ts";

/** Text that text formats trip over. */
const TRICKY = [
  ...["", "NULL", "NA", "nan", "007", "1e5", "True", "[1]", " ", "=1+1", "'=x", "-1", "@a", "\ufeff", "\uffff"],
  ...['"', '""', 'a"b', ",", "\t", "\n", "\r", "\r\n", "\u0001", "\u007f", "\u0085", "\u2028"],
];

/** A value of the type, `null` among them. No text in a cell of its own has a NUL, which csv cannot carry. */
function cellOf(type: DataType): fc.Arbitrary<Value> {
  if (type.kind !== "string") return anyValue(type);
  const plain = anyValue(type).map((value) => (typeof value === "string" ? value.replaceAll("\0", "") : value));
  return fc.oneof(
    plain,
    fc.constantFrom(...TRICKY),
    fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.replaceAll("\0", "")),
  );
}

const columnName: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom("id", "a__b", "", "=x", 'q"u', "c,d", "t\tb", "\ufeffx"),
    fc.string({ unit: "grapheme", maxLength: 8 }),
  )
  .map((text) => text.replaceAll("\0", ""))
  // the keys of the plain objects that these tests keep columns in
  .filter((name) => name !== "__proto__" && !/^\d+$/.test(name));

/** Types by column and rows of them. */
export function tableOf(
  maxColumns: number,
  maxRows: number,
): fc.Arbitrary<{ readonly types: Types; readonly rows: readonly (readonly Value[])[] }> {
  return fc
    .uniqueArray(fc.tuple(columnName, anyType()), { minLength: 1, maxLength: maxColumns, selector: ([name]) => name })
    .chain((columns) =>
      fc
        .array(fc.tuple(...columns.map(([, type]) => cellOf(type))), { maxLength: maxRows })
        .map((rows) => ({ types: Object.fromEntries(columns), rows })),
    );
}

/** Chunk sizes that cut in awkward places. */
export const chunkSizes: fc.Arbitrary<readonly number[]> = fc.array(fc.integer({ min: 1, max: 17 }), {
  minLength: 1,
  maxLength: 5,
});
