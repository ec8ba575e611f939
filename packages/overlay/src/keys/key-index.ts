import type { Column } from "@usr/schema";
import { isValid } from "@usr/schema/columns";
import { OverlayError } from "../error.ts";
import type { KeyBatch, KeyIndex, KeyIndexOptions, OverlayKey } from "../types.ts";
import { foldsCase, keyText, stripInto } from "./key-bytes.ts";
import { inShare } from "./key-share.ts";
import { createKeyTable, type KeyTable, NOT_LOOKED_UP } from "./key-table.ts";

/** As many keys are worth looking for in filters. */
const FEW = 1024;

/**
 * Indexes base rows by `key`. The batches hold `id`, or for sequence keys `sequence`, `bio_type` and `alphabet`; other columns are
 * passed over. Rows may be given in pieces (`startRow`, ascending); a base given in part answers for the rows given. Sequence keys
 * are checked against the rows given, so they want every row, deleted ones too.
 *
 * Of a share the keys of the other ones are checked and left out: every key is asked for in the index of its own share.
 *
 * Memory: about 27 bytes a row for ids, 36 bytes and the sequence for sequence keys.
 *
 * @throws OverlayError `MULTIPLE_BIO_TYPES`, `AMBIGUOUS_BASE_KEY`; `NOT_SUPPORTED` for `sequence_ci` where an alphabet is not `dna_4`
 */
export async function buildKeyIndex(
  key: OverlayKey,
  base: AsyncIterable<KeyBatch> | Iterable<KeyBatch>,
  o: KeyIndexOptions = {},
): Promise<KeyIndex> {
  const fold = foldsCase(key);
  const { share } = o;
  let table: KeyTable | undefined;
  const repeats: Repeats = { next: new Map(), last: new Map() };
  const rules = key === "id" ? undefined : createSequenceRules(key);
  const range = new Int32Array(2);
  const keys: Uint8Array[] = [];
  let end = 0;
  let given = 0;

  for await (const batch of base) {
    o.signal?.throwIfAborted();
    const startRow = batch.startRow ?? end;
    if (startRow < end)
      throw new RangeError(`Base rows are given in ascending order; row ${startRow} comes after row ${end - 1}.`);
    table ??= createKeyTable({ expected: o.expected ?? batch.numRows, fold });
    rules?.check(batch, startRow);
    const column = columnNamed(batch, key === "id" ? "id" : "sequence");
    if (column.layout === "utf8") {
      const { offsets, data, validity } = column;
      const met = new Int32Array(column.length);
      /** The keys before were added, and `met` says which row has the same. */
      let added = 0;
      for (let i = 0; i < column.length; i++) {
        if (validity !== undefined && !isValid(column, i)) continue;
        if (i >= added && validity === undefined && share === undefined)
          added = table.addEach(data, offsets, i, column.length, startRow, met);
        if (i < added) {
          range[0] = offsets[i]!;
          range[1] = offsets[i + 1]!;
        } else {
          stripInto(range, data, offsets[i]!, offsets[i + 1]!);
          if (range[0] === range[1]) continue;
          if (share !== undefined && !inShare(data, range[0]!, range[1]!, fold, share)) continue;
          met[i] = table.add(data, range[0]!, range[1]!, startRow + i);
        }
        const earlier = met[i]!;
        if (earlier < 0) {
          if (keys.length <= FEW) keys.push(data.slice(range[0]!, range[1]!));
          continue;
        }
        if (key === "id") addRepeat(repeats, earlier, startRow + i);
        else throw ambiguous(key, keyText(data, range[0]!, range[1]!, fold), earlier, startRow + i);
      }
    }
    end = startRow + batch.numRows;
    given += batch.numRows;
  }

  const filled = table ?? createKeyTable({ expected: 0, fold });
  const numRows = o.rows ?? end;
  const lookup = (bytes: Uint8Array, start: number, stop: number): number => {
    stripInto(range, bytes, start, stop);
    return range[0] === range[1] ? -2 : filled.find(bytes, range[0]!, range[1]!);
  };
  return {
    key,
    numRows,
    size: filled.size,
    complete: given === numRows,
    keys: given === numRows || keys.length > FEW || fold ? undefined : keys,
    lookup,
    lookupEach: (column) => {
      const { offsets, data, validity } = column;
      const rows = new Int32Array(column.length);
      filled.findEach(data, offsets, rows);
      for (let i = 0; i < rows.length; i++) {
        if (validity !== undefined && !isValid(column, i)) rows[i] = -2;
        else if (rows[i] === NOT_LOOKED_UP) rows[i] = lookup(data, offsets[i]!, offsets[i + 1]!);
      }
      return rows;
    },
    next: (row) => repeats.next.get(row) ?? -1,
    repeats: repeats.next.size > 0,
  };
}

function columnNamed(batch: KeyBatch, name: string): Column {
  const at = batch.schema.fields.findIndex((field) => field.name === name);
  const column = batch.columns[at];
  if (column === undefined) throw new RangeError(`Batches of base rows hold the column ${name}.`);
  return column;
}

/** Rows that share an id, chained in base order. A sound base has none. */
interface Repeats {
  readonly next: Map<number, number>;
  /** The last row of the chain that begins at a row. */
  readonly last: Map<number, number>;
}

function addRepeat({ next, last }: Repeats, first: number, row: number): void {
  next.set(last.get(first) ?? first, row);
  last.set(first, row);
}

function ambiguous(key: OverlayKey, text: string, first: number, second: number): OverlayError {
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return new OverlayError(
    "AMBIGUOUS_BASE_KEY",
    `Base rows ${first + 1} and ${second + 1} have the same ${key}: ${shown}.`,
    {
      hint: "An overlay keyed by sequence needs a base where each sequence occurs once: remove the double, or key the overlay by id.",
      details: { key, value: text, rows: [first + 1, second + 1] },
    },
  );
}

interface SequenceRules {
  check(batch: KeyBatch, startRow: number): void;
}

function createSequenceRules(key: OverlayKey): SequenceRules {
  const decoder = new TextDecoder();
  let bioType: Uint8Array | undefined;
  const dna4 = new TextEncoder().encode("dna_4");

  /** The first row whose value is not `expected`; NULL counts as different where `nulls` says so. */
  const firstOther = (column: Column, expected: Uint8Array, nulls: boolean): number => {
    for (let i = 0; i < column.length; i++) {
      if (!isValid(column, i)) {
        if (nulls) return i;
      } else if (
        column.layout !== "utf8" ||
        !sameBytes(column.data, column.offsets[i]!, column.offsets[i + 1]!, expected)
      )
        return i;
    }
    return -1;
  };
  const text = (column: Column, row: number): string | null =>
    column.layout === "utf8" && isValid(column, row)
      ? decoder.decode(column.data.subarray(column.offsets[row]!, column.offsets[row + 1]!))
      : null;

  const checkBioType = (column: Column, startRow: number): void => {
    if (bioType === undefined && column.layout === "utf8") {
      for (let i = 0; i < column.length && bioType === undefined; i++) {
        if (isValid(column, i)) bioType = column.data.slice(column.offsets[i]!, column.offsets[i + 1]!);
      }
    }
    if (bioType === undefined) return;
    const other = firstOther(column, bioType, false);
    if (other < 0) return;
    const found = [decoder.decode(bioType), text(column, other)];
    throw new OverlayError(
      "MULTIPLE_BIO_TYPES",
      `An overlay keyed by ${key} needs a base of one bio_type, and this one has ${found.join(" and ")}.`,
      {
        hint: "Key the overlay by id, or keep each bio_type in a dataset of its own.",
        details: { key, bio_types: found, row: startRow + other + 1 },
      },
    );
  };

  return {
    check: (batch, startRow) => {
      checkBioType(columnNamed(batch, "bio_type"), startRow);
      if (key !== "sequence_ci") return;
      const alphabets = columnNamed(batch, "alphabet");
      const other = firstOther(alphabets, dna4, true);
      if (other < 0) return;
      throw new OverlayError(
        "NOT_SUPPORTED",
        `The key sequence_ci is for dna_4 alone, and base row ${startRow + other + 1} has the alphabet ${text(alphabets, other) ?? "NULL"}.`,
        {
          hint: "Key the overlay by sequence or by id.",
          details: { key, alphabet: text(alphabets, other), row: startRow + other + 1 },
        },
      );
    },
  };
}

function sameBytes(data: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  if (end - start !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) if (data[start + i] !== expected[i]) return false;
  return true;
}
