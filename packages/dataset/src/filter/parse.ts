import { filterError } from "./error.ts";
import type { ColumnRef, Comparison, Expression, Literal, Operand, Source, TextMatch } from "./syntax.ts";
import { type Token, tokensOf } from "./tokens.ts";

const COMPARISONS: readonly Comparison[] = ["=", "!=", "<", "<=", ">", ">="];
/** Words that are no column unless they stand in backquotes. */
const RESERVED = new Set([
  "and",
  "or",
  "not",
  "in",
  "is",
  "null",
  "true",
  "false",
  "nan",
  "infinity",
  "contains",
  "starts",
]);
const DEEPEST = 100;

/**
 * Reads a filter. Grammar, loosest first: `or`, `and`, `not`, then tests and parentheses. Words of the grammar are read in any case, names
 * of columns exactly.
 *
 * @throws DatasetError `FILTER_INVALID` with the position
 */
export const parseFilter = (filter: string): Expression => {
  const tokens = tokensOf(filter);
  let next = 0;
  const peek = (): Token => tokens[next]!;
  const take = (): Token => tokens[next++]!;
  const isWord = (word: string): boolean => peek().kind === "name" && peek().value.toLowerCase() === word;
  const takeWord = (word: string): boolean => isWord(word) && take() !== undefined;
  const takeSymbol = (symbol: string): boolean =>
    peek().kind === "symbol" && peek().value === symbol && take() !== undefined;
  const last = (): number => tokens[next - 1]!.end;
  const found = (): string =>
    peek().kind === "end" ? "the filter ends" : `${filter.slice(peek().at, peek().end)} stands`;
  const refuse = (wanted: string, hint?: string): never => {
    throw filterError(filter, peek().at, `${found()} where ${wanted} is wanted`, { hint });
  };
  const needSymbol = (symbol: string): void => {
    if (!takeSymbol(symbol)) refuse(symbol);
  };

  const chain = (kind: "and" | "or", part: (depth: number) => Expression, depth: number): Expression => {
    const first = part(depth);
    if (!isWord(kind)) return first;
    const parts = [first];
    while (takeWord(kind)) parts.push(part(depth));
    return { kind, parts, at: first.at, end: last() };
  };
  const either = (depth: number): Expression => chain("or", both, depth);
  const both = (depth: number): Expression => chain("and", negation, depth);
  const negation = (depth: number): Expression => {
    if (depth > DEEPEST) throw filterError(filter, peek().at, `it is nested more than ${DEEPEST} levels deep`);
    const { at } = peek();
    if (takeWord("not")) return { kind: "not", part: negation(depth + 1), at, end: last() };
    if (takeSymbol("(")) {
      const inner = either(depth + 1);
      needSymbol(")");
      return inner;
    }
    return test();
  };

  const test = (): Expression => {
    const left = operand();
    const { at } = left;
    const token = peek();
    const op = token.kind === "symbol" ? COMPARISONS.find((known) => known === token.value) : undefined;
    if (op !== undefined) {
      take();
      const right = operand();
      const again = COMPARISONS.find((known) => peek().kind === "symbol" && known === peek().value);
      if (again !== undefined) refuse("and, or or the end", "Write a < b < c as: a < b and b < c.");
      return { kind: "compare", op, left, right, at, end: last() };
    }
    if (takeWord("is")) {
      const negated = takeWord("not");
      if (!takeWord("null")) refuse("null", "Compare values with =.");
      return { kind: "null", source: sourceOf(left), negated, at, end: last() };
    }
    if (isWord("not")) {
      take();
      if (!isWord("in")) refuse("in", "Put not before the test: not ns__tag contains 'x'.");
      take();
      return { kind: "in", source: sourceOf(left), items: items(), negated: true, at, end: last() };
    }
    if (takeWord("in")) return { kind: "in", source: sourceOf(left), items: items(), negated: false, at, end: last() };
    const how = textMatch();
    if (how !== undefined) {
      const source = sourceOf(left);
      return { kind: "match", how, source, pattern: literal(), at, end: last() };
    }
    return { kind: "truth", operand: left, at, end: last() };
  };

  const textMatch = (): TextMatch | undefined => {
    if (takeSymbol("~")) return "~";
    if (takeWord("contains")) return "contains";
    if (!takeWord("starts")) return undefined;
    if (!takeWord("with")) refuse("with");
    return "starts with";
  };

  const items = (): readonly Literal[] => {
    needSymbol("(");
    const listed = [literal()];
    while (takeSymbol(",")) listed.push(literal());
    if (!takeSymbol(")")) refuse(", or )");
    return listed;
  };

  const sourceOf = (left: Operand): Source => {
    if (left.kind === "column" || left.kind === "length") return left;
    throw filterError(filter, left.at, "a column is wanted here");
  };

  const operand = (): Operand => {
    const token = peek();
    if (token.kind === "name" && token.value.toLowerCase() === "len" && tokens[next + 1]?.value === "(") {
      take();
      take();
      const of = column();
      needSymbol(")");
      return { kind: "length", of, at: token.at, end: last() };
    }
    if (token.kind === "quoted" || (token.kind === "name" && !RESERVED.has(token.value.toLowerCase()))) return column();
    return literal();
  };

  const column = (): ColumnRef => {
    const { kind, value, at, end } = peek();
    if (kind !== "quoted" && (kind !== "name" || RESERVED.has(value.toLowerCase()))) refuse("a column");
    take();
    return { kind: "column", name: value, at, end };
  };

  const literal = (): Literal => {
    const { kind, value, at } = peek();
    const word = kind === "name" ? value.toLowerCase() : "";
    const constant = CONSTANTS.get(word);
    if (kind === "text") return { kind, value, at, end: take().end };
    if (kind === "number")
      return { kind, digits: /infinity$/i.test(value) ? `${value[0]}Infinity` : value, at, end: take().end };
    if (constant !== undefined) return { ...constant, at, end: take().end };
    const hint = kind === "name" || kind === "quoted" ? `Text is quoted: '${value}'.` : undefined;
    return refuse(kind === "name" && !RESERVED.has(word) ? "a constant" : "a column or a constant", hint);
  };

  const whole = either(0);
  if (peek().kind !== "end") refuse("and, or or the end");
  return whole;
};

const CONSTANTS: ReadonlyMap<
  string,
  { kind: "bool"; value: boolean } | { kind: "null" } | { kind: "number"; digits: string }
> = new Map([
  ["true", { kind: "bool", value: true } as const],
  ["false", { kind: "bool", value: false } as const],
  ["null", { kind: "null" } as const],
  ["nan", { kind: "number", digits: "NaN" } as const],
  ["infinity", { kind: "number", digits: "Infinity" } as const],
]);

/** The columns that a filter names. */
export const columnsOf = (expression: Expression): readonly ColumnRef[] => {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.parts.flatMap(columnsOf);
    case "not":
      return columnsOf(expression.part);
    case "compare":
      return [expression.left, expression.right].flatMap(columnOf);
    case "truth":
      return columnOf(expression.operand);
    default:
      return columnOf(expression.source);
  }
};

const columnOf = (operand: Operand): readonly ColumnRef[] =>
  operand.kind === "column" ? [operand] : operand.kind === "length" ? [operand.of] : [];
