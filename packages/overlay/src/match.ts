import type { Column } from "@usr/schema";
import { isValid } from "@usr/schema/columns";
import { foldsCase, keyText, stripInto } from "./key-bytes.ts";
import { createKeyTable, type KeyTable } from "./key-table.ts";
import type { DuplicateKey, KeyIndex, KeyMatcher } from "./types.ts";

const SAMPLES = 5;

/**
 * Finds the base rows of a stream of keys and counts what does not fit. Keys are normalised here. Memory: 4 bytes a key, and where keys
 * do not come in base order 4 bytes a base row; orphans are kept to tell doubles among them.
 */
export function matchKeys(index: KeyIndex): KeyMatcher {
  const fold = foldsCase(index.key);
  const range = new Int32Array(2);
  const history: Int32Array[] = [];
  const duplicateSamples: DuplicateKey[] = [];
  const orphanSamples: string[] = [];
  const counts = { rows: 0, matched: 0, orphans: 0, blank: 0, duplicates: 0 };
  let highest = -1;
  /** Row + 1 of the first key of each base row; unknown as long as rows ascend, when no two can be equal. */
  let firstSeen: Int32Array | undefined;
  let strangers: KeyTable | undefined;

  const remember = (): Int32Array => {
    const seen = new Int32Array(index.numRows);
    let row = 0;
    for (const rows of history) {
      for (const base of rows) {
        row++;
        if (base >= 0) seen[base] = row;
      }
    }
    return seen;
  };

  const duplicate = (bytes: Uint8Array, first: number): void => {
    counts.duplicates++;
    if (duplicateSamples.length === SAMPLES) return;
    duplicateSamples.push({ key: keyText(bytes, range[0]!, range[1]!, fold), rows: [first, counts.rows] });
  };

  const meet = (bytes: Uint8Array, base: number): void => {
    if (base >= 0) {
      counts.matched++;
      if (base > highest && firstSeen === undefined) {
        highest = base;
        return;
      }
      // The keys of this column up to here are part of the history; those after it still say -2.
      firstSeen ??= remember();
      const first = firstSeen[base]!;
      if (first === 0) firstSeen[base] = counts.rows;
      else duplicate(bytes, first);
    } else if (base === -2) {
      counts.blank++;
    } else {
      counts.orphans++;
      if (orphanSamples.length < SAMPLES) orphanSamples.push(keyText(bytes, range[0]!, range[1]!, fold));
      if (!index.complete) return;
      strangers ??= createKeyTable({ expected: 0, fold });
      const first = strangers.add(bytes, range[0]!, range[1]!, counts.rows);
      if (first >= 0) duplicate(bytes, first);
    }
  };

  return {
    match: (column) => {
      const rows = new Int32Array(column.length).fill(-2);
      if (column.layout !== "utf8") {
        counts.rows += column.length;
        counts.blank += blanks(column);
        history.push(rows);
        return rows;
      }
      const { offsets, data } = column;
      history.push(rows);
      for (let i = 0; i < rows.length; i++) {
        counts.rows++;
        let base = -2;
        if (column.validity === undefined || isValid(column, i)) {
          stripInto(range, data, offsets[i]!, offsets[i + 1]!);
          base = index.lookup(data, range[0]!, range[1]!);
        }
        meet(data, base);
        rows[i] = base;
      }
      return rows;
    },
    summary: () => ({ ...counts, duplicateSamples: [...duplicateSamples], orphanSamples: [...orphanSamples] }),
  };
}

/** A column that is not text holds no key; where it has values, the caller gave the wrong column. */
function blanks(column: Column): number {
  for (let row = 0; row < column.length; row++) {
    if (column.layout !== "null" && isValid(column, row))
      throw new TypeError(`Keys are text, not ${column.type.kind}.`);
  }
  return column.length;
}
