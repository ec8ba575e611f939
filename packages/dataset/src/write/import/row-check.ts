import type { TableBatch } from "@usr/formats";
import { ALPHABETS, IdError, normalizeSequence, stripRange } from "@usr/id";
import { type BulkHasher, createBulkChecker, createBulkHasher, idText } from "@usr/id/bulk";
import type { FixedColumn, Utf8Column } from "@usr/schema";
import { isValid } from "@usr/schema/columns";
import { DatasetError } from "../../error.ts";
import { ID_LENGTH, isAlphabet } from "../../identity.ts";

/** What a row is by its bio type and alphabet, which are known to go together. */
export interface RowKind {
  readonly bioType: string;
  readonly alphabet: string;
  readonly check: ReturnType<typeof createBulkChecker>;
  readonly hash: BulkHasher;
}

/** Rows that are right in themselves. */
export interface CheckedRows {
  readonly sequence: Utf8Column;
  /** The sequence of row i, stripped, is the bytes `[starts[i], ends[i])` of the column. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Whether the sequences lie end to end, as the column has them. */
  readonly gapless: boolean;
  /** Rows `[start, end)` of one kind, from the first row to the last. */
  readonly runs: readonly { readonly kind: RowKind; readonly start: number; readonly end: number }[];
  /** Five words of the id of each row. */
  readonly words: Int32Array;
}

/** Throws for the first row that is wrong, and for what is wrong with it first. */
export type RowChecker = (batch: TableBatch) => CheckedRows;

export interface RowCheckOptions {
  readonly path: string;
  readonly bioType?: string | undefined;
  readonly alphabet?: string | undefined;
}

/**
 * Checks batches column by column. A check that fails at a row leaves only the rows before it to the checks that follow, so that the error is
 * the one of the first wrong row.
 */
export const rowChecker = (o: RowCheckOptions): RowChecker => {
  const kindOf = kindFinder(o.path);
  return (batch) => {
    const first: FirstFault = { row: batch.numRows, error: undefined };
    const sequence = textCells(batch, "sequence");
    if (sequence === undefined) throw emptySequence(o.path, batch.firstRow);
    const ranges = sequenceRanges(sequence, batch, o.path, first);
    const runs = kindRuns(batch, o, kindOf, first);
    const rows = { sequence, ...ranges, runs, words: new Int32Array(batch.numRows * 5) };
    checkSymbols(rows, batch, o.path, first);
    for (const { kind, start, end } of runs)
      kind.hash(sequence.data, rows.starts, rows.ends, start, Math.min(end, first.row), rows.words);
    checkGivenIds(rows, batch, o.path, first);
    checkLengths(rows, batch, o.path, first);
    if (first.error !== undefined) throw first.error;
    return rows;
  };
};

/** The first wrong row of a batch found so far; rows from there on are not looked at any more. */
interface FirstFault {
  row: number;
  error: unknown;
}

const fail = (first: FirstFault, row: number, error: unknown): void => {
  first.row = row;
  first.error = error;
};

const sequenceRanges = (
  sequence: Utf8Column,
  { firstRow, numRows }: TableBatch,
  file: string,
  first: FirstFault,
): Pick<CheckedRows, "starts" | "ends" | "gapless"> => {
  const { offsets, data, validity } = sequence;
  const starts = offsets.slice(0, numRows);
  const ends = offsets.slice(1, numRows + 1);
  let gapless = true;
  for (let i = 0; i < numRows; i++) {
    let start = starts[i]!;
    let end = ends[i]!;
    // Printable ASCII at both ends has nothing to strip.
    if (start === end || !isGraphic(data[start]!) || !isGraphic(data[end - 1]!)) {
      [start, end] = stripRange(data, start, end);
      starts[i] = start;
      ends[i] = end;
      gapless = false;
    }
    if (start === end || (validity !== undefined && !isValid(sequence, i))) {
      fail(first, i, emptySequence(file, firstRow + i));
      break;
    }
  }
  return { starts, ends, gapless };
};

const isGraphic = (byte: number): boolean => byte > 32 && byte < 127;

const kindRuns = (
  batch: TableBatch,
  o: RowCheckOptions,
  kindOf: (bioType: string, alphabet: string, row: number) => RowKind,
  first: FirstFault,
): CheckedRows["runs"] => {
  const bioTypes = textCells(batch, "bio_type");
  const alphabets = textCells(batch, "alphabet");
  const constant = bioTypes === undefined && alphabets === undefined;
  const runs: { readonly kind: RowKind; readonly start: number; end: number }[] = [];
  for (let i = 0; i < first.row; i++) {
    const bioType = cell(bioTypes, i) ?? o.bioType;
    const alphabet = cell(alphabets, i) ?? o.alphabet;
    const row = batch.firstRow + i;
    if (bioType === undefined || alphabet === undefined) {
      const column = bioType === undefined ? "bio_type" : "alphabet";
      const error = new DatasetError("MISSING_COLUMN", `${o.path} row ${row} has no ${column}`, {
        hint: `Give --${column.replace("_", "-")}, or fill the column ${column}.`,
        details: { file: o.path, row, column },
      });
      fail(first, i, error);
      break;
    }
    let last = runs.at(-1);
    if (last?.kind.bioType !== bioType || last.kind.alphabet !== alphabet) {
      try {
        last = { kind: kindOf(bioType, alphabet, row), start: i, end: i };
      } catch (error) {
        fail(first, i, error);
        break;
      }
      runs.push(last);
    }
    last.end = i + 1;
    if (constant) {
      last.end = first.row;
      break;
    }
  }
  return runs;
};

/** The kinds met so far. */
const kindFinder = (file: string): ((bioType: string, alphabet: string, row: number) => RowKind) => {
  const kinds = new Map<string, RowKind>();
  const hashers = new Map<string, BulkHasher>();
  return (bioType, alphabet, row) => {
    const name = `${bioType}|${alphabet}`;
    let kind = kinds.get(name);
    if (kind === undefined) {
      try {
        // The scalar rule names what is wrong with the pair; one symbol of the alphabet keeps it from speaking of the sequence.
        normalizeSequence(isAlphabet(alphabet) ? ALPHABETS[alphabet].symbols.slice(0, 1) : "A", bioType, alphabet);
      } catch (cause) {
        throw atRow(cause, file, row);
      }
      const hash = hashers.get(bioType) ?? createBulkHasher(bioType);
      hashers.set(bioType, hash);
      kind = { bioType, alphabet, check: createBulkChecker(alphabet), hash };
      kinds.set(name, kind);
    }
    return kind;
  };
};

const checkSymbols = (rows: Omit<CheckedRows, "words">, batch: TableBatch, file: string, first: FirstFault): void => {
  const { starts, ends, sequence, gapless } = rows;
  const { data } = sequence;
  for (const { kind, start, end: runEnd } of rows.runs) {
    const end = Math.min(runEnd, first.row);
    if (end <= start) return;
    if (gapless && kind.check(data, starts[start]!, ends[end - 1]!) < 0) continue;
    for (let i = start; i < end; i++) {
      if (kind.check(data, starts[i]!, ends[i]!) < 0) continue;
      fail(first, i, badSymbol(data.subarray(starts[i]!, ends[i]!), kind, file, batch.firstRow + i));
      return;
    }
  }
};

const checkGivenIds = (rows: Pick<CheckedRows, "words">, batch: TableBatch, file: string, first: FirstFault): void => {
  const given = textCells(batch, "id");
  if (given === undefined) return;
  const ids = idText(rows.words, first.row);
  for (let i = 0; i < first.row; i++) {
    if (!isValid(given, i)) continue;
    const start = given.offsets[i]!;
    const end = given.offsets[i + 1]!;
    let same = end - start === ID_LENGTH;
    for (let k = 0; same && k < ID_LENGTH; k++) same = given.data[start + k] === ids[i * ID_LENGTH + k];
    if (!same)
      fail(
        first,
        i,
        idMismatch(
          given.data.subarray(start, end),
          ids.subarray(i * ID_LENGTH, (i + 1) * ID_LENGTH),
          file,
          batch.firstRow + i,
        ),
      );
  }
};

const checkLengths = (rows: CheckedRows, batch: TableBatch, file: string, first: FirstFault): void => {
  const length = fixedCells(batch, "length");
  if (length === undefined) return;
  for (let i = 0; i < first.row; i++) {
    const size = rows.ends[i]! - rows.starts[i]!;
    if (!isValid(length, i) || Number(length.values[i]) === size) continue;
    const row = batch.firstRow + i;
    const error = new DatasetError(
      "LENGTH_MISMATCH",
      `${file} row ${row}: length is ${length.values[i]}, the sequence has ${size} symbols`,
      {
        hint: "Correct the length, or leave the column out.",
        details: { file, row, column: "length", value: Number(length.values[i]), rule: `length = ${size}` },
      },
    );
    fail(first, i, error);
  }
};

export const textCells = (batch: TableBatch, name: string): Utf8Column | undefined => {
  const column = batch.columns.get(name);
  return column?.layout === "utf8" ? column : undefined;
};

export const fixedCells = (batch: TableBatch, name: string): FixedColumn | undefined => {
  const column = batch.columns.get(name);
  return column?.layout === "fixed" ? column : undefined;
};

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const ascii = (bytes: Uint8Array): string => decoder.decode(bytes);

/** A short text cell, stripped; blank counts as missing. */
const cell = (column: Utf8Column | undefined, row: number): string | undefined => {
  if (column === undefined || !isValid(column, row)) return undefined;
  const [start, end] = stripRange(column.data, column.offsets[row]!, column.offsets[row + 1]!);
  return start === end ? undefined : decoder.decode(column.data.subarray(start, end));
};

const badSymbol = (bytes: Uint8Array, { bioType, alphabet }: RowKind, file: string, row: number): unknown => {
  try {
    normalizeSequence(ascii(bytes), bioType, alphabet);
  } catch (cause) {
    return atRow(cause, file, row);
  }
  return new DatasetError("BAD_SYMBOL", `${file} row ${row}: the sequence is not ${alphabet}`, {
    details: { file, row },
  });
};

/** The same complaint, with the place it was found. */
const atRow = (cause: unknown, file: string, row: number): unknown => {
  if (!(cause instanceof IdError)) return cause;
  return new DatasetError(cause.code, `${file} row ${row}: ${cause.message}`, {
    hint: cause.hint,
    details: { ...cause.details, file, row, column: cause.code === "BAD_SYMBOL" ? "sequence" : undefined },
    cause,
  });
};

const emptySequence = (file: string, row: number): DatasetError =>
  new DatasetError("EMPTY_SEQUENCE", `${file} row ${row} has no sequence`, {
    hint: "Every row needs a sequence; remove the row or fill it.",
    details: { file, row, column: "sequence" },
  });

const idMismatch = (given: Uint8Array, computed: Uint8Array, file: string, row: number): DatasetError => {
  const id = ascii(computed);
  const value = ascii(given).slice(0, 80);
  return new DatasetError(
    "ID_MISMATCH",
    `${file} row ${row}: id is ${JSON.stringify(value)}, the sequence's id is ${id}`,
    {
      hint: "Ids follow from bio type and sequence: correct the row, or leave the column out.",
      details: { file, row, column: "id", value, rule: `id = ${id}` },
    },
  );
};
