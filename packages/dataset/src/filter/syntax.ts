/** A place in the text of a filter: code units `[at, end)`. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** A constant as it is written; what it is worth depends on the column it meets. */
export type Literal = Span &
  (
    | { readonly kind: "text"; readonly value: string }
    /** Digits as they are written, `NaN`, `Infinity` or `-Infinity`. */
    | { readonly kind: "number"; readonly digits: string }
    | { readonly kind: "bool"; readonly value: boolean }
    | { readonly kind: "null" }
  );

export type ColumnRef = Span & { readonly kind: "column"; readonly name: string };

/** What a test looks at: a column, or how many items the lists of one have. */
export type Source = ColumnRef | (Span & { readonly kind: "length"; readonly of: ColumnRef });

export type Operand = Source | Literal;

/** A filter without types: what was written, and where. */
export type Expression = Span &
  (
    | { readonly kind: "and" | "or"; readonly parts: readonly Expression[] }
    | { readonly kind: "not"; readonly part: Expression }
    | { readonly kind: "compare"; readonly op: Comparison; readonly left: Operand; readonly right: Operand }
    | { readonly kind: "in"; readonly source: Source; readonly items: readonly Literal[]; readonly negated: boolean }
    | { readonly kind: "null"; readonly source: Source; readonly negated: boolean }
    | { readonly kind: "match"; readonly how: TextMatch; readonly source: Source; readonly pattern: Literal }
    /** A boolean column, or `true` and `false`, alone. */
    | { readonly kind: "truth"; readonly operand: Operand }
  );

export type TextMatch = "contains" | "starts with" | "~";
