import type { ColumnBounds } from "@usr/parquet";
import type { Column, DataType, Utf8Column } from "@usr/schema";
import { isValid, valueAt } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { compareBytes, containsBytes } from "./bytes.ts";
import { type Numeric, nanosOf, type Order } from "./literals.ts";
import { ANY, FALSE, type Possible, type Predicate, TRUE, UNKNOWN } from "./logic.ts";
import type { Comparison } from "./syntax.ts";

/** Whether a comparison holds for an order. */
const holds = (op: Comparison, order: number): boolean => {
  switch (op) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
};

/** Numbers, times, booleans (as 0 and 1) or list lengths, row by row. The row must have a value. */
export type NumericReader = (column: Column) => (row: number) => Numeric;

export const numericReader = (type: DataType): NumericReader => {
  if (type.kind === "bool") return (column) => (row) => Number(valueAt(column, row) === true);
  return (column) => {
    if (column.layout !== "fixed") throw unexpected(column);
    const { values } = column;
    if (type.kind !== "float16") return (row) => values[row]!;
    return (row) => {
      const value = valueAt(column, row);
      return typeof value === "number" ? value : Number.NaN;
    };
  };
};

export const lengthReader: NumericReader = (column) => {
  if (column.layout === "list") return (row) => column.offsets[row + 1]! - column.offsets[row]!;
  if (column.layout === "fixed_list") return () => column.size;
  throw unexpected(column);
};

/** Times of any unit on one scale. */
export const nanosReader =
  (type: Extract<DataType, { kind: "timestamp" }>): NumericReader =>
  (column) => {
    const read = numericReader(type)(column);
    const scale = nanosOf(type.unit);
    return (row) => BigInt(read(row)) * scale;
  };

const unexpected = (column: Column): DatasetError =>
  new DatasetError("CORRUPT", `a column of the layout ${column.layout} stands where the schema says another`);

/** Rows with a value are TRUE or FALSE by `decide`, the others UNKNOWN. */
const decided = (column: Column, decide: (row: number) => boolean): Uint8Array => {
  const values = new Uint8Array(column.length);
  for (let row = 0; row < column.length; row++)
    values[row] = isValid(column, row) ? (decide(row) ? TRUE : FALSE) : UNKNOWN;
  return values;
};

const columnOf = (columns: ReadonlyMap<string, Column>, name: string): Column => columns.get(name)!;

/** What bounds leave open: UNKNOWN where there may be NULLs, and of TRUE and FALSE what `inRange` says of rows with a value. */
const possibleBy = (
  bounds: ColumnBounds | undefined,
  numRows: number,
  inRange: (range: NonNullable<ColumnBounds["range"]>) => { readonly yes: boolean; readonly no: boolean },
): Possible => {
  if (bounds === undefined) return ANY;
  const { nulls, range } = bounds;
  if (nulls === numRows) return 1 << UNKNOWN;
  const { yes, no } = range === undefined ? OPEN : inRange(range);
  return (nulls === 0 ? 0 : 1 << UNKNOWN) | (yes ? 1 << TRUE : 0) | (no ? 1 << FALSE : 0);
};

/** A comparison that holds for every value of a range, for some, or for none, told by how its ends stand to the constant. */
const inInterval = (op: Comparison, low: number, high: number, nan: boolean): { yes: boolean; no: boolean } => {
  // NaN lies outside of every range, and is unequal to the constant.
  if (op === "=" || op === "!=") {
    const equal = low <= 0 && high >= 0;
    const other = !(low === 0 && high === 0) || nan;
    return op === "=" ? { yes: equal, no: other } : { yes: other, no: equal };
  }
  const ends = [holds(op, low), holds(op, high)];
  return { yes: ends.includes(true), no: ends.includes(false) || nan };
};

/** A column read as numbers. */
export interface NumericSource {
  readonly name: string;
  readonly read: NumericReader;
  /** Whether bounds of the column are bounds of what is read. */
  readonly prunes: boolean;
  /** Whether NaN may be among the values. */
  readonly nan: boolean;
}

/** Whether a comparison holds with one of several constants. */
export const numericTest = (source: NumericSource, op: Comparison, orders: readonly Order<Numeric>[]): Predicate => ({
  test: (columns) => {
    const column = columnOf(columns, source.name);
    if (column.layout === "null") return decided(column, () => false);
    const read = source.read(column);
    const [only] = orders;
    if (only !== undefined && orders.length === 1) return decided(column, (row) => holds(op, only(read(row))));
    return decided(column, (row) => {
      const value = read(row);
      return orders.some((order) => holds(op, order(value)));
    });
  },
  possible: (boundsOf, numRows) => {
    if (!source.prunes) return ANY;
    return possibleBy(boundsOf(source.name), numRows, ({ min, max }) => {
      if (min instanceof Uint8Array || max instanceof Uint8Array) return OPEN;
      return anyInterval(
        op,
        orders.map((order) => [order(min), order(max)] as const),
        source.nan,
      );
    });
  },
});

const OPEN = { yes: true, no: true };

const anyInterval = (
  op: Comparison,
  ends: readonly (readonly [low: number, high: number])[],
  nan: boolean,
): { readonly yes: boolean; readonly no: boolean } => {
  const each = ends.map(([low, high]) =>
    Number.isNaN(low) || Number.isNaN(high) ? OPEN : inInterval(op, low, high, nan),
  );
  return { yes: each.some(({ yes }) => yes), no: each.every(({ no }) => no) };
};

/** A test of texts by their UTF-8 bytes. */
const textTest = (
  name: string,
  decide: (data: Uint8Array, start: number, end: number) => boolean,
  inRange: (min: Uint8Array, max: Uint8Array) => { readonly yes: boolean; readonly no: boolean },
): Predicate => ({
  test: (columns) => {
    const column = columnOf(columns, name);
    if (column.layout === "null") return decided(column, () => false);
    const { data, offsets } = utf8(column);
    return decided(column, (row) => decide(data, offsets[row]!, offsets[row + 1]!));
  },
  possible: (boundsOf, numRows) =>
    possibleBy(boundsOf(name), numRows, ({ min, max }) =>
      min instanceof Uint8Array && max instanceof Uint8Array ? inRange(min, max) : OPEN,
    ),
});

const utf8 = (column: Column): Utf8Column => {
  if (column.layout === "utf8") return column;
  throw unexpected(column);
};

/** Whether a comparison holds with one of several texts. */
export const textComparison = (name: string, op: Comparison, constants: readonly string[]): Predicate => {
  const encoder = new TextEncoder();
  const encoded = constants.map((text) => encoder.encode(text));
  const orders = encoded.map(
    (bytes) => (data: Uint8Array, start: number, end: number) => compareBytes(data, start, end, bytes, 0, bytes.length),
  );
  const [only] = orders;
  const known = new Set(constants);
  const decide =
    only !== undefined && orders.length === 1
      ? (data: Uint8Array, start: number, end: number) => holds(op, only(data, start, end))
      : (data: Uint8Array, start: number, end: number) => known.has(decoder.decode(data.subarray(start, end)));
  const inOrder = textTest(name, decide, (min, max) =>
    anyInterval(
      op,
      orders.map((order) => [order(min, 0, min.length), order(max, 0, max.length)] as const),
      false,
    ),
  );
  return {
    test: inOrder.test,
    possible: (boundsOf, numRows) => {
      const left = inOrder.possible(boundsOf, numRows);
      const mayHold = op === "=" ? boundsOf(name)?.mayHold : undefined;
      return mayHold === undefined || encoded.some((text) => mayHold(text)) ? left : left & ~(1 << TRUE);
    },
  };
};

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A test of texts as strings, of which bounds say nothing. */
export const stringTest = (name: string, decide: (text: string) => boolean): Predicate =>
  textTest(
    name,
    (data, start, end) => decide(decoder.decode(data.subarray(start, end))),
    () => OPEN,
  );

export const containsTest = (name: string, needle: Uint8Array): Predicate =>
  textTest(
    name,
    (data, start, end) => containsBytes(data, start, end, needle),
    () => OPEN,
  );

export const prefixTest = (name: string, prefix: Uint8Array): Predicate => {
  const order = (data: Uint8Array, start: number, end: number): number =>
    compareBytes(data, start, Math.min(end, start + prefix.length), prefix, 0, prefix.length);
  return textTest(
    name,
    (data, start, end) => order(data, start, end) === 0,
    (min, max) => ({ yes: order(min, 0, min.length) <= 0 && order(max, 0, max.length) >= 0, no: true }),
  );
};

/** `a OP b` of two columns that hold numbers. Rows where one has no value are UNKNOWN. */
export const numericPair = (
  left: { readonly name: string; readonly read: NumericReader },
  right: { readonly name: string; readonly read: NumericReader },
  op: Comparison,
): Predicate =>
  pairTest(left.name, right.name, (a, b) => {
    const [first, second] = [left.read(a), right.read(b)];
    const equality = op === "=" || op === "!=";
    return (row) => holds(op, orderOfTwo(first(row), second(row), equality));
  });

/** NaN equals itself, and no order keeps it: it is not even at most itself. */
const orderOfTwo = (a: Numeric, b: Numeric, equality: boolean): number => {
  if (a < b) return -1;
  if (a > b) return 1;
  const nans = Number(Number.isNaN(a)) + Number(Number.isNaN(b));
  return nans === 0 || (nans === 2 && equality) ? 0 : Number.NaN;
};

export const textPair = (left: string, right: string, op: Comparison): Predicate =>
  pairTest(left, right, (columnA, columnB) => {
    const [a, b] = [utf8(columnA), utf8(columnB)];
    return (row) =>
      holds(
        op,
        compareBytes(a.data, a.offsets[row]!, a.offsets[row + 1]!, b.data, b.offsets[row]!, b.offsets[row + 1]!),
      );
  });

const pairTest = (
  left: string,
  right: string,
  decider: (a: Column, b: Column) => (row: number) => boolean,
): Predicate => ({
  test: (columns) => {
    const [a, b] = [columnOf(columns, left), columnOf(columns, right)];
    if (a.layout === "null" || b.layout === "null") return new Uint8Array(a.length).fill(UNKNOWN);
    const decide = decider(a, b);
    return decided(a, (row) => isValid(b, row) && decide(row)).map((value, row) => (isValid(b, row) ? value : UNKNOWN));
  },
  possible: () => ANY,
});

/** `is null`: never UNKNOWN. */
export const nullTest = (name: string): Predicate => ({
  test: (columns) => {
    const column = columnOf(columns, name);
    return Uint8Array.from({ length: column.length }, (_, row) => (isValid(column, row) ? FALSE : TRUE));
  },
  possible: (boundsOf, numRows) => {
    const nulls = boundsOf(name)?.nulls;
    if (nulls === undefined) return (1 << TRUE) | (1 << FALSE);
    return (nulls > 0 ? 1 << TRUE : 0) | (nulls < numRows ? 1 << FALSE : 0);
  },
});
