import { ALPHABETS, type BioType, createChecker, createHasher, stripRange } from "@usr/id";
import { type BulkHasher, createBulkChecker, createBulkHasher, idText } from "@usr/id/bulk";
import type { KeyBatch, KeyIndex } from "@usr/overlay";
import { type ParquetFile, readBatches } from "@usr/parquet";
import type { Column, Utf8Column } from "@usr/schema";
import { isValid, valueAt } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { ID_LENGTH, isAlphabet, isBioType } from "../identity.ts";
import { type Findings, guarded, place } from "./findings.ts";
import { BATCH_ROWS } from "./row-bytes.ts";
import { readRanges, textAt, utf8Column } from "./rows.ts";

export const ROW_COLUMNS: readonly string[] = ["id", "bio_type", "sequence", "alphabet", "length"];

/**
 * Checks every row of a base table whose columns have the right types: what a sequence is, its length, and that its id is its own.
 * One pass, memory of one batch. Stored padding is allowed; it is no part of the sequence. Yields each batch once it is checked, so
 * that whoever wants its columns need not read them again.
 */
export async function* checkRows(
  file: ParquetFile,
  path: string,
  findings: Findings,
  o: Signal = {},
): AsyncGenerator<KeyBatch, void, undefined> {
  const kinds = createKindCache();
  const read = { ...o, batchRows: BATCH_ROWS };
  for await (const { batch, row } of readRanges(file, [{ start: 0, end: file.numRows }], ROW_COLUMNS, read)) {
    const rows: RowColumns = {
      ids: utf8Column(batch, 0),
      bioTypes: utf8Column(batch, 1),
      sequences: utf8Column(batch, 2),
      alphabets: utf8Column(batch, 3),
      lengths: batch.columns[4]!,
    };
    const suspects = suspectRows(rows, batch.numRows, kinds);
    for (let i = suspects.indexOf(1); i >= 0; i = suspects.indexOf(1, i + 1)) {
      reportRow(rows, i, kinds, (code, column, message) =>
        findings.add({
          severity: "error",
          code,
          message,
          where: place(path, row + i + 1, column),
          kind: `${path} ${column}`,
        }),
      );
    }
    yield { ...batch, startRow: row };
  }
}

interface RowColumns {
  readonly ids: Utf8Column;
  readonly bioTypes: Utf8Column;
  readonly sequences: Utf8Column;
  readonly alphabets: Utf8Column;
  readonly lengths: Column;
}

/**
 * Marks the rows that may have something to report, which `reportRow` looks at one by one: padded ones, for one. Nearly all rows of nearly
 * all tables have nothing, so this is where validation spends its time: it goes column by column and makes no text of any cell.
 */
function suspectRows(rows: RowColumns, count: number, kinds: Kinds): Uint8Array {
  const suspects = new Uint8Array(count);
  const { ids, bioTypes, sequences, alphabets, lengths } = rows;
  const whole = [ids, bioTypes, sequences, alphabets, lengths].every(
    (column) => column.layout !== "null" && column.validity === undefined,
  );
  if (!whole || lengths.layout !== "fixed" || !(lengths.values instanceof Int32Array)) return suspects.fill(1);
  const { data, offsets } = sequences;
  const ends = offsets.subarray(1);
  const words = new Int32Array(count * 5);
  for (let start = 0, end = 0; start < count; start = end) {
    for (end = start + 1; end < count && repeatsLast(bioTypes, end) && repeatsLast(alphabets, end); ) end++;
    const { check, checkAll, hashAll } = kinds(textAt(bioTypes, start), textAt(alphabets, start));
    if (check === undefined || checkAll === undefined || hashAll === undefined) {
      suspects.fill(1, start, end);
      continue;
    }
    // Symbols are letters of one byte: a text of them alone has no padding, and as many characters as bytes.
    const legal = checkAll(data, offsets[start]!, offsets[end]!) < 0;
    for (let i = start; i < end; i++) {
      const size = ends[i]! - offsets[i]!;
      if (size === 0 || lengths.values[i] !== size || (!legal && check(data, offsets[i]!, ends[i]!) >= 0))
        suspects[i] = 1;
    }
    hashAll(data, offsets, ends, start, end, words);
  }
  markOtherIds(ids, idText(words, count), suspects);
  return suspects;
}

/** Marks the rows whose id is not the 40 bytes of `expected` for it. */
function markOtherIds({ data, offsets }: Utf8Column, expected: Uint8Array, suspects: Uint8Array): void {
  const stored = new DataView(data.buffer, data.byteOffset, data.length);
  const wanted = new DataView(expected.buffer, expected.byteOffset, expected.length);
  for (let i = 0, at = 0; i < suspects.length; i++, at += ID_LENGTH) {
    const start = offsets[i]!;
    if (offsets[i + 1]! - start !== ID_LENGTH) {
      suspects[i] = 1;
      continue;
    }
    let difference = 0;
    for (let k = 0; k < ID_LENGTH; k += 4) difference |= stored.getInt32(start + k) ^ wanted.getInt32(at + k);
    if (difference !== 0) suspects[i] = 1;
  }
}

/** Whether a cell has the bytes of the one before it in its batch. */
function repeatsLast({ data, offsets }: Utf8Column, row: number): boolean {
  if (row === 0) return false;
  const last = offsets[row - 1]!;
  const start = offsets[row]!;
  const length = start - last;
  if (offsets[row + 1]! - start !== length) return false;
  for (let i = 0; i < length; i++) if (data[last + i] !== data[start + i]) return false;
  return true;
}

/** Every rule on its own, for a row that may break some. */
function reportRow(
  { ids, bioTypes, sequences, alphabets, lengths }: RowColumns,
  row: number,
  kinds: Kinds,
  report: (code: string, column: string, message: string) => void,
): void {
  const bioType = textOf(bioTypes, row);
  const alphabet = textOf(alphabets, row);
  const kind = kinds(bioType, alphabet);
  if (kind.bioType === undefined)
    report("BAD_BIO_TYPE", "bio_type", `bio_type is ${quoted(bioType)}, not dna, rna or protein.`);
  else if (kind.check === undefined)
    report("BAD_ALPHABET", "alphabet", `alphabet is ${quoted(alphabet)}, which is none of ${bioType}.`);
  if (isBlank(ids, row)) report("MISSING_ID", "id", "The id is missing.");
  if (isBlank(sequences, row)) {
    report("EMPTY_SEQUENCE", "sequence", "The sequence is empty.");
    return;
  }
  const { data, offsets } = sequences;
  const [start, end] = stripRange(data, offsets[row]!, offsets[row + 1]!);
  const bad = kind.check?.(data, start, end) ?? -1;
  if (bad >= 0) {
    const before = decoder.decode(data.subarray(start, bad));
    const symbol = [...decoder.decode(data.subarray(bad, end))][0]!;
    report(
      "BAD_SYMBOL",
      "sequence",
      `The symbol ${quoted(symbol)} at position ${[...before].length + 1} is not in ${alphabet}.`,
    );
  }
  const length = characters(data, start, end);
  const stored = valueAt(lengths, row);
  if (stored !== length)
    report("LENGTH_MISMATCH", "length", `length is ${String(stored)}; the sequence has ${length} symbols.`);
  if (kind.hash === undefined || isBlank(ids, row)) return;
  const expected = new Uint8Array(ID_LENGTH);
  kind.hash(data, start, end, expected, 0);
  if (!sameBytes(ids, row, expected)) {
    report("ID_MISMATCH", "id", `The id is ${quoted(textOf(ids, row))}; the sequence has ${decoder.decode(expected)}.`);
  }
}

/**
 * Reads every column but those that are read elsewhere, one after the other, and looks at no value: what cannot be read is reported, each column
 * by its name.
 */
export async function checkPages(
  file: ParquetFile,
  readElsewhere: readonly string[],
  path: string,
  findings: Findings,
  o: Signal = {},
): Promise<void> {
  for (const { name } of file.schema.fields) {
    if (readElsewhere.includes(name)) continue;
    await guarded(place(path, undefined, name), findings, async () => {
      for await (const _batch of readBatches(file, { columns: [name], signal: o.signal })) void _batch;
    });
  }
}

/** Reports every id that more than one base row has. */
export function checkUniqueIds(index: KeyIndex, path: string, idAt: (row: number) => string, findings: Findings): void {
  if (!index.repeats) return;
  for (let row = 0; row < index.numRows; row++) {
    const again = index.next(row);
    if (again < 0) continue;
    findings.add({
      severity: "error",
      code: "DUPLICATE_ID",
      message: `The id ${idAt(row)} of row ${row + 1} comes again.`,
      where: place(path, again + 1, "id"),
      hint: "Remove the double with: usr maintenance dedupe DATASET --key id",
      kind: `${path} id`,
    });
  }
}

interface Kind {
  readonly bioType: BioType | undefined;
  readonly check: ((bytes: Uint8Array, start: number, end: number) => number) | undefined;
  readonly hash: ((bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number) => void) | undefined;
  /** The same two for many rows at once. */
  readonly checkAll: Kind["check"];
  readonly hashAll: BulkHasher | undefined;
}

type Kinds = (bioType: string | undefined, alphabet: string | undefined) => Kind;

/** What a pair of bio type and alphabet means; `undefined` parts where it means nothing. */
function createKindCache(): Kinds {
  const known = new Map<string, Kind>();
  const hashers = new Map<BioType, BulkHasher>();
  const hasherOf = (bioType: BioType): BulkHasher => {
    const hasher = hashers.get(bioType) ?? createBulkHasher(bioType);
    hashers.set(bioType, hasher);
    return hasher;
  };
  return (bioType, alphabet) => {
    const name = `${bioType}|${alphabet}`;
    let kind = known.get(name);
    if (kind === undefined) {
      const legal = isBioType(bioType);
      const fits = legal && isAlphabet(alphabet) && ALPHABETS[alphabet].bioType === bioType;
      kind = {
        bioType: legal ? bioType : undefined,
        check: fits ? createChecker(alphabet) : undefined,
        checkAll: fits ? createBulkChecker(alphabet) : undefined,
        hash: legal ? createHasher(bioType) : undefined,
        hashAll: legal ? hasherOf(bioType) : undefined,
      };
      if (known.size < 1000) known.set(name, kind);
    }
    return kind;
  };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function textOf(column: Utf8Column, row: number): string | undefined {
  return isValid(column, row) ? textAt(column, row) : undefined;
}

function isBlank(column: Utf8Column, row: number): boolean {
  if (!isValid(column, row)) return true;
  const [start, end] = stripRange(column.data, column.offsets[row]!, column.offsets[row + 1]!);
  return start === end;
}

/** Code points of UTF-8 text: bytes that do not continue one. */
function characters(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) !== 0x80) count++;
  return count;
}

function sameBytes(column: Utf8Column, row: number, expected: Uint8Array): boolean {
  const start = column.offsets[row]!;
  if (column.offsets[row + 1]! - start !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) if (column.data[start + i] !== expected[i]) return false;
  return true;
}

function quoted(text: string | undefined): string {
  if (text === undefined) return "missing";
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
