import type { TableBatch, TableReader } from "@usr/formats";
import { idText } from "@usr/id/bulk";
import type { Column, DataType, Utf8Column } from "@usr/schema";
import { gatherColumns, isValid } from "@usr/schema/columns";
import { DatasetError } from "../../error.ts";
import { ID_LENGTH } from "../../identity.ts";
import { BASE_FIELDS } from "../../layout.ts";
import { columnNames } from "../column-names.ts";
import { checkRows } from "../table-rows.ts";
import { evenOffsets, growingText, sameText } from "./growing.ts";
import { type KnownIds, SAMPLES } from "./known-ids.ts";
import type { RepeatedIds } from "./packed-ids.ts";
import { type CheckedRows, fixedCells, type RowChecker, rowChecker, textCells } from "./row-check.ts";

/** The columns an import looks at; everything else in the input is left where it is and reported. */
export const INPUT_TYPES: ReadonlyMap<string, DataType> = new Map(BASE_FIELDS.map(({ name, type }) => [name, type]));

/** What each column of an input is read as; the names of those that an import does not look at are added to `ignored`. */
export const readAs =
  (ignored: string[]) =>
  (name: string): DataType | undefined => {
    const type = INPUT_TYPES.get(name);
    if (type === undefined) ignored.push(name);
    return type;
  };

export interface ImportRules {
  /** How the input is called in errors and, failing all else, in `source`. */
  readonly path: string;
  readonly bioType?: string | undefined;
  readonly alphabet?: string | undefined;
  readonly source?: string | undefined;
  readonly onConflict: "error" | "ignore";
  readonly createdAtUs: bigint;
  /** Throws where overlays cannot bear a row of this kind. */
  readonly admits: (bioType: string, alphabet: string, row: number) => void;
  readonly known: KnownIds;
  /** Told of each batch that is right in itself, before its ids are held against those that are known. */
  readonly checked?: (() => void) | undefined;
}

export interface ImportCounts {
  rowsRead: number;
  rowsAdded: number;
  rowsSkipped: number;
  readonly ignoredColumns: string[];
}

interface Refusal {
  count: number;
  readonly samples: Record<string, unknown>[];
}

const refusal = (): Refusal => ({ count: 0, samples: [] });

const note = (r: Refusal, sample: Record<string, unknown>): void => {
  r.count++;
  if (r.samples.length < SAMPLES) r.samples.push(sample);
};

interface Rows {
  readonly numRows: number;
  readonly columns: readonly Column[];
}

/** Throws `MISSING_COLUMN` where the columns of the input are known and sequence is none of them. */
export const requireSequence = (table: TableReader, path: string): void => {
  const known = table.columns?.map(({ name }) => name);
  if (known === undefined || known.includes("sequence")) return;
  throw new DatasetError("MISSING_COLUMN", `${path} has no column sequence`, {
    hint: `Its columns are: ${columnNames(known)}. Names are exact.`,
    details: { file: path, column: "sequence", columns: known },
  });
};

/**
 * Checks the rows of an input and yields the new ones as base columns (order of `BASE_FIELDS`), one batch for each input batch.
 * A row that is wrong in itself stops the import at once; duplicates and stored ids are collected over the whole input and thrown at
 * its end with counts and up to five samples, and nothing is yielded after the first stored one. What the ids are held against holds each of them.
 */
export async function* importedRows(
  table: TableReader,
  rules: ImportRules,
  counts: ImportCounts,
): AsyncGenerator<Rows> {
  requireSequence(table, rules.path);
  const refused = { stored: refusal(), deleted: refusal() };
  const check = rowChecker(rules);
  let firstRow: number | undefined;
  for await (const batch of table.batches(readAs(counts.ignoredColumns))) {
    firstRow ??= batch.firstRow;
    checkRows(batch, INPUT_TYPES);
    const rows = await importBatch(batch, check, rules, counts, refused);
    const clean = refused.stored.count + refused.deleted.count === 0;
    if (clean && rows.numRows > 0) yield rows;
  }
  throwRefused(rules, { ...refused, twice: twice(rules.known.repeated(), firstRow ?? 1) });
}

/** Rows follow one another from the first on, so that the place of an id tells its row. */
const twice = ({ count, samples }: RepeatedIds, firstRow: number): Refusal => ({
  count,
  samples: samples.map(({ words, places }) => ({
    id: ascii(idText(words, 1)),
    rows: places.map((place) => place + firstRow),
  })),
});

const importBatch = async (
  batch: TableBatch,
  check: RowChecker,
  rules: ImportRules,
  counts: ImportCounts,
  refused: { readonly stored: Refusal; readonly deleted: Refusal },
): Promise<Rows> => {
  const { numRows } = batch;
  counts.rowsRead += numRows;
  const rows = check(batch);
  for (const { kind, start } of rows.runs) rules.admits(kind.bioType, kind.alphabet, batch.firstRow + start);
  rules.checked?.();
  const ids = idColumn(rows.words, numRows);
  const columns = baseColumns(batch, rows, ids, rules);
  const kept = await newRows(batch, ids, rows.words, rules, counts, refused);
  counts.rowsAdded += kept?.length ?? numRows;
  return kept === undefined
    ? { numRows, columns }
    : {
        numRows: kept.length,
        columns: columns.map((column) => gatherColumns(column.type, [column], undefined, kept)),
      };
};

/** The rows whose ids are not in the base, where some are; the others are counted or noted. */
const newRows = async (
  { firstRow, numRows }: TableBatch,
  ids: Utf8Column,
  words: Int32Array,
  rules: ImportRules,
  counts: ImportCounts,
  refused: { readonly stored: Refusal; readonly deleted: Refusal },
): Promise<Int32Array | undefined> => {
  const { deleted } = rules.known;
  const stored = await rules.known.take(ids, words);
  const hasDeleted = deleted.size > 0;
  if (stored === undefined && !hasDeleted) return undefined;
  const { data } = ids;
  const kept = new Int32Array(numRows);
  let count = 0;
  for (let i = 0; i < numRows; i++) {
    const sample = (): Record<string, unknown> => ({
      id: ascii(data.subarray(i * ID_LENGTH, (i + 1) * ID_LENGTH)),
      row: firstRow + i,
    });
    if (hasDeleted && deleted.find(data, i * ID_LENGTH, (i + 1) * ID_LENGTH) >= 0) note(refused.deleted, sample());
    else if (stored === undefined || stored[i]! < 0) kept[count++] = i;
    else if (rules.onConflict === "ignore") counts.rowsSkipped++;
    else note(refused.stored, sample());
  }
  return count === numRows ? undefined : kept.subarray(0, count);
};

const TYPES = BASE_FIELDS.map(({ type }) => type);

const idColumn = (words: Int32Array, count: number): Utf8Column => ({
  layout: "utf8",
  type: TYPES[0]!,
  length: count,
  offsets: evenOffsets(count, ID_LENGTH),
  data: idText(words, count),
});

/** The columns of all rows, sharing memory with the input where it has them as they are stored. */
const baseColumns = (batch: TableBatch, rows: CheckedRows, id: Column, rules: ImportRules): readonly Column[] => {
  const { numRows } = batch;
  const length = new Int32Array(numRows);
  for (let i = 0; i < numRows; i++) length[i] = rows.ends[i]! - rows.starts[i]!;
  const kinds = (type: DataType, text: (kind: CheckedRows["runs"][number]["kind"]) => string): Column => {
    const [only] = rows.runs;
    if (only !== undefined && rows.runs.length === 1) return sameText(type, text(only.kind), numRows);
    const out = growingText(numRows);
    for (const { kind, start, end } of rows.runs) for (let i = start; i < end; i++) out.text(text(kind));
    return out.column(type);
  };
  return [
    id,
    kinds(TYPES[1]!, ({ bioType }) => bioType),
    sequences(TYPES[2]!, rows),
    kinds(TYPES[3]!, ({ alphabet }) => alphabet),
    { layout: "fixed", type: TYPES[4]!, length: numRows, values: length },
    sources(TYPES[5]!, batch, rules),
    { layout: "fixed", type: TYPES[6]!, length: numRows, values: createdAts(batch, rules.createdAtUs) },
  ];
};

const sequences = (type: DataType, rows: CheckedRows): Column => {
  const { starts, ends, sequence } = rows;
  if (rows.gapless) {
    const { length, offsets, data } = sequence;
    return { layout: "utf8", type, length, offsets, data };
  }
  const out = growingText(starts.length, ends.at(-1)! - starts[0]!);
  for (let i = 0; i < starts.length; i++) out.bytes(sequence.data, starts[i]!, ends[i]!);
  return out.column(type);
};

const sources = (type: DataType, batch: TableBatch, rules: ImportRules): Column => {
  const given = rules.source === undefined ? textCells(batch, "source") : undefined;
  const usual = rules.source ?? rules.path;
  if (given === undefined) return sameText(type, usual, batch.numRows);
  const out = growingText(batch.numRows);
  for (let i = 0; i < batch.numRows; i++) {
    if (isValid(given, i)) out.bytes(given.data, given.offsets[i]!, given.offsets[i + 1]!);
    else out.text(usual);
  }
  return out.column(type);
};

const createdAts = (batch: TableBatch, usual: bigint): BigInt64Array => {
  const out = new BigInt64Array(batch.numRows).fill(usual);
  const given = fixedCells(batch, "created_at");
  if (given !== undefined)
    for (let i = 0; i < out.length; i++) if (isValid(given, i)) out[i] = BigInt(given.values[i]!);
  return out;
};

const decoder = new TextDecoder();
const ascii = (bytes: Uint8Array): string => decoder.decode(bytes);

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
