import { filterError } from "./error.ts";
import type { Span } from "./syntax.ts";

export type Token = Span & {
  /** `name`: a word, `quoted`: a column's name in backquotes, `symbol`: an operator or bracket, `end`: nothing more. */
  readonly kind: "name" | "quoted" | "text" | "number" | "symbol" | "end";
  /** What it says: a text without its quotes, anything else as it is written. */
  readonly value: string;
};

const BLANK = /[\s\u0085]+/uy;
const WORD = /[\p{L}_][\p{L}\p{N}\p{M}_]*/uy;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/uy;
const SIGNED_INFINITY = /[+-]Infinity\b/iuy;
const SYMBOL = /<=|>=|!=|[=<>(),~]/uy;

/** What other languages write. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/==/uy, "Equal is =."],
  [/<>/uy, "Not equal is !=."],
  [/&&?/uy, "Write: and."],
  [/\|\|?/uy, "Write: or."],
  [/!/uy, "Write: not."],
];

/** The words of a filter, `end` the last. Throws `FILTER_INVALID` where none begins. */
export const tokensOf = (filter: string): readonly Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(filter)?.[0];
  };
  const push = (kind: Token["kind"], length: number, value: string): void => {
    tokens.push({ kind, value, at, end: at + length });
    at += length;
  };
  while (at < filter.length) {
    const blank = take(BLANK);
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const first = filter[at]!;
    if (first === "'" || first === '"' || first === "`") {
      const end = closing(filter, at, first);
      const value = filter.slice(at + 1, end).replaceAll(first + first, first);
      push(first === "`" ? "quoted" : "text", end + 1 - at, value);
      continue;
    }
    const word = take(WORD);
    if (word !== undefined) {
      push("name", word.length, word);
      continue;
    }
    const number = take(SIGNED_INFINITY) ?? take(NUMBER);
    if (number !== undefined) {
      const start = at;
      push("number", number.length, number);
      const glued = take(WORD);
      if (glued !== undefined)
        throw filterError(filter, start, `${number}${glued} is no number`, { hint: "Text is quoted: 'abc'." });
      continue;
    }
    for (const [pattern, hint] of FOREIGN) {
      const found = take(pattern);
      if (found !== undefined && take(SYMBOL) !== "!=")
        throw filterError(filter, at, `${found} means nothing`, { hint });
    }
    const symbol = take(SYMBOL);
    if (symbol === undefined) throw filterError(filter, at, `${JSON.stringify(characterAt(filter, at))} means nothing`);
    push("symbol", symbol.length, symbol);
  }
  push("end", 0, "");
  return tokens;
};

const characterAt = (text: string, at: number): string => String.fromCodePoint(text.codePointAt(at)!);

/** Where the quote that opens at `at` closes; a doubled one stands for itself. */
const closing = (filter: string, at: number, quote: string): number => {
  for (let end = at + 1; end < filter.length; end++) {
    if (filter[end] !== quote) continue;
    if (filter[end + 1] !== quote) return end;
    end++;
  }
  throw filterError(filter, at, `the quote ${quote} is never closed`, {
    hint: `Within the quotes ${quote}${quote} stands for ${quote}.`,
  });
};
