import type { ColumnBounds } from "@usr/parquet";
import type { Column } from "@usr/schema";

/** The three values of SQL. */
export const FALSE = 0;
export const TRUE = 1;
export const UNKNOWN = 2;

/** Which of the three values rows may have: bit `1 << value`. */
export type Possible = number;
export const ANY: Possible = 0b111;

/** What is known of the values of a column in a set of rows without reading them. */
export interface Bounds extends ColumnBounds {
  /** Whether a text may be among them. */
  readonly mayHold?: ((text: Uint8Array) => boolean) | undefined;
}

/** A test, bound to columns and their types. */
export interface Predicate {
  /** One of the three values for each row. The result is the caller's. */
  readonly test: (columns: ReadonlyMap<string, Column>, numRows: number) => Uint8Array;
  /** What it may be in a set of rows of which only bounds are known. `undefined` = nothing is. */
  readonly possible: (bounds: (column: string) => Bounds | undefined, numRows: number) => Possible;
}

export const constantly = (value: boolean): Predicate => ({
  test: (_, numRows) => new Uint8Array(numRows).fill(value ? TRUE : FALSE),
  possible: () => 1 << (value ? TRUE : FALSE),
});

export const negated = (part: Predicate): Predicate => ({
  test: (columns, numRows) => {
    const values = part.test(columns, numRows);
    for (let i = 0; i < values.length; i++) if (values[i] !== UNKNOWN) values[i] = values[i] === TRUE ? FALSE : TRUE;
    return values;
  },
  possible: (bounds, numRows) => {
    const inner = part.possible(bounds, numRows);
    return (inner & (1 << UNKNOWN)) | (inner & (1 << TRUE) ? 1 << FALSE : 0) | (inner & (1 << FALSE) ? 1 << TRUE : 0);
  },
});

/** `and` is decided by a part that is false, `or` by one that is true. */
export const joined = (kind: "and" | "or", parts: readonly Predicate[]): Predicate => {
  const decisive = kind === "and" ? FALSE : TRUE;
  const both = (a: number, b: number): number =>
    a === decisive || b === decisive ? decisive : a === UNKNOWN || b === UNKNOWN ? UNKNOWN : a;
  const [first, ...rest] = parts;
  if (first === undefined) return constantly(kind === "and");
  return {
    test: (columns, numRows) => {
      const values = first.test(columns, numRows);
      for (const part of rest) {
        if (values.every((value) => value === decisive)) break;
        const others = part.test(columns, numRows);
        for (let i = 0; i < values.length; i++) values[i] = both(values[i]!, others[i]!);
      }
      return values;
    },
    possible: (bounds, numRows) =>
      rest.reduce(
        (sum, part) => {
          const other = part.possible(bounds, numRows);
          let result = 0;
          for (let a = FALSE; a <= UNKNOWN; a++)
            for (let b = FALSE; b <= UNKNOWN; b++) if (sum & (1 << a) && other & (1 << b)) result |= 1 << both(a, b);
          return result;
        },
        first.possible(bounds, numRows),
      ),
  };
};
