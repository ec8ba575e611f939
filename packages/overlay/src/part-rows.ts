import { nullCount, type ParquetFile, readBatches } from "@usr/parquet";
import { writtenHere } from "@usr/parquet/lookup";
import { storedAlike, storedLayout } from "@usr/parquet/stored";
import type { Signal } from "@usr/storage";
import { WORTH_COMPARING } from "./alike-parts.ts";
import { OverlayError } from "./error.ts";
import { locateFew } from "./few-rows.ts";
import { matchKeys } from "./match.ts";
import { locateByShares } from "./rows-by-share.ts";
import type { DuplicateKey, KeyIndex, LateIndex, Part, PartRows } from "./types.ts";

export interface RowLocator {
  /** Finds the rows of all these parts, each once, for `locate` to give. */
  locateAll(parts: readonly Part[]): Promise<void>;
  /** @throws OverlayError `DUPLICATE_KEY` where two rows of the part have the same key */
  locate(part: Part): Promise<PartRows>;
  /** Lets go of the index, which is larger than all that is found by it. No other part is located after it. */
  forget(): void;
}

/**
 * Finds the rows of parts over one index. A part whose keys are stored in the same bytes as those of a part before it, as when one program
 * scores one table again and again, shares the rows found for that one: its keys are compared instead of decoded. Under an index of few rows
 * bloom filters tell where their keys may be.
 */
export function rowLocator(given: KeyIndex | LateIndex, o: Signal): RowLocator {
  let held: KeyIndex | LateIndex | undefined = given;
  let built: Promise<KeyIndex> | undefined;
  let whole: PartRows | undefined;
  const indexed = async (source: KeyIndex | LateIndex): Promise<KeyIndex> => {
    if (!("base" in source)) return source;
    built ??= source.build();
    return built;
  };
  const located = new Map<string, { readonly part: Part; readonly rows: Promise<PartRows> }>();
  const known = new Map<Part, PartRows>();
  /** What the index is made of, as long as it is held. */
  const source = (): KeyIndex | LateIndex => {
    if (held === undefined) throw new RangeError("The index was let go of before all parts were located.");
    return held;
  };
  const ofBase = async (part: Part, over: KeyIndex | LateIndex): Promise<PartRows | undefined> => {
    if (!("base" in over) || !(await isBaseInOrder(part, over.base, o))) return undefined;
    whole ??= { count: over.base.numRows, base: undefined, part: undefined, forward: true };
    return whole;
  };
  const locateAll: RowLocator["locateAll"] = async (parts) => {
    const over = source();
    if (!("base" in over) || over.shares === undefined || over.shares === 1) {
      for (const part of parts) known.set(part, await locate(part));
      return;
    }
    const others: Part[] = [];
    for (const part of parts) {
      const rows = await ofBase(part, over);
      if (rows === undefined) others.push(part);
      else known.set(part, rows);
    }
    const found = await locateByShares(others, over, over.shares, o);
    for (const [i, part] of others.entries()) {
      const { rowOf, duplicates, sample } = found[i]!;
      if (sample !== undefined) throw duplicateKey(part, sample, duplicates);
      known.set(part, pairByBase(rowOf));
    }
  };
  const locate: RowLocator["locate"] = async (part) => {
    const found = known.get(part);
    if (found !== undefined) return found;
    const over = source();
    const ofWhole = await ofBase(part, over);
    if (ofWhole !== undefined) return ofWhole;
    const index = await indexed(over);
    const few = index.keys && (await locateFew(part, index, index.keys, o));
    if (few !== undefined) return few;
    if (part.file.numRows < WORTH_COMPARING) return locateRows(part, index, o);
    const layout = storedLayout(part.file, part.key);
    const twin = located.get(layout);
    if (twin !== undefined && (await storedAlike(part.file, twin.part.file, part.key, o))) return twin.rows;
    const rows = locateRows(part, index, o);
    located.set(layout, { part, rows });
    return rows;
  };
  return {
    locateAll,
    locate,
    forget: () => {
      held = undefined;
      built = undefined;
    },
  };
}

/**
 * Whether row for row a part is keyed by the ids of the base, as their bytes show. A part that a commit of ours wrote holds a key once, and none
 * that is blank: attach refuses both. A part of another program may be otherwise, and its keys are looked at.
 */
async function isBaseInOrder({ file, key, eventId }: Part, base: ParquetFile, o: Signal): Promise<boolean> {
  return (
    key === "id" &&
    file.numRows >= WORTH_COMPARING &&
    file.numRows === base.numRows &&
    writtenHere(file) &&
    eventId !== undefined &&
    nullCount(file, key) === 0 &&
    storedAlike(file, base, key, o)
  );
}

/**
 * Reads the key column of a part once. Rows without a key and keys that no base row has are left out.
 *
 * @throws OverlayError `DUPLICATE_KEY` where two rows have the same key
 */
async function locateRows(part: Part, index: KeyIndex, o: Signal): Promise<PartRows> {
  const matcher = matchKeys(index);
  const rows = new Int32Array(part.file.numRows);
  const few = rows.length * FEW < index.numRows;
  let end = 0;
  for await (const batch of readBatches(part.file, { columns: [part.key], signal: o.signal })) {
    const found = matcher.match(batch.columns[0]!);
    // The matcher remembers keys in no order by their base rows. Memory that nothing was written to is none.
    if (few || index.repeats || matcher.firstOf() === undefined) rows.set(found, end);
    end += batch.numRows;
  }
  const { duplicates, duplicateSamples } = matcher.summary();
  const [sample] = duplicateSamples;
  if (sample !== undefined) throw duplicateKey(part, sample, duplicates);
  const firstOf = matcher.firstOf();
  if (index.repeats) return pairRepeated(rows, index);
  if (firstOf === undefined) return pairForward(rows);
  return few ? pairSorted(rows) : pairByBase(firstOf);
}

function duplicateKey(part: Part, { key, rows }: DuplicateKey, count: number): OverlayError {
  const shown = key.length > 60 ? `${key.slice(0, 57)}...` : key;
  return new OverlayError(
    "DUPLICATE_KEY",
    `${part.path} holds the key ${shown} twice, in rows ${rows[0]} and ${rows[1]}.`,
    {
      hint: "Attach the rows again under a part of their own and move this one out of _derived.",
      details: { namespace: part.namespace, file: part.path, key, rows, duplicates: count },
    },
  );
}

/** The rows of keys that come in base order. */
function pairForward(rows: Int32Array): PartRows {
  let matched = 0;
  for (const base of rows) if (base >= 0) matched++;
  const part = new Int32Array(matched);
  const base = new Int32Array(matched);
  for (let row = 0, i = 0; row < rows.length; row++) {
    if (rows[row]! < 0) continue;
    base[i] = rows[row]!;
    part[i++] = row;
  }
  return { count: matched, base, part, forward: true };
}

/** A part with less than one row to so many of the base is sorted; going through the base would take longer. */
const FEW = 16;

/** The rows of a few keys that do not ascend. */
function pairSorted(rows: Int32Array): PartRows {
  const part = Int32Array.from(rows.keys())
    .filter((row) => rows[row]! >= 0)
    .sort((a, b) => rows[a]! - rows[b]!);
  return { count: part.length, base: part.map((row) => rows[row]!), part, forward: false };
}

/** The rows of keys in any order: the part row of each base row counts from 1, 0 = none. */
function pairByBase(rowOf: Int32Array): PartRows {
  let count = 0;
  for (const row of rowOf) if (row > 0) count++;
  if (count === rowOf.length) return pairEvery(rowOf);
  const base = new Int32Array(count);
  const part = new Int32Array(count);
  let forward = true;
  for (let row = 0, i = 0; row < rowOf.length; row++) {
    const from = rowOf[row]! - 1;
    if (from < 0) continue;
    if (i > 0 && from < part[i - 1]!) forward = false;
    base[i] = row;
    part[i++] = from;
  }
  return { count, base, part, forward };
}

/** The same where every base row has one: `rowOf` itself becomes the part rows. */
function pairEvery(rowOf: Int32Array): PartRows {
  let forward = true;
  for (let row = 0; row < rowOf.length; row++) {
    rowOf[row]!--;
    if (row > 0 && rowOf[row]! < rowOf[row - 1]!) forward = false;
  }
  return { count: rowOf.length, base: undefined, part: rowOf, forward };
}

/** A base that holds an id twice gives every row of that id what the part says of it. */
function pairRepeated(rows: Int32Array, index: KeyIndex): PartRows {
  const rowOf = new Int32Array(index.numRows);
  for (let row = 0; row < rows.length; row++)
    for (let base = rows[row]!; base >= 0; base = index.next(base)) rowOf[base] = row + 1;
  return pairByBase(rowOf);
}
