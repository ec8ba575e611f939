import { createChecker, createHasher, IdError, stripRange } from "@usr/id";
import { createKeyTable, type KeyTable } from "@usr/overlay/write";
import { readBatches } from "@usr/parquet";
import type { Batch, Column, Utf8Column } from "@usr/schema";
import { DatasetError } from "../error.ts";
import { ID_LENGTH, isBioType } from "../identity.ts";
import type { Snapshot } from "../types.ts";
import { createRowMask, deletedRows, type RowMask } from "../write/base/row-mask.ts";
import { evenOffsets } from "../write/import/growing.ts";
import { addKeys, deletedIds, storedIds } from "../write/import/stored-ids.ts";
import { createKeyDigest, type KeyDigest } from "../write/key-digest.ts";
import { createKeyDigests, type KeyDigests } from "../write/key-digests.ts";
import { type RowDigests, soundRows } from "./sound-rows.ts";
import { constantText, textCells } from "./text-cells.ts";

export interface MergeRules {
  /** What becomes of rows whose id both datasets store; `skip` and `prefer-dest` are one. */
  readonly ifDuplicate: "error" | "skip" | "prefer-src" | "prefer-dest";
  /** What becomes of rows whose sequence equals one of the destination but for letter case. */
  readonly casefold: "keep" | "skip" | "error";
}

/** Which rows of the source go where. */
export interface MergeRows {
  /** Live rows of the source, and those that are left out because they are deleted there. */
  readonly rowsSrc: number;
  readonly rowsDeleted: number;
  readonly duplicates: number;
  /** Rows that are new but for letter case are not; under `skip` they are left out. */
  readonly caseTwins: number;
  /** Rows of the source that are appended. */
  readonly added: RowMask;
  /** For each row of the destination the row of the source that replaces it, plus one; 0 = none. Absent = none at all. */
  readonly replacing: Int32Array | undefined;
}

const SAMPLES = 5;

/** Rows that are refused for one reason: how many, and the first five. */
interface Refusal {
  count: number;
  readonly samples: { readonly id: string; readonly row: number }[];
}

/**
 * Looks at every row of the source and decides. Rows that are deleted there are left out. Ids are checked against the sequences, so that no
 * broken row is taken over. Memory: about 40 bytes for each row of both datasets, and as much again to tell sequences but for case.
 *
 * @throws DatasetError `ID_MISMATCH`, `BAD_BIO_TYPE`, `BAD_ALPHABET`, `BAD_SYMBOL`, `EMPTY_SEQUENCE` for the first row that is wrong in itself; then,
 * over the whole source, `DUPLICATE_ID` (twice in one dataset, or in both under `error`), `DELETED_ID`, `DUPLICATE_KEY` (case, under `error`)
 */
export const planRows = async (dest: Snapshot, src: Snapshot, rules: MergeRules): Promise<MergeRows> => {
  const stored = await storedIds(dest.base.file);
  if (stored.size < dest.base.file.numRows && (await hasTwice(dest))) throw twice(dest.id, undefined);
  const gone = await deletedIds(dest);
  const folded = await foldedSequences(dest);
  const hidden = await deletedRows(src);
  const seen = createKeyTable({ expected: src.base.file.numRows, fold: false });
  const added = createRowMask(src.base.file.numRows);
  const replacing = rules.ifDuplicate === "prefer-src" ? new Int32Array(dest.base.file.numRows) : undefined;
  const refused = { twice: refusal(), deleted: refusal(), stored: refusal(), case: refusal() };
  let [rowsDeleted, duplicates, caseTwins, row] = [0, 0, 0, 0];
  const allAtOnce = soundRows();
  for await (const batch of readBatches(src.base.file, { columns: ["id", "sequence", "bio_type", "alphabet"] })) {
    const { numRows } = batch;
    const { ids, folded: digests } = allAtOnce(batch) ?? oneByOne(batch, src.id, row, hidden);
    const places = new Int32Array(numRows);
    stored.findEach(ids, evenOffsets(numRows, ID_LENGTH), places);
    for (let i = 0; i < numRows; i++, row++) {
      if (hidden.has(row)) {
        rowsDeleted++;
        continue;
      }
      const [start, end] = [i * ID_LENGTH, (i + 1) * ID_LENGTH];
      const sample = (): { readonly id: string; readonly row: number } => ({
        id: ascii(ids.subarray(start, end)),
        row: row + 1,
      });
      if (seen.add(ids, start, end, row) >= 0) {
        note(refused.twice, sample);
        continue;
      }
      const at = places[i]!;
      if (gone.size > 0 && gone.find(ids, start, end) >= 0) note(refused.deleted, sample);
      else if (at >= 0) {
        duplicates++;
        if (rules.ifDuplicate === "error") note(refused.stored, sample);
        if (replacing !== undefined) replacing[at] = row + 1;
      } else {
        const twin = folded.add(digests, start, end, row) >= 0;
        if (twin) caseTwins++;
        if (twin && rules.casefold === "error") note(refused.case, sample);
        if (!twin || rules.casefold === "keep") added.add(row);
      }
    }
  }
  throwRefused(dest.id, src.id, refused);
  return {
    rowsSrc: row - rowsDeleted,
    rowsDeleted,
    duplicates,
    caseTwins,
    added,
    replacing: duplicates === 0 ? undefined : replacing,
  };
};

const refusal = (): Refusal => ({ count: 0, samples: [] });

const note = (refused: Refusal, sample: () => Refusal["samples"][number]): void => {
  refused.count++;
  if (refused.samples.length < SAMPLES) refused.samples.push(sample());
};

const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Fewer ids than rows may also mean that some are missing. */
const hasTwice = async (dest: Snapshot): Promise<boolean> => {
  const seen = createKeyTable({ expected: dest.base.file.numRows, fold: false });
  for await (const batch of readBatches(dest.base.file, { columns: ["id"] })) {
    const column = batch.columns[0];
    if (column?.layout !== "utf8") continue;
    for (let i = 0; i < column.length; i++) {
      const [start, end] = [column.offsets[i]!, column.offsets[i + 1]!];
      if (start < end && seen.add(column.data, start, end, 0) >= 0) return true;
    }
  }
  return false;
};

/** The sequences of the live rows, but for case, by bio type. */
const foldedSequences = async (dest: Snapshot): Promise<KeyTable> => {
  const hidden = await deletedRows(dest);
  const folded = createKeyTable({ expected: dest.base.file.numRows, fold: false });
  const digests = new Map<string, KeyDigest>();
  let row = 0;
  const many = new Map<string, KeyDigests>();
  for await (const batch of readBatches(dest.base.file, { columns: ["sequence", "bio_type"] })) {
    const [sequences, bioTypes] = batch.columns;
    const constant = hidden.size > 0 ? undefined : constantText(bioTypes);
    if (constant !== undefined && isBioType(constant)) {
      const digestsOf = many.get(constant) ?? createKeyDigests("case", constant);
      many.set(constant, digestsOf);
      const all = digestsOf(sequences);
      if (all !== undefined) {
        addKeys(folded, all, evenOffsets(batch.numRows, ID_LENGTH), row, new Int32Array(batch.numRows));
        row += batch.numRows;
        continue;
      }
    }
    const bioTypeAt = textCells(bioTypes);
    for (let i = 0; i < batch.numRows; i++, row++) {
      const bioType = bioTypeAt(i);
      if (hidden.has(row) || sequences?.layout !== "utf8" || !isBioType(bioType)) continue;
      const digest = digests.get(bioType) ?? createKeyDigest("case", bioType);
      digests.set(bioType, digest);
      if (digest.take(sequences.data, sequences.offsets[i]!, sequences.offsets[i + 1]!) === -1)
        folded.add(digest.hex, 0, digest.hex.length, row);
    }
  }
  return folded;
};

/** A row of the destination that is wrong in itself is for `validate` to find. */
interface Checker {
  readonly hash: ReturnType<typeof createHasher>;
  readonly check: ReturnType<typeof createChecker>;
  readonly digest: KeyDigest;
}

interface CheckedRow {
  readonly id: Uint8Array;
  /** Of the sequence but for case. */
  readonly digest: Uint8Array;
}

/** The digests of the rows that are not hidden, or what is wrong with the first one that is not sound. */
const oneByOne = (batch: Batch, dataset: string, firstRow: number, hidden: RowMask): RowDigests => {
  const check = rowCheck(batch, dataset);
  const ids = new Uint8Array(batch.numRows * ID_LENGTH);
  const folded = new Uint8Array(batch.numRows * ID_LENGTH);
  for (let i = 0; i < batch.numRows; i++) {
    if (hidden.has(firstRow + i)) continue;
    const { id, digest } = check(i, firstRow + i);
    ids.set(id, i * ID_LENGTH);
    folded.set(digest, i * ID_LENGTH);
  }
  return { ids, folded };
};

/** The id of each row of a batch, computed and compared with the one stored. */
const rowCheck = (batch: Batch, dataset: string): ((i: number, row: number) => CheckedRow) => {
  const [ids, sequences] = [textColumn(batch.columns[0]), textColumn(batch.columns[1])];
  const [bioTypeAt, alphabetAt] = [textCells(batch.columns[2]), textCells(batch.columns[3])];
  const checkers = new Map<string, Checker>();
  const id = new Uint8Array(ID_LENGTH);
  const checkerOf = (bioType: string, alphabet: string, row: number): Checker => {
    const name = `${bioType}|${alphabet}`;
    let checker = checkers.get(name);
    if (checker === undefined) {
      try {
        const hash = createHasher(bioType);
        checker = { hash, check: createChecker(alphabet, bioType), digest: createKeyDigest("case", bioType) };
      } catch (cause) {
        if (!(cause instanceof IdError)) throw cause;
        throw wrong(cause.code, dataset, row, cause.message, { ...cause.details });
      }
      checkers.set(name, checker);
    }
    return checker;
  };
  return (i, row) => {
    const checker = checkerOf(bioTypeAt(i) ?? "", alphabetAt(i) ?? "", row);
    const [start, end] =
      sequences === undefined ? [0, 0] : stripRange(sequences.data, sequences.offsets[i]!, sequences.offsets[i + 1]!);
    if (sequences === undefined || start === end) throw wrong("EMPTY_SEQUENCE", dataset, row, "it has no sequence");
    const bad = checker.check(sequences.data, start, end);
    if (bad >= 0)
      throw wrong("BAD_SYMBOL", dataset, row, `symbol ${bad - start + 1} is not in alphabet ${alphabetAt(i)}`);
    checker.hash(sequences.data, start, end, id, 0);
    if (!holds(ids, i, id))
      throw wrong("ID_MISMATCH", dataset, row, `its id is not that of its sequence, ${ascii(id)}`);
    checker.digest.take(sequences.data, start, end);
    return { id, digest: checker.digest.hex };
  };
};

const textColumn = (column: Column | undefined): Utf8Column | undefined =>
  column?.layout === "utf8" ? column : undefined;

const holds = (column: Utf8Column | undefined, row: number, bytes: Uint8Array): boolean => {
  if (column === undefined) return false;
  const start = column.offsets[row]!;
  if (column.offsets[row + 1]! - start !== bytes.length) return false;
  for (let k = 0; k < bytes.length; k++) if (column.data[start + k] !== bytes[k]) return false;
  return true;
};

type RowCode = "BAD_BIO_TYPE" | "BAD_ALPHABET" | "BAD_SYMBOL" | "EMPTY_SEQUENCE" | "ID_MISMATCH";

const wrong = (code: RowCode, dataset: string, row: number, what: string, details: object = {}): DatasetError =>
  new DatasetError(code, `Row ${row + 1} of ${dataset} is not sound: ${what}`, {
    hint: `See what else is wrong with it: usr validate ${dataset}`,
    details: { ...details, dataset, row: row + 1 },
  });

const twice = (dataset: string, refused: Refusal | undefined): DatasetError =>
  new DatasetError(
    "DUPLICATE_ID",
    `${dataset} stores ${refused === undefined ? "an id" : `${refused.count} row(s)`} twice`,
    {
      hint: `Leave the repeated rows out first: usr maintenance dedupe ${dataset} --key id`,
      details: { dataset, ...refused },
    },
  );

const throwRefused = (
  dest: string,
  src: string,
  refused: Readonly<Record<"twice" | "deleted" | "stored" | "case", Refusal>>,
): void => {
  const details = (r: Refusal): Record<string, unknown> => ({ dest, src, ...r });
  const first = (r: Refusal): string => `the first in row ${r.samples[0]?.row} of ${src}`;
  if (refused.twice.count > 0) throw twice(src, refused.twice);
  if (refused.deleted.count > 0) {
    const message = `${refused.deleted.count} sequence(s) of ${src} were deleted in ${dest}, ${first(refused.deleted)}`;
    throw new DatasetError("DELETED_ID", message, {
      hint: `Bring them back with: usr restore ${dest} --id ${refused.deleted.samples[0]?.id}`,
      details: details(refused.deleted),
    });
  }
  if (refused.stored.count > 0) {
    const message = `${refused.stored.count} sequence(s) of ${src} are stored in ${dest} already, ${first(refused.stored)}`;
    throw new DatasetError("DUPLICATE_ID", message, {
      hint: "Choose with --if-duplicate skip, prefer-dest or prefer-src.",
      details: details(refused.stored),
    });
  }
  if (refused.case.count > 0) {
    const message = `${refused.case.count} sequence(s) of ${src} differ only in letter case from others of ${dest}, ${first(refused.case)}`;
    throw new DatasetError("DUPLICATE_KEY", message, {
      hint: "Take them over with --casefold keep, or leave them out with --casefold skip.",
      details: details(refused.case),
    });
  }
};
