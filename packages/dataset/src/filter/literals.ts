import { parseFloatText } from "@usr/formats/float";
import type { DataType, FloatKind, TimestampUnit } from "@usr/schema";
import { formatType, parseTimestamp } from "@usr/schema";
import { filterError } from "./error.ts";
import type { Literal } from "./syntax.ts";

/** A stored number. Integers and timestamps of 64 bits are bigint. */
export type Numeric = number | bigint;

/**
 * How a value stands to a constant, exactly: below 0 = less, 0 = equal, above 0 = greater. NaN = no order: they are unequal, and neither is
 * less; NaN itself equals NaN.
 */
export type Order<V> = (value: V) => number;

const NANOS: Readonly<Record<TimestampUnit, bigint>> = { ms: 1_000_000n, us: 1_000n, ns: 1n };

export const nanosOf = (unit: TimestampUnit): bigint => NANOS[unit];

/** The largest power of ten a number may carry: beyond all types, short of filling memory. */
const LARGEST_EXPONENT = 400;

/**
 * What a constant is worth beside a column of numbers, booleans or times, whose name or expression is `what`.
 *
 * @throws DatasetError `FILTER_INVALID` where it is of another kind, or no value of the type
 */
export const numericOrder = (filter: string, type: DataType, what: string, literal: Literal): Order<Numeric> => {
  const refuse = (hint: string): never => {
    throw filterError(filter, literal.at, `${what} is ${formatType(type)}, not ${kindOf(literal)}`, { hint });
  };
  switch (type.kind) {
    case "bool":
      if (literal.kind !== "bool") return refuse("Write true or false, or the column alone.");
      return orderOf(Number(literal.value));
    case "float16":
    case "float32":
    case "float64":
      if (literal.kind !== "number") return refuse("Write a number, NaN, Infinity or -Infinity.");
      return floatOrder(filter, type.kind, literal, literal.digits);
    case "timestamp":
      if (literal.kind !== "text") return refuse("Write a time as text, such as '2026-01-31T12:00:00Z'.");
      return timeOrder(filter, type, literal, literal.value);
    default:
      if (literal.kind !== "number") return refuse("Write a number, without quotes.");
      return integerOrder(filter, literal, literal.digits);
  }
};

export const kindOf = ({ kind }: Literal): string =>
  ({ text: "text", number: "a number", bool: "true or false", null: "null" })[kind];

const orderOf =
  (bound: number): Order<Numeric> =>
  (value) =>
    value < bound ? -1 : value > bound ? 1 : 0;

/** Stands to a number that may lie between two integers: `floor`, and whether it is that integer. */
const exactOrder = (floor: bigint, exact: boolean): Order<Numeric> => {
  const small = Number(floor);
  // Comparing a number with a bigint is exact too, and slower.
  const bound = Number.isSafeInteger(small) ? small : floor;
  return (value) => (value < bound ? -1 : value > bound ? 1 : exact ? 0 : -1);
};

const floatOrder = (filter: string, kind: FloatKind, at: Literal, digits: string): Order<Numeric> => {
  if (digits === "NaN") return (value) => (Number.isNaN(value) ? 0 : Number.NaN);
  const bound = digits.endsWith("Infinity") ? Number(digits) : parseFloatText(digits, kind);
  if (bound === undefined) {
    throw filterError(filter, at.at, `${shortened(digits)} is beyond the largest ${kind}`, {
      hint: "For what is above every number write Infinity.",
    });
  }
  return (value) => (value < bound ? -1 : value > bound ? 1 : Number.isNaN(value) ? Number.NaN : 0);
};

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/;

const integerOrder = (filter: string, at: Literal, digits: string): Order<Numeric> => {
  const [, sign, whole = "", fraction = "", power = "0"] = DECIMAL.exec(digits) ?? [];
  if (sign === undefined) {
    if (digits !== "NaN") return orderOf(Number(digits));
    throw filterError(filter, at.at, "no integer is NaN", { hint: "A missing value is found with: is null." });
  }
  const exponent = Number(power) - fraction.length;
  if (Math.abs(exponent) > LARGEST_EXPONENT || whole.length > LARGEST_EXPONENT)
    throw filterError(filter, at.at, `${shortened(digits)} is beyond every number of the columns`);
  const mantissa = BigInt(`${whole}${fraction}`) * (sign === "-" ? -1n : 1n);
  return exponent >= 0
    ? exactOrder(mantissa * 10n ** BigInt(exponent), true)
    : quotientOrder(mantissa, 10n ** BigInt(-exponent));
};

const quotientOrder = (dividend: bigint, divisor: bigint): Order<Numeric> => {
  const rest = dividend % divisor;
  return exactOrder(rest < 0n ? dividend / divisor - 1n : dividend / divisor, rest === 0n);
};

const timeOrder = (
  filter: string,
  type: Extract<DataType, { kind: "timestamp" }>,
  at: Literal,
  text: string,
): Order<Numeric> => {
  const zoned = type.timezone !== undefined;
  const example = `Write it as '2026-01-31T12:00:00${zoned ? "Z" : ""}'.`;
  const time = parseTimestamp(text);
  if (time === undefined)
    throw filterError(filter, at.at, `${JSON.stringify(shortened(text))} is no time of RFC 3339`, { hint: example });
  if (time.hasZone !== zoned) {
    const wrong = zoned ? "has no zone, and the column has one" : "has a zone, and the column has none";
    throw filterError(filter, at.at, `${JSON.stringify(text)} ${wrong}`, { hint: example });
  }
  return quotientOrder(time.epochNs, nanosOf(type.unit));
};

const shortened = (text: string): string => (text.length <= 60 ? text : `${text.slice(0, 57)}...`);
