import type { Value } from "@usr/schema";
import fc from "fast-check";
import { baseBytes, type Cells, idsOf, partBytes, registryText } from "./make.ts";

/** The columns of a random table: every family of types a filter knows. */
export const COLUMNS: Readonly<Record<string, string>> = {
  m__i32: "int32",
  m__i64: "int64",
  m__u64: "uint64",
  m__f64: "float64",
  m__f32: "float32",
  m__f16: "float16",
  m__s: "string",
  m__b: "bool",
  m__at: "timestamp[us, UTC]",
  m__ms: "timestamp[ms]",
  m__l: "list<int32>",
};

const BIG = 2n ** 53n;
const TEXTS = [
  "",
  "a",
  "ab",
  "abc",
  "b",
  "B",
  "it's",
  'say "x"',
  "é",
  "\u{1f600}",
  "\ufb01",
  "a\\d",
  `${"z".repeat(70)}`,
];
const FLOATS = [-1.5, -0, 0, 0.1, 0.5, 1, 1.5, 3, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const VALUES: Readonly<Record<string, readonly Value[]>> = {
  m__i32: [-2, -1, 0, 1, 2, 3],
  m__i64: [-BIG - 1n, -1n, 0n, 1n, 2n, BIG, BIG + 1n, BIG + 2n],
  m__u64: [0n, 1n, 2n, BIG + 1n, 2n ** 64n - 1n],
  m__f64: FLOATS,
  m__f32: FLOATS.map(Math.fround),
  m__f16: [-1.5, 0, 0.5, 1.5, 3, Number.NaN, Number.POSITIVE_INFINITY],
  m__s: TEXTS,
  m__b: [true, false],
  m__at: [0n, 1n, 1_000_000n, 1_700_000_000_000_000n, -1n],
  m__ms: [0n, 1n, 1000n, 1_700_000_000_000n, -1n],
  m__l: [[], [1], [1, null, 3]],
};

/** A constant: as a filter and as SQL spell it, and its worth; times as half microseconds, integers doubled, so that halves are exact. */
export interface Constant {
  readonly filter: string;
  readonly sql: string;
  readonly value: Value;
}

const quoted = (text: string, quote: string): string => `${quote}${text.replaceAll(quote, quote + quote)}${quote}`;
const integers: readonly Constant[] = [
  "-1",
  "0",
  "1",
  "+2",
  "1.5",
  "-0.5",
  "2e0",
  "15e-1",
  "9007199254740993",
  "9007199254740992.5",
].map((filter) => ({
  filter,
  sql: `${filter.includes("e") ? Number(filter) : filter.replace("+", "")}`,
  value:
    filter.endsWith(".5") && filter.length > 10
      ? 2n * BIG + 1n
      : filter.length > 10
        ? 2n * (BIG + 1n)
        : BigInt(Number(filter) * 2),
}));
const floats = (type: string, round: (value: number) => number): readonly Constant[] =>
  ["-1.5", "0", "-0", "0.1", "1.5", "3", "NaN", "Infinity", "-infinity"].map((filter) => {
    const value = Number(filter.replace("-i", "-I"));
    return { filter, sql: `CAST('${filter}' AS ${type})`, value: round(value) };
  });
const TIMES: readonly (readonly [text: string, halfMicros: bigint])[] = [
  ["1970-01-01T00:00:00", 0n],
  ["1970-01-01T00:00:00.000001", 2n],
  ["1970-01-01T00:00:00.0000005", 1n],
  ["1970-01-01T00:00:01", 2_000_000n],
  ["2023-11-14T22:13:20", 3_400_000_000_000_000n],
  ["1969-12-31T23:59:59.999999", -2n],
];
const times = (zone: string): readonly Constant[] =>
  TIMES.map(([text, value]) => ({
    filter: `'${text}${zone}'`,
    sql: `CAST('${text}${zone}' AS ${zone === "" ? "TIMESTAMP_NS" : "TIMESTAMPTZ"})`,
    value,
  }));
const CONSTANTS: Readonly<Record<string, readonly Constant[]>> = {
  m__i32: integers,
  m__i64: integers,
  m__u64: integers,
  m__f64: floats("DOUBLE", (value) => value),
  m__f32: floats("FLOAT", Math.fround),
  m__f16: floats("FLOAT", Math.fround).filter(({ filter }) => filter !== "0.1"),
  m__s: TEXTS.flatMap((text) =>
    ["'", '"'].map((quote) => ({ filter: quoted(text, quote), sql: quoted(text, "'"), value: text })),
  ),
  m__b: [true, false].map((value) => ({ filter: String(value), sql: String(value), value })),
  m__at: times("Z"),
  m__ms: times(""),
  "len(m__l)": ["0", "1", "1.5", "3"].map((filter) => ({ filter, sql: filter, value: BigInt(Number(filter) * 2) })),
};

export type Test =
  | { readonly kind: "and" | "or"; readonly parts: readonly Test[] }
  | { readonly kind: "not"; readonly part: Test }
  | {
      readonly kind: "compare";
      readonly source: string;
      readonly op: string;
      readonly constant: Constant;
      readonly flip: boolean;
    }
  | { readonly kind: "in"; readonly source: string; readonly negated: boolean; readonly items: readonly Constant[] }
  | { readonly kind: "null"; readonly source: string; readonly negated: boolean }
  | { readonly kind: "match"; readonly how: "contains" | "starts with"; readonly text: string }
  | { readonly kind: "pair"; readonly left: string; readonly op: string; readonly right: string }
  | { readonly kind: "flag" };

const OPS = ["=", "!=", "<", "<=", ">", ">="];
const sources = Object.keys(CONSTANTS);
const opsFor = (source: string, constant: Constant): readonly string[] =>
  source === "m__b" || constant.filter === "NaN" ? ["=", "!="] : OPS;

const leaf: fc.Arbitrary<Test> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...sources)
      .chain((source) =>
        fc.record({
          source: fc.constant(source),
          constant: fc.constantFrom(...CONSTANTS[source]!),
          flip: fc.boolean(),
        }),
      )
      .chain((o) =>
        fc.constantFrom(...opsFor(o.source, o.constant)).map((op): Test => ({ kind: "compare", op, ...o })),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...sources.filter((source) => source !== "m__b")).chain((source) =>
      fc.record({
        kind: fc.constant("in" as const),
        source: fc.constant(source),
        negated: fc.boolean(),
        items: fc.array(fc.constantFrom(...CONSTANTS[source]!), { minLength: 1, maxLength: 3 }),
      }),
    ),
  },
  fc.record({
    kind: fc.constant("null" as const),
    source: fc.constantFrom(...Object.keys(COLUMNS)),
    negated: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("match" as const),
    how: fc.constantFrom("contains" as const, "starts with" as const),
    text: fc.constantFrom(...TEXTS, "z"),
  }),
  fc.record({
    kind: fc.constant("pair" as const),
    left: fc.constantFrom("m__i32", "m__i64", "m__f64", "m__u64"),
    op: fc.constantFrom(...OPS),
    right: fc.constantFrom("m__i32", "m__f64"),
  }),
  fc.constant<Test>({ kind: "flag" }),
);

/** Filters, a few levels deep. */
export const tests: fc.Arbitrary<Test> = fc.letrec<{ test: Test }>((tie) => ({
  test: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.record({
      kind: fc.constantFrom("and" as const, "or" as const),
      parts: fc.array(tie("test"), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant("not" as const), part: tie("test") }),
  ),
})).test;

/** The filter as it is typed. */
export const filterText = (test: Test): string => {
  switch (test.kind) {
    case "and":
    case "or":
      return test.parts.map((part) => `(${filterText(part)})`).join(` ${test.kind} `);
    case "not":
      return `not (${filterText(test.part)})`;
    case "compare":
      return test.flip
        ? `${test.constant.filter} ${FLIP[test.op]} ${test.source}`
        : `${test.source} ${test.op} ${test.constant.filter}`;
    case "in":
      return `${test.source}${test.negated ? " NOT" : ""} in (${test.items.map(({ filter }) => filter).join(", ")})`;
    case "null":
      return `\`${test.source}\` is ${test.negated ? "not " : ""}null`;
    case "match":
      return `m__s ${test.how} ${quoted(test.text, "'")}`;
    case "pair":
      return `${test.left} ${test.op} ${test.right}`;
    case "flag":
      return "m__b";
  }
};
const FLIP: Readonly<Record<string, string>> = { "=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<=" };

/** The same as SQL. NaN has no order here, and is the greatest number there. */
export const sqlText = (test: Test): string => {
  const isFloat = (source: string): boolean => source.startsWith("m__f");
  switch (test.kind) {
    case "and":
    case "or":
      return test.parts.map((part) => `(${sqlText(part)})`).join(` ${test.kind} `);
    case "not":
      return `NOT (${sqlText(test.part)})`;
    case "compare": {
      const text = `${test.source} ${test.op} ${test.constant.sql}`;
      return isFloat(test.source) &&
        test.op.length + Number(test.op.startsWith("<") || test.op.startsWith(">")) > 1 &&
        test.op !== "!="
        ? `(${text} AND NOT isnan(${test.source}))`
        : text;
    }
    case "in":
      return `${test.source}${test.negated ? " NOT" : ""} IN (${test.items.map(({ sql }) => sql).join(", ")})`;
    case "null":
      return `${test.source} IS ${test.negated ? "NOT " : ""}NULL`;
    case "match":
      return `${test.how === "contains" ? "contains" : "starts_with"}(m__s, ${quoted(test.text, "'")})`;
    case "pair": {
      const nan = [test.left, test.right]
        .filter(isFloat)
        .map((source) => ` AND NOT isnan(${source})`)
        .join("");
      const text = `${test.left} ${test.op} ${test.right}`;
      return test.op === "=" || test.op === "!="
        ? text
        : `CASE WHEN ${test.left} IS NULL OR ${test.right} IS NULL THEN NULL ELSE ${text}${nan} END`;
    }
    case "flag":
      return "m__b";
  }
};

export type Row = Readonly<Record<string, Value>>;

/** What a filter is for a row, by the plain words of the rules: true, false or `undefined`. */
export const naive = (test: Test, row: Row): boolean | undefined => {
  switch (test.kind) {
    case "and": {
      const parts = test.parts.map((part) => naive(part, row));
      return parts.includes(false) ? false : parts.includes(undefined) ? undefined : true;
    }
    case "or": {
      const parts = test.parts.map((part) => naive(part, row));
      return parts.includes(true) ? true : parts.includes(undefined) ? undefined : false;
    }
    case "not": {
      const part = naive(test.part, row);
      return part === undefined ? undefined : !part;
    }
    case "compare": {
      const value = scaled(test.source, row);
      return value === null ? undefined : compare(value, test.op, test.constant.value);
    }
    case "in": {
      const value = scaled(test.source, row);
      return value === null ? undefined : test.items.some((item) => compare(value, "=", item.value)) !== test.negated;
    }
    case "null":
      return (row[test.source] === null) !== test.negated;
    case "match": {
      const value = row["m__s"];
      if (typeof value !== "string") return undefined;
      return test.how === "contains" ? value.includes(test.text) : value.startsWith(test.text);
    }
    case "pair": {
      const [a, b] = [row[test.left] ?? null, row[test.right] ?? null];
      return a === null || b === null ? undefined : compare(a, test.op, b);
    }
    case "flag":
      return row["m__b"] === null ? undefined : row["m__b"] === true;
  }
};

/** A value on the scale of its constants. */
const scaled = (source: string, row: Row): Value => {
  if (source === "len(m__l)") return Array.isArray(row["m__l"]) ? BigInt(row["m__l"].length * 2) : null;
  const value = row[source] ?? null;
  if (source === "m__ms" && typeof value === "bigint") return value * 2000n;
  if (typeof value === "bigint") return value * 2n;
  return source === "m__i32" && typeof value === "number" ? BigInt(value * 2) : value;
};

const compare = (a: Value, op: string, b: Value): boolean => {
  if (a === null || b === null) return false;
  if (Number.isNaN(a) || Number.isNaN(b)) {
    const both = Number.isNaN(a) && Number.isNaN(b);
    return op === "=" ? both : op === "!=" && !both;
  }
  const [x, y] = typeof a === "string" && typeof b === "string" ? [...codePoints(a, b)] : [a, b];
  const less = x! < y!;
  const more = x! > y!;
  return { "=": !less && !more, "!=": less || more, "<": less, "<=": !more, ">": more, ">=": !less }[op] ?? false;
};

/** Two texts as numbers that order as their code points do. */
const codePoints = (a: string, b: string): readonly [number, number] => {
  const order = Buffer.compare(Buffer.from(a), Buffer.from(b));
  return [order, 0];
};

export interface RandomTable {
  readonly rows: readonly Row[];
  readonly bytes: Uint8Array;
}

export const cellsOf: fc.Arbitrary<Row> = fc.record(
  Object.fromEntries(
    Object.keys(COLUMNS).map((name) => [name, fc.option(fc.constantFrom(...VALUES[name]!), { freq: 4 })]),
  ),
);

/** Rows that are alike in runs, so that the statistics of row groups say something. */
export const tables: fc.Arbitrary<readonly Row[]> = fc
  .array(fc.tuple(cellsOf, fc.integer({ min: 1, max: 6 })), { maxLength: 8 })
  .map((runs) => runs.flatMap(([row, times]) => Array.from({ length: times }, () => row)));

const sequencesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => [...(i + 64).toString(4)].map((digit) => "ACGT"[Number(digit)]).join(""));

/** The base table of a random dataset. */
export const tableBytes = (rows: readonly Row[], groupRows: number): Promise<Uint8Array> => {
  const extra: Record<string, readonly [string, Cells]> = {};
  for (const [name, type] of Object.entries(COLUMNS)) extra[name] = [type, rows.map((row) => row[name] ?? null)];
  return baseBytes({ sequences: sequencesOf(rows.length), extra, groupRows });
};

/** The root of a random dataset: `newer` are values of an overlay, by row. */
export const objectsOf = async (
  rows: readonly Row[],
  newer: ReadonlyMap<number, Row>,
  groupRows: number,
): Promise<Readonly<Record<string, Uint8Array | string>>> => {
  const objects: Record<string, Uint8Array | string> = {
    "registry.yaml": registryText({ m: COLUMNS }),
    "demo/records.parquet": await tableBytes(rows, groupRows),
  };
  const ids = idsOf(sequencesOf(rows.length));
  const held = [...newer].filter(([row]) => row < rows.length);
  if (held.length > 0) {
    const columns: Record<string, readonly [string, Cells]> = { id: ["string", held.map(([row]) => ids[row]!)] };
    for (const name of ["m__f64", "m__s", "m__i32"])
      columns[name] = [COLUMNS[name]!, held.map(([, cells]) => cells[name] ?? null)];
    objects["demo/_derived/m/part-1.parquet"] = await partBytes("m", "id", "2026-01-01T00:00:00.000000Z", columns);
  }
  return objects;
};
