import fc from "fast-check";

// The shapes of `DataType` and `Value` of the schema package, said again: this package is below all others and may import none of them.

/** A column type that can be registered. */
type DataType =
  | { readonly kind: "string" }
  | { readonly kind: "bool" }
  | { readonly kind: "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64" }
  | { readonly kind: "float16" | "float32" | "float64" }
  | { readonly kind: "timestamp"; readonly unit: "ms" | "us" | "ns"; readonly timezone?: string | undefined }
  | { readonly kind: "list"; readonly item: DataType }
  | { readonly kind: "fixed_size_list"; readonly item: DataType; readonly size: number }
  | { readonly kind: "struct"; readonly fields: readonly StructField[] }
  | { readonly kind: "null" };

interface StructField {
  readonly name: string;
  readonly type: DataType;
}

/** One cell. */
type Value = null | string | boolean | number | bigint | readonly Value[] | { readonly [field: string]: Value };

/** Names that objects of JavaScript trip over, and some that people use. */
const fieldNames: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("a", "score", "start", "__proto__", "constructor", "toString", "é", "日本", "with blank", "0"),
  fc.stringMatching(/^[a-z][a-z0-9_]{0,7}$/),
);

const timezones: fc.Arbitrary<string | undefined> = fc.constantFrom(
  undefined,
  "UTC",
  "Europe/Berlin",
  "America/Argentina/Buenos_Aires",
  "Etc/GMT+5",
  "+02:00",
);

const scalarTypes: fc.Arbitrary<DataType> = fc.oneof(
  fc.constantFrom<DataType>(
    { kind: "string" },
    { kind: "bool" },
    { kind: "int8" },
    { kind: "int16" },
    { kind: "int32" },
    { kind: "int64" },
    { kind: "uint8" },
    { kind: "uint16" },
    { kind: "uint32" },
    { kind: "uint64" },
    { kind: "float16" },
    { kind: "float32" },
    { kind: "float64" },
  ),
  fc.record({ unit: fc.constantFrom("ms", "us", "ns"), timezone: timezones }).map(({ unit, timezone }): DataType => {
    return timezone === undefined ? { kind: "timestamp", unit } : { kind: "timestamp", unit, timezone };
  }),
);

/** Any registrable column type, nested at most `depth` levels (default 3). */
export function anyType(options: { readonly depth?: number | undefined } = {}): fc.Arbitrary<DataType> {
  const depth = options.depth ?? 3;
  if (depth <= 0) {
    return scalarTypes;
  }
  const inner = anyType({ depth: depth - 1 });
  return fc.oneof(
    { weight: 4, arbitrary: scalarTypes },
    { weight: 1, arbitrary: inner.map((item): DataType => ({ kind: "list", item })) },
    {
      weight: 1,
      arbitrary: fc
        .record({ item: inner, size: fc.integer({ min: 1, max: 4 }) })
        .map(({ item, size }): DataType => ({ kind: "fixed_size_list", item, size })),
    },
    {
      weight: 1,
      arbitrary: fc
        .uniqueArray(fc.record({ name: fieldNames, type: inner }), {
          minLength: 1,
          maxLength: 3,
          selector: (field) => field.name,
        })
        .map((fields): DataType => ({ kind: "struct", fields })),
    },
  );
}

/** Bit patterns, so that infinities, zeros of both signs and subnormals come up; every NaN is the one NaN. */
const float64s: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 5e-324, -5e-324),
);
const float32s: fc.Arbitrary<number> = fc.oneof(fc.float(), fc.constantFrom(0, -0, Number.NaN, 2 ** -149, Infinity));
const float16s: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff }).map((bits) => {
  const exponent = (bits >> 10) & 0x1f;
  // Widened by hand: moving the exponent is exact, and independent of the code under test.
  const size = exponent === 0 ? (bits & 0x3ff) * 2 ** -24 : (1 + (bits & 0x3ff) / 1024) * 2 ** (exponent - 15);
  if (exponent === 0x1f) {
    return (bits & 0x3ff) !== 0 ? Number.NaN : bits >> 15 === 1 ? -Infinity : Infinity;
  }
  return bits >> 15 === 1 ? -size : size;
});

const strings: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.stringMatching(/^[ACGT]{0,60}$/),
  fc.constantFrom("", "\ufeff", "NULL", "\u0000", "💠", "x".repeat(100), "é".repeat(40)),
);

const int64s: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 9007199254740993n, -(2n ** 63n), 2n ** 63n - 1n),
);

/** Any value of the type as a cell holds it, `null` among them. A value read back from a column compares equal with `Object.is` at the leaves. */
export function anyValue(type: DataType): fc.Arbitrary<Value> {
  return fc.option(presentValue(type), { nil: null, freq: 6 });
}

function presentValue(type: DataType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case "string":
      return strings;
    case "bool":
      return fc.boolean();
    case "int8":
      return fc.integer({ min: -128, max: 127 });
    case "int16":
      return fc.integer({ min: -32768, max: 32767 });
    case "int32":
      return fc.integer();
    case "uint8":
      return fc.integer({ min: 0, max: 255 });
    case "uint16":
      return fc.integer({ min: 0, max: 65535 });
    case "uint32":
      return fc.integer({ min: 0, max: 4294967295 });
    case "int64":
    case "timestamp":
      return int64s;
    case "uint64":
      return fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 2n ** 64n - 1n));
    case "float16":
      return float16s;
    case "float32":
      return float32s;
    case "float64":
      return float64s;
    case "list":
      return fc.array(anyValue(type.item), { maxLength: 5 });
    case "fixed_size_list":
      return fc.array(anyValue(type.item), { minLength: type.size, maxLength: type.size });
    case "struct":
      return fc
        .tuple(...type.fields.map((field) => anyValue(field.type)))
        .map((values) => structOf(type.fields, values));
    case "null":
      return fc.constant(null);
  }
}

function structOf(fields: readonly StructField[], values: readonly Value[]): Value {
  const result: { [field: string]: Value } = {};
  for (const [i, field] of fields.entries()) {
    // A plain assignment to `__proto__` makes no property.
    Object.defineProperty(result, field.name, {
      value: values[i] ?? null,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return result;
}

/** A type and rows of it. */
export interface TypedRows {
  readonly type: DataType;
  readonly rows: readonly Value[];
}

/** Any type with up to `maxLength` (default 40) rows of it. */
export function anyRows(
  options: { readonly depth?: number | undefined; readonly maxLength?: number | undefined } = {},
): fc.Arbitrary<TypedRows> {
  const maxLength = options.maxLength ?? 40;
  return anyType(options).chain((type) => fc.array(anyValue(type), { maxLength }).map((rows) => ({ type, rows })));
}
