import type { Batch, Column, DataType, Field, Schema, Value } from "@usr/schema";
import { columnOf, sliceColumn } from "@usr/schema/columns";
import fc from "fast-check";

const fixed = [
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "float16",
  "float32",
  "float64",
  "bool",
  "string",
] as const;

const leafType: fc.Arbitrary<DataType> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...fixed).map((kind): DataType => ({ kind })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom("ms" as const, "us" as const, "ns" as const),
        fc.constantFrom(undefined, "UTC", "Europe/Berlin"),
      )
      .map(
        ([unit, timezone]): DataType =>
          timezone === undefined ? { kind: "timestamp", unit } : { kind: "timestamp", unit, timezone },
      ),
  },
);

/** Types as deep as `depth`. */
export function typeArb(depth: number, o: { readonly fixedLists: boolean }): fc.Arbitrary<DataType> {
  if (depth === 0) return leafType;
  const item = typeArb(depth - 1, o);
  return fc.oneof(
    { weight: 3, arbitrary: leafType },
    { weight: 2, arbitrary: item.map((t): DataType => ({ kind: "list", item: t })) },
    {
      weight: o.fixedLists ? 1 : 0,
      arbitrary: fc
        .tuple(item, fc.integer({ min: 1, max: 3 }))
        .map(([t, size]): DataType => ({ kind: "fixed_size_list", item: t, size })),
    },
    {
      weight: 2,
      arbitrary: fc
        .array(item, { minLength: 1, maxLength: 3 })
        .map((types): DataType => ({ kind: "struct", fields: types.map((type, i) => ({ name: `f${i}`, type })) })),
    },
  );
}

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  int8: [-128n, 127n],
  int16: [-32768n, 32767n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  timestamp: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65535n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

function halfArb(): fc.Arbitrary<number> {
  const half = fc
    .integer({ min: -2048, max: 2048 })
    .chain((m) => fc.integer({ min: -14, max: 4 }).map((e) => m * 2 ** e));
  return fc.oneof(
    half,
    fc.constantFrom(Number.NaN, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 65504, 2 ** -24),
  );
}

/** Values of a type, NULLs at every level where `nulls`. */
export function valueArb(type: DataType, nulls: boolean): fc.Arbitrary<Value> {
  const some = presentArb(type, nulls);
  return nulls ? fc.oneof({ weight: 4, arbitrary: some }, { weight: 1, arbitrary: fc.constant(null) }) : some;
}

function presentArb(type: DataType, nulls: boolean): fc.Arbitrary<Value> {
  switch (type.kind) {
    case "string":
      return fc.oneof(
        fc.string({ maxLength: 12 }),
        fc.constantFrom("", "ACGT", "ACGT".repeat(40), "naïve 🧬", "é".repeat(50)),
      );
    case "bool":
      return fc.boolean();
    case "float16":
      return halfArb();
    case "float32":
      return fc.float();
    case "float64":
      return fc.double();
    case "list":
      return fc.array(valueArb(type.item, nulls), { maxLength: 4 });
    case "fixed_size_list":
      return fc.array(valueArb(type.item, nulls), { minLength: type.size, maxLength: type.size });
    case "struct":
      return fc.record(Object.fromEntries(type.fields.map((f) => [f.name, valueArb(f.type, nulls)])));
    case "null":
      return fc.constant(null);
    default: {
      const [min, max] = RANGES[type.kind]!;
      const wide = type.kind === "timestamp" || type.kind === "int64" || type.kind === "uint64";
      const big = fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 1n));
      return wide ? big : big.map(Number);
    }
  }
}

export interface TableSpec {
  readonly fields: readonly Field[];
  readonly columns: readonly Column[];
  readonly rows: number;
}

/** Tables; some with values that repeat, so that dictionaries and runs come up. */
export function tableArb(o: {
  readonly fixedLists: boolean;
  readonly maxRows: number;
  readonly nulls?: boolean;
}): fc.Arbitrary<TableSpec> {
  const column = (rows: number) =>
    fc.tuple(typeArb(3, o), fc.boolean(), fc.integer({ min: 1, max: 40 })).chain(([type, nullable, repeat]) =>
      fc
        .array(valueArb(type, (o.nulls ?? true) && nullable), { minLength: Math.min(rows, 1), maxLength: 24 })
        .map((pool) => ({
          type,
          values: Array.from(
            { length: rows },
            (_, i): Value => pool[Math.floor((i * 7919) / repeat) % pool.length] ?? null,
          ),
        })),
    );
  return fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: o.maxRows })).chain((rows) =>
    fc.array(column(rows), { minLength: 1, maxLength: 4 }).map((columns) => ({
      rows,
      fields: columns.map((c, i) => ({ name: `c${i}`, type: c.type, nullable: true })),
      columns: columns.map((c) => columnOf(c.type, c.values)),
    })),
  );
}

export function schemaOf(spec: TableSpec, metadata: ReadonlyMap<string, string> = new Map()): Schema {
  return { fields: spec.fields, metadata };
}

/** The rows `[start, end)` as one batch. */
export function batchOf(spec: TableSpec, start: number = 0, end: number = spec.rows): Batch {
  return {
    schema: schemaOf(spec),
    columns: spec.columns.map((column) => sliceColumn(column, start, end)),
    numRows: end - start,
  };
}
