import type { DataType, IntegerKind, TimestampUnit, Value } from "@usr/schema";
import fc from "fast-check";
import { roundTo } from "../src/float.ts";
import { RANGES } from "../src/integer.ts";

const INTEGERS: readonly IntegerKind[] = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"];

const scalarType: fc.Arbitrary<DataType> = fc.oneof(
  fc.constant<DataType>({ kind: "string" }),
  fc.constant<DataType>({ kind: "bool" }),
  fc.constantFrom(...INTEGERS).map((kind): DataType => ({ kind })),
  fc.constantFrom("float16", "float32", "float64").map((kind): DataType => ({ kind })),
  fc
    .tuple(fc.constantFrom<TimestampUnit>("ms", "us", "ns"), fc.constantFrom(undefined, "UTC", "Europe/Berlin"))
    .map(
      ([unit, timezone]): DataType =>
        timezone === undefined ? { kind: "timestamp", unit } : { kind: "timestamp", unit, timezone },
    ),
);

const fieldName: fc.Arbitrary<string> = fc.constantFrom("a", "b", "c", "__proto__", "constructor", "ä b", 'q"q');

/** Every type of the vocabulary but null, nested up to three deep. */
export const dataType: fc.Arbitrary<DataType> = fc.letrec<{ type: DataType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalarType,
    tie("type").map((item): DataType => ({ kind: "list", item })),
    fc
      .tuple(tie("type"), fc.integer({ min: 1, max: 3 }))
      .map(([item, size]): DataType => ({ kind: "fixed_size_list", item, size })),
    fc
      .uniqueArray(fc.tuple(fieldName, tie("type")), { minLength: 1, maxLength: 3, selector: ([name]) => name })
      .map((fields): DataType => ({ kind: "struct", fields: fields.map(([name, type]) => ({ name, type })) })),
  ),
})).type;

const DAY_NS = 86_400_000_000_000n;
const LATEST: Readonly<Record<TimestampUnit, bigint>> = {
  ms: 253_402_300_799_999n,
  us: 253_402_300_799_999_999n,
  ns: 106_751n * DAY_NS,
};

/** A value of the type, NULLs included. Text has no NUL and no half surrogates. */
export function anyValue(type: DataType, nulls: boolean = true): fc.Arbitrary<Value> {
  const value = presentValue(type);
  return nulls ? fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 5, arbitrary: value }) : value;
}

const TRICKY_TEXT = [
  "",
  "NULL",
  "NA",
  "nan",
  '"',
  '""',
  ",",
  "\t",
  "\n",
  "\r",
  "\r\n",
  " ",
  "=1+1",
  "'=x",
  "-1",
  "@a",
  "\ufeff",
  "007",
  "1e5",
  "True",
  "[1]",
];

function presentValue(type: DataType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case "string":
      return fc.oneof(
        fc.constantFrom(...TRICKY_TEXT),
        fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.replaceAll("\0", "")),
        fc.string({ unit: fc.constantFrom("A", "C", "G", "T"), maxLength: 60 }),
      );
    case "bool":
      return fc.boolean();
    case "float16":
    case "float32":
    case "float64":
      return fc
        .oneof(fc.constantFrom(NaN, Infinity, -Infinity, -0, 0), fc.double(), fc.float(), fc.integer())
        .map((value) => roundTo(type.kind, value));
    case "timestamp":
      return fc.bigInt({ min: -LATEST[type.unit] / 10n, max: LATEST[type.unit] });
    case "list":
      return fc.array(anyValue(type.item), { maxLength: 4 });
    case "fixed_size_list":
      return fc.array(anyValue(type.item), { minLength: type.size, maxLength: type.size });
    case "struct":
      return fc.tuple(...type.fields.map((field) => anyValue(field.type))).map((values) =>
        structValue(
          type.fields.map((field) => field.name),
          values,
        ),
      );
    case "null":
      return fc.constant(null);
    default: {
      const [min, max] = RANGES[type.kind];
      const wide = type.kind === "int64" || type.kind === "uint64";
      const edge = fc.constantFrom(min, max, 0n);
      return fc.oneof(edge, fc.bigInt({ min, max })).map((value): Value => (wide ? value : Number(value)));
    }
  }
}

function structValue(names: readonly string[], values: readonly Value[]): Value {
  const entries = names.map((name, i) => [name, values[i] ?? null] as const);
  return Object.fromEntries(entries);
}

/** A type and rows of it. */
export function tableOf(
  maxColumns: number,
  maxRows: number,
): fc.Arbitrary<{ readonly types: Readonly<Record<string, DataType>>; readonly rows: readonly (readonly Value[])[] }> {
  const name = fc.oneof(
    fc.constantFrom("id", "a__b", "", "=x", 'q"u', "c,d", "t\tb"),
    fc.string({ unit: "grapheme", maxLength: 8 }).map((text) => text.replaceAll("\0", "")),
  );
  return fc
    .uniqueArray(fc.tuple(name, dataType), { minLength: 1, maxLength: maxColumns, selector: ([key]) => key })
    .filter((columns) => columns.every(([key]) => key !== "__proto__" && !/^\d+$/.test(key)))
    .chain((columns) => {
      const types = Object.fromEntries(columns);
      return fc
        .array(fc.tuple(...columns.map(([, type]) => anyValue(type))), { maxLength: maxRows })
        .map((rows) => ({ types, rows }));
    });
}

/** Chunk sizes that cut in awkward places. */
export const chunkSizes: fc.Arbitrary<readonly number[]> = fc.array(fc.integer({ min: 1, max: 17 }), {
  minLength: 1,
  maxLength: 5,
});
