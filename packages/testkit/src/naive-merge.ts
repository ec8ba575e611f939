/** A part as plain values: what a file holds, without the file. */
export interface NaivePart<V> {
  readonly name: string;
  /** Nanoseconds since the epoch. */
  readonly createdAt: bigint;
  readonly rows: readonly { readonly key: string | null; readonly values: Readonly<Record<string, V | null>> }[];
}

export type NaiveKey = "id" | "sequence" | "sequence_norm" | "sequence_ci";

const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
const AROUND = new RegExp(`^${SPACE}|${SPACE}$`, "g");

/** The key as it is compared; `undefined` = none. */
export function naiveKey(kind: NaiveKey, key: string | null): string | undefined {
  const text = (key ?? "").replace(AROUND, "");
  if (text === "") return undefined;
  return kind === "sequence_ci" ? text.replace(/[a-z]/g, (letter) => letter.toUpperCase()) : text;
}

/** The name of the first part that has a key twice, by the order given; `undefined` = none has. */
export function naiveDuplicate<V>(kind: NaiveKey, parts: readonly NaivePart<V>[]): string | undefined {
  for (const part of parts) {
    const keys = part.rows.map((row) => naiveKey(kind, row.key)).filter((key) => key !== undefined);
    if (new Set(keys).size < keys.length) return part.name;
  }
  return undefined;
}

/**
 * The merge rule, as slowly and plainly as it can be said: for every base key and column, go through the parts newest first (by
 * creation, then by name) and take the first value that is not NULL. The oracle of `mergeOverlay`.
 */
export function naiveMerge<V>(
  kind: NaiveKey,
  base: readonly (string | null)[],
  parts: readonly NaivePart<V>[],
  columns: readonly string[],
): readonly (readonly (V | null)[])[] {
  const newestFirst = [...parts].sort((a, b) => {
    if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
    return a.name < b.name ? 1 : -1;
  });
  return base.map((text) => {
    const key = naiveKey(kind, text);
    return columns.map((column) => {
      if (key === undefined) return null;
      for (const part of newestFirst) {
        const row = part.rows.find((candidate) => naiveKey(kind, candidate.key) === key);
        const value = row?.values[column];
        if (value !== undefined && value !== null) return value;
      }
      return null;
    });
  });
}
