import type { TableBatch, TableReader } from "@usr/formats";
import type { Alphabet, BioType } from "@usr/id";
import { ALPHABETS, createChecker, createHasher, IdError, normalizeSequence, stripRange } from "@usr/id";
import { createKeyTable, type KeyTable } from "@usr/overlay/write";
import type { Column, DataType, FixedColumn, Utf8Column } from "@usr/schema";
import { isValid } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { BASE_FIELDS } from "../layout.ts";
import { growingInt32, growingInt64, growingText } from "./growing.ts";

/** The columns an import looks at; everything else in the input is left where it is and reported. */
const INPUT_TYPES: ReadonlyMap<string, DataType> = new Map(BASE_FIELDS.map(({ name, type }) => [name, type]));

export interface ImportRules {
  /** How the input is called in errors and, failing all else, in `source`. */
  readonly path: string;
  readonly bioType?: string | undefined;
  readonly alphabet?: string | undefined;
  readonly source?: string | undefined;
  readonly onConflict: "error" | "ignore";
  readonly createdAtUs: bigint;
  /** Ids stored in the base, tombstoned ones too. */
  readonly stored: KeyTable;
  /** Ids that are stored and deleted. */
  readonly deleted: KeyTable;
}

export interface ImportCounts {
  rowsRead: number;
  rowsAdded: number;
  rowsSkipped: number;
  readonly ignoredColumns: string[];
}

const SAMPLES = 5;

interface Refusal {
  count: number;
  readonly samples: Record<string, unknown>[];
}

const refusal = (): Refusal => ({ count: 0, samples: [] });

const note = (r: Refusal, sample: Record<string, unknown>): void => {
  r.count++;
  if (r.samples.length < SAMPLES) r.samples.push(sample);
};

/**
 * Checks the rows of an input and yields the new ones as base columns (order of `BASE_FIELDS`), one batch for each input batch.
 * A row that is wrong in itself stops the import at once; duplicates and stored ids are collected over the whole input and thrown at
 * its end with counts and up to five samples, and nothing is yielded after the first of them.
 */
export async function* importedRows(
  table: TableReader,
  rules: ImportRules,
  counts: ImportCounts,
): AsyncGenerator<{ readonly numRows: number; readonly columns: readonly Column[] }> {
  const known = table.columns?.map(({ name }) => name);
  if (known !== undefined && !known.includes("sequence")) {
    throw new DatasetError("MISSING_COLUMN", `${rules.path} has no column sequence`, {
      hint: `Its columns are: ${known.join(", ") || "none"}. Names are exact.`,
      details: { file: rules.path, column: "sequence", columns: known },
    });
  }
  const seen = createKeyTable({ expected: 0, fold: false });
  const refused = { twice: refusal(), stored: refusal(), deleted: refusal() };
  const checks = new Map<string, RowCheck>();
  for await (const batch of table.batches((name) => {
    const type = INPUT_TYPES.get(name);
    if (type === undefined) counts.ignoredColumns.push(name);
    return type;
  })) {
    const rows = importBatch(batch, rules, counts, seen, refused, checks);
    const clean = refused.twice.count + refused.stored.count + refused.deleted.count === 0;
    if (clean && rows.numRows > 0) yield rows;
  }
  throwRefused(rules, refused);
}

interface RowCheck {
  readonly check: ReturnType<typeof createChecker>;
  readonly hash: ReturnType<typeof createHasher>;
}

const importBatch = (
  batch: TableBatch,
  rules: ImportRules,
  counts: ImportCounts,
  seen: KeyTable,
  refused: { readonly twice: Refusal; readonly stored: Refusal; readonly deleted: Refusal },
  checks: Map<string, RowCheck>,
): { readonly numRows: number; readonly columns: readonly Column[] } => {
  const sequence = textCells(batch, "sequence");
  const bioType = textCells(batch, "bio_type");
  const alphabet = textCells(batch, "alphabet");
  const givenId = textCells(batch, "id");
  const source = textCells(batch, "source");
  const createdAt = fixedCells(batch, "created_at");
  const length = fixedCells(batch, "length");

  const out = {
    id: growingText(batch.numRows, batch.numRows * 40),
    bioType: growingText(batch.numRows),
    sequence: growingText(batch.numRows),
    alphabet: growingText(batch.numRows),
    length: growingInt32(batch.numRows),
    source: growingText(batch.numRows),
    createdAt: growingInt64(batch.numRows),
  };
  const fallback = rules.source ?? rules.path;
  const idHex = new Uint8Array(40);
  let kept = 0;

  for (let i = 0; i < batch.numRows; i++) {
    const row = batch.firstRow + i;
    counts.rowsRead++;
    if (sequence === undefined || !isValid(sequence, i)) throw emptySequence(rules.path, row);
    const [start, end] = stripRange(sequence.data, sequence.offsets[i]!, sequence.offsets[i + 1]!);
    if (start === end) throw emptySequence(rules.path, row);
    const bio = cell(bioType, i) ?? rules.bioType;
    const alpha = cell(alphabet, i) ?? rules.alphabet;
    if (bio === undefined || alpha === undefined) {
      const column = bio === undefined ? "bio_type" : "alphabet";
      throw new DatasetError("MISSING_COLUMN", `${rules.path} row ${row} has no ${column}`, {
        hint: `Give --${column.replace("_", "-")}, or fill the column ${column}.`,
        details: { file: rules.path, row, column },
      });
    }
    const key = `${bio}|${alpha}`;
    let rowCheck = checks.get(key);
    if (rowCheck === undefined) {
      rowCheck = rowChecker(bio, alpha, rules.path, row);
      checks.set(key, rowCheck);
    }
    if (rowCheck.check(sequence.data, start, end) >= 0)
      throw badSymbol(sequence.data.subarray(start, end), bio, alpha, rules.path, row);
    rowCheck.hash(sequence.data, start, end, idHex, 0);
    const size = end - start;
    checkGivenId(givenId, i, idHex, rules.path, row);
    if (length !== undefined && isValid(length, i) && Number(length.values[i]) !== size) {
      throw new DatasetError(
        "LENGTH_MISMATCH",
        `${rules.path} row ${row}: length is ${length.values[i]}, the sequence has ${size} symbols`,
        {
          hint: "Correct the length, or leave the column out.",
          details: {
            file: rules.path,
            row,
            column: "length",
            value: Number(length.values[i]),
            rule: `length = ${size}`,
          },
        },
      );
    }

    const before = seen.add(idHex, 0, 40, row);
    if (before >= 0) {
      note(refused.twice, { id: ascii(idHex), rows: [before, row] });
      continue;
    }
    if (rules.deleted.find(idHex, 0, 40) >= 0) {
      note(refused.deleted, { id: ascii(idHex), row });
      continue;
    }
    if (rules.stored.find(idHex, 0, 40) >= 0) {
      if (rules.onConflict === "ignore") counts.rowsSkipped++;
      else note(refused.stored, { id: ascii(idHex), row });
      continue;
    }
    kept++;
    out.id.bytes(idHex, 0, 40);
    out.bioType.text(bio);
    out.sequence.bytes(sequence.data, start, end);
    out.alphabet.text(alpha);
    out.length.push(size);
    if (rules.source === undefined && source !== undefined && isValid(source, i)) {
      out.source.bytes(source.data, source.offsets[i]!, source.offsets[i + 1]!);
    } else out.source.text(fallback);
    out.createdAt.push(
      createdAt !== undefined && isValid(createdAt, i) ? BigInt(createdAt.values[i]!) : rules.createdAtUs,
    );
  }
  counts.rowsAdded += kept;
  const types = BASE_FIELDS.map(({ type }) => type);
  return {
    numRows: kept,
    columns: [
      out.id.column(types[0]!),
      out.bioType.column(types[1]!),
      out.sequence.column(types[2]!),
      out.alphabet.column(types[3]!),
      out.length.column(types[4]!),
      out.source.column(types[5]!),
      out.createdAt.column(types[6]!),
    ],
  };
};

const textCells = (batch: TableBatch, name: string): Utf8Column | undefined => {
  const column = batch.columns.get(name);
  return column?.layout === "utf8" ? column : undefined;
};

const fixedCells = (batch: TableBatch, name: string): FixedColumn | undefined => {
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

const rowChecker = (bio: string, alphabet: string, file: string, row: number): RowCheck => {
  try {
    // The scalar rule names what is wrong with the pair; one symbol of the alphabet keeps it from speaking of the sequence.
    normalizeSequence(isAlphabet(alphabet) ? ALPHABETS[alphabet].symbols.slice(0, 1) : "A", bio, alphabet);
  } catch (cause) {
    throw atRow(cause, file, row);
  }
  return { check: createChecker(alphabet as Alphabet), hash: createHasher(bio as BioType) };
};

const isAlphabet = (text: string): text is Alphabet => Object.hasOwn(ALPHABETS, text);

const badSymbol = (bytes: Uint8Array, bio: string, alphabet: string, file: string, row: number): unknown => {
  try {
    normalizeSequence(ascii(bytes), bio, alphabet);
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

const checkGivenId = (column: Utf8Column | undefined, i: number, id: Uint8Array, file: string, row: number): void => {
  if (column === undefined || !isValid(column, i)) return;
  const start = column.offsets[i]!;
  let same = column.offsets[i + 1]! - start === 40;
  for (let k = 0; same && k < 40; k++) same = column.data[start + k] === id[k];
  if (same) return;
  const value = decoder.decode(column.data.subarray(start, column.offsets[i + 1]!)).slice(0, 80);
  throw new DatasetError(
    "ID_MISMATCH",
    `${file} row ${row}: id is ${JSON.stringify(value)}, the sequence's id is ${ascii(id)}`,
    {
      hint: "Ids follow from bio type and sequence: correct the row, or leave the column out.",
      details: { file, row, column: "id", value, rule: `id = ${ascii(id)}` },
    },
  );
};

const throwRefused = (
  rules: ImportRules,
  refused: { readonly twice: Refusal; readonly stored: Refusal; readonly deleted: Refusal },
): void => {
  const details = (r: Refusal): Record<string, unknown> => ({ file: rules.path, count: r.count, samples: r.samples });
  if (refused.twice.count > 0) {
    const [first] = refused.twice.samples;
    throw new DatasetError(
      "DUPLICATE_ID",
      `${rules.path} holds ${refused.twice.count} row(s) twice, the first at rows ${String(first?.["rows"])}`,
      {
        hint: "A sequence is stored once: remove the repeated rows.",
        details: details(refused.twice),
      },
    );
  }
  if (refused.deleted.count > 0) {
    const [first] = refused.deleted.samples;
    throw new DatasetError(
      "DELETED_ID",
      `${rules.path} holds ${refused.deleted.count} sequence(s) that were deleted here, the first at row ${String(first?.["row"])}`,
      {
        hint: `Bring them back with: usr restore DATASET --id ${String(first?.["id"])}`,
        details: details(refused.deleted),
      },
    );
  }
  if (refused.stored.count > 0) {
    const [first] = refused.stored.samples;
    throw new DatasetError(
      "DUPLICATE_ID",
      `${rules.path} holds ${refused.stored.count} sequence(s) that are stored already, the first at row ${String(first?.["row"])}`,
      {
        hint: "Skip them with --on-conflict ignore, or remove them from the input.",
        details: details(refused.stored),
      },
    );
  }
};
