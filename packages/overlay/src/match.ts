import type { Column, Utf8Column } from "@usr/schema";
import { isValid } from "@usr/schema/columns";
import { foldsCase, keyText, stripInto } from "./keys/key-bytes.ts";
import { createKeyTable, type KeyTable } from "./keys/key-table.ts";
import type { DuplicateKey, KeyIndex, KeyMatcher } from "./types.ts";

const SAMPLES = 5;

/**
 * Finds the base rows of a stream of keys and counts what does not fit. Keys are normalised here. Memory: next to none while keys
 * are those of the base rows one after the other, then 4 bytes a key, and 4 bytes a base row instead once keys do not come in base order; orphans
 * are kept to tell doubles among them.
 */
export function matchKeys(index: KeyIndex): KeyMatcher {
  const fold = foldsCase(index.key);
  const range = new Int32Array(2);
  /** So many keys came first that were those of the first base rows, one after the other. */
  let leading = 0;
  /** The base rows of the keys after them, as long as `firstSeen` is not made of them. */
  let history: Int32Array[] = [];
  const duplicateSamples: DuplicateKey[] = [];
  const orphanSamples: string[] = [];
  const counts = { rows: 0, matched: 0, orphans: 0, blank: 0, duplicates: 0 };
  let highest = -1;
  /** Row + 1 of the first key of each base row; unknown as long as rows ascend, when no two can be equal. */
  let firstSeen: Int32Array | undefined;
  let strangers: KeyTable | undefined;

  /** What the columns before the one at hand and its rows before `i` say. */
  const remember = (i: number): Int32Array => {
    const seen = new Int32Array(index.numRows);
    for (let base = 0; base < leading; base++) seen[base] = base + 1;
    let row = leading;
    for (const rows of history) {
      const met = rows === history.at(-1) ? rows.subarray(0, i) : rows;
      for (const base of met) {
        row++;
        if (base >= 0) seen[base] = row;
      }
    }
    history = [];
    return seen;
  };

  /** Keeps the base rows of a column of keys for `remember`. */
  const note = (rows: Int32Array): void => {
    if (firstSeen === undefined) history.push(rows);
  };

  /** Takes a column that goes on where those before it, all of them like this, led; then none of its keys needs a look of its own. */
  const leads = (rows: Int32Array): boolean => {
    if (firstSeen !== undefined || history.length > 0 || !areFrom(leading, rows)) return false;
    leading += rows.length;
    highest = leading - 1;
    counts.rows += rows.length;
    counts.matched += rows.length;
    return true;
  };

  /** Puts where key `i` stands, without white space around it, into `range`. */
  const locate = ({ data, offsets }: Utf8Column, i: number): void =>
    stripInto(range, data, offsets[i]!, offsets[i + 1]!);

  const duplicate = (column: Utf8Column, i: number, first: number): void => {
    counts.duplicates++;
    if (duplicateSamples.length === SAMPLES) return;
    locate(column, i);
    duplicateSamples.push({ key: keyText(column.data, range[0]!, range[1]!, fold), rows: [first, counts.rows] });
  };

  const meet = (column: Utf8Column, i: number, base: number): void => {
    counts.rows++;
    if (base >= 0) {
      counts.matched++;
      if (base > highest && firstSeen === undefined) {
        highest = base;
        return;
      }
      firstSeen ??= remember(i);
      const first = firstSeen[base]!;
      if (first === 0) firstSeen[base] = counts.rows;
      else duplicate(column, i, first);
    } else if (base === -2) {
      counts.blank++;
    } else {
      counts.orphans++;
      const { data } = column;
      locate(column, i);
      if (orphanSamples.length < SAMPLES) orphanSamples.push(keyText(data, range[0]!, range[1]!, fold));
      if (!index.complete) return;
      strangers ??= createKeyTable({ expected: 0, fold });
      const first = strangers.add(data, range[0]!, range[1]!, counts.rows);
      if (first >= 0) duplicate(column, i, first);
    }
  };

  return {
    match: (column) => {
      if (column.layout !== "utf8") {
        counts.rows += column.length;
        counts.blank += blanks(column);
        const none = new Int32Array(column.length).fill(-2);
        note(none);
        return none;
      }
      const rows = index.lookupEach(column);
      if (leads(rows)) return rows;
      note(rows);
      for (let i = 0; i < rows.length; i++) meet(column, i, rows[i]!);
      return rows;
    },
    firstOf: () => firstSeen,
    summary: () => ({ ...counts, duplicateSamples: [...duplicateSamples], orphanSamples: [...orphanSamples] }),
  };
}

/** Whether these are base rows one after the other, the first of them `first`. */
function areFrom(first: number, rows: Int32Array): boolean {
  for (let i = 0; i < rows.length; i++) if (rows[i] !== first + i) return false;
  return true;
}

/** How many rows a column that is not text has, none of them with a key; where it has values, the caller gave the wrong column. */
export function blanks(column: Column): number {
  for (let row = 0; row < column.length; row++) {
    if (column.layout !== "null" && isValid(column, row))
      throw new TypeError(`Keys are text, not ${column.type.kind}.`);
  }
  return column.length;
}
