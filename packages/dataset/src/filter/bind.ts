import type { DataType, Field } from "@usr/schema";
import { formatType } from "@usr/schema";
import { filterError } from "./error.ts";
import { kindOf, numericOrder } from "./literals.ts";
import { constantly, joined, negated, type Predicate } from "./logic.ts";
import { compilePattern } from "./pattern.ts";
import type { Comparison, Expression, Literal, Operand, Source } from "./syntax.ts";
import {
  containsTest,
  lengthReader,
  type NumericSource,
  nanosReader,
  nullTest,
  numericPair,
  numericReader,
  numericTest,
  prefixTest,
  stringTest,
  textComparison,
  textPair,
} from "./tests.ts";

/** A column, or the length of its lists, with the type that tests see. */
interface Bound {
  readonly name: string;
  /** As it is written. */
  readonly what: string;
  readonly type: DataType;
  readonly source: Source;
}

const INT32: DataType = { kind: "int32" };
const FLIPPED: Readonly<Record<Comparison, Comparison>> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/**
 * Checks a filter against columns and makes it testable. `fieldOf` gives the column of a name, or throws.
 *
 * @throws DatasetError `FILTER_INVALID` where a test does not fit the type of its column
 */
export const bindFilter = (
  filter: string,
  expression: Expression,
  fieldOf: (name: string, at: number) => Field,
): Predicate => {
  const bind = (e: Expression): Predicate => {
    switch (e.kind) {
      case "and":
      case "or":
        return joined(e.kind, e.parts.map(bind));
      case "not":
        return negated(bind(e.part));
      case "compare":
        return compare(e.op, e.left, e.right);
      case "in": {
        const test = equals("=", resolve(e.source), e.items);
        return e.negated ? negated(test) : test;
      }
      case "null": {
        const test = nullTest(resolve(e.source).name);
        return e.negated ? negated(test) : test;
      }
      case "match":
        return match(e);
      case "truth":
        return truth(e.operand);
    }
  };

  const resolve = (source: Source): Bound => {
    const ref = source.kind === "length" ? source.of : source;
    const { type } = fieldOf(ref.name, ref.at);
    const what = filter.slice(source.at, source.end);
    if (source.kind === "column") return { name: ref.name, what, type, source };
    if (type.kind === "list" || type.kind === "fixed_size_list") return { name: ref.name, what, type: INT32, source };
    throw filterError(filter, source.at, `${ref.name} is ${formatType(type)}, and len counts the items of lists`);
  };

  const compare = (op: Comparison, left: Operand, right: Operand): Predicate => {
    if (isSource(left))
      return isSource(right) ? pair(op, resolve(left), resolve(right)) : equals(op, resolve(left), [right]);
    if (isSource(right)) return equals(FLIPPED[op], resolve(right), [left]);
    throw filterError(filter, left.at, "two constants are compared, and no column");
  };

  /** A comparison with constants; more than one of them only for `=`. */
  const equals = (op: Comparison, bound: Bound, literals: readonly Literal[]): Predicate => {
    const { type, what, name } = bound;
    for (const literal of literals) {
      if (literal.kind === "null")
        throw filterError(filter, literal.at, "nothing is equal to null, nor unequal", {
          hint: `Write: ${what} is null.`,
        });
      const nan = literal.kind === "number" && literal.digits === "NaN";
      if (nan && op !== "=" && op !== "!=")
        throw filterError(filter, literal.at, "NaN is neither less nor greater than anything", {
          hint: `Write: ${what} = NaN.`,
        });
    }
    switch (type.kind) {
      case "string":
        return textComparison(
          name,
          op,
          literals.map((literal) => textOf(bound, literal)),
        );
      case "list":
      case "fixed_size_list":
      case "struct":
      case "null":
        throw filterError(filter, bound.source.at, `${what} is ${formatType(type)}, which cannot be compared`, {
          hint: type.kind.endsWith("list")
            ? `Test it with: len(${what}) > 0, or ${what} is null.`
            : `Test it with: ${what} is null.`,
        });
      default:
        if (type.kind === "bool" && op !== "=" && op !== "!=")
          throw filterError(filter, bound.source.at, `${what} is bool, which has no order`, {
            hint: "Write the column alone, or not before it.",
          });
        return numericTest(
          numericSource(bound),
          op,
          literals.map((literal) => numericOrder(filter, type, what, literal)),
        );
    }
  };

  const pair = (op: Comparison, left: Bound, right: Bound): Predicate => {
    const family = familyOf(left.type);
    if (family === undefined || family !== familyOf(right.type)) {
      throw filterError(
        filter,
        left.source.at,
        `${left.what} is ${formatType(left.type)} and ${right.what} is ${formatType(right.type)}: these cannot be compared`,
      );
    }
    if (family === "text") return textPair(left.name, right.name, op);
    if (family === "bool" && op !== "=" && op !== "!=")
      throw filterError(filter, left.source.at, `${left.what} is bool, which has no order`);
    return numericPair(pairSource(left), pairSource(right), op);
  };

  const match = (e: Extract<Expression, { kind: "match" }>): Predicate => {
    const bound = resolve(e.source);
    const { what, name, type } = bound;
    if (type.kind !== "string")
      throw filterError(filter, e.source.at, `${what} is ${formatType(type)}, and ${e.how} is for text`);
    const text = textOf(bound, e.pattern);
    if (e.how === "contains") return containsTest(name, new TextEncoder().encode(text));
    if (e.how === "starts with") return prefixTest(name, new TextEncoder().encode(text));
    const pattern = compilePattern(text, "u");
    if (pattern instanceof RegExp) return stringTest(name, (value) => pattern.test(value));
    throw filterError(
      filter,
      e.pattern.at,
      `${JSON.stringify(text)} is no regular expression: ${pattern.reason}, from character ${pattern.position} on`,
      { hint: "Test for a plain piece of text with contains." },
    );
  };

  const textOf = ({ what }: Bound, literal: Literal): string => {
    if (literal.kind === "text") return literal.value;
    throw filterError(filter, literal.at, `${what} is text, not ${kindOf(literal)}`, {
      hint: "Text is quoted: 'abc'.",
    });
  };

  const truth = (operand: Operand): Predicate => {
    if (operand.kind === "bool") return constantly(operand.value);
    const written = filter.slice(operand.at, operand.end);
    if (!isSource(operand)) throw filterError(filter, operand.at, `${written} is neither true nor false`);
    const bound = resolve(operand);
    if (bound.type.kind === "bool")
      return equals("=", bound, [{ kind: "bool", value: true, at: operand.at, end: operand.end }]);
    throw filterError(filter, operand.at, `${written} is ${formatType(bound.type)}, neither true nor false`, {
      hint: "Compare it with something, or test it with: is not null.",
    });
  };

  return bind(expression);
};

const isSource = (operand: Operand): operand is Source => operand.kind === "column" || operand.kind === "length";

const numericSource = ({ name, type, source }: Bound): NumericSource => ({
  name,
  read: source.kind === "length" ? lengthReader : numericReader(type),
  prunes: source.kind === "column",
  nan: type.kind.startsWith("float"),
});

const pairSource = (bound: Bound): Pick<NumericSource, "name" | "read"> =>
  bound.type.kind === "timestamp" ? { name: bound.name, read: nanosReader(bound.type) } : numericSource(bound);

/** Types whose values can be compared with each other. */
const familyOf = (type: DataType): string | undefined => {
  if (type.kind === "string") return "text";
  if (type.kind === "timestamp") return type.timezone === undefined ? "time" : "zoned time";
  if (type.kind === "bool") return "bool";
  return /^(u?int|float)/.test(type.kind) ? "number" : undefined;
};
