import { IdError } from "@usr/id";
import { createKeyTable } from "@usr/overlay/write";
import { readBatches } from "@usr/parquet";
import type { Batch } from "@usr/schema";
import { DatasetError } from "../error.ts";
import { ID_LENGTH } from "../identity.ts";
import type { Snapshot } from "../types.ts";
import { createRowMask, deletedRows, type RowMask } from "../write/base/row-mask.ts";
import { evenOffsets } from "../write/import/growing.ts";
import { addKeys } from "../write/import/stored-ids.ts";
import { BLANK, createKeyDigest, type Folding, type KeyDigest } from "../write/key-digest.ts";
import { createKeyDigests, type KeyDigests } from "../write/key-digests.ts";
import { constantText, textCells } from "./text-cells.ts";

/**
 * What makes rows duplicates. All but `id` keep bio types apart. `sequence` and `sequence_norm` are one key, the sequence without white space
 * around it; `sequence_ci` (dna_4 alone) passes over letter case; `sequence_canonical` (dna and rna) over case and strand: the lesser of the
 * sequence and its reverse complement, in upper case.
 */
export type DedupeKey = "id" | "sequence" | "sequence_norm" | "sequence_ci" | "sequence_canonical";

/** Rows with equal keys, and which row of each group stays. */
export interface Duplicates {
  readonly key: DedupeKey;
  readonly dropped: RowMask;
  readonly groups: number;
  /** The group of a row, or -1. */
  groupOf(row: number): number;
  /** The row that stays of a group. */
  keptRow(group: number): number;
}

/**
 * Finds the rows with equal keys. Of a group the first or last live row stays; a deleted row stays only where all of its group are deleted.
 * One pass over the key columns; about 40 bytes a row, and 4 more where there are duplicates.
 *
 * @throws DatasetError `MISSING_KEY`, `EMPTY_SEQUENCE`, `BAD_BIO_TYPE`, `BAD_SYMBOL`, `NOT_SUPPORTED` with the row, where a row has no such key
 */
export const findDuplicates = async (
  snapshot: Snapshot,
  o: { readonly key: DedupeKey; readonly keep: "first" | "last" },
): Promise<Duplicates> => {
  const { file } = snapshot.base;
  const deleted = await deletedRows(snapshot);
  const digests = createKeyTable({ expected: file.numRows, fold: false });
  const kept: number[] = [];
  // Group + 1 of each row; most bases have no group at all.
  let groups = new Int32Array(0);
  /** `first` is the row with an equal key before it. */
  const meet = (row: number, first: number): void => {
    if (groups.length === 0) groups = new Int32Array(file.numRows);
    if (groups[first] === 0) groups[first] = kept.push(first);
    const group = groups[first]!;
    groups[row] = group;
    const stays = kept[group - 1]!;
    const better = deleted.has(stays) === deleted.has(row) ? o.keep === "last" : deleted.has(stays);
    if (better) kept[group - 1] = row;
  };
  const allAtOnce = manyKeys(o.key);
  let row = 0;
  for await (const batch of readBatches(file, { columns: columnsOf(o.key) })) {
    const { numRows } = batch;
    const keys = allAtOnce(batch) ?? oneByOne(batch, o.key, snapshot.id, row);
    const firsts = new Int32Array(numRows);
    addKeys(digests, keys, evenOffsets(numRows, ID_LENGTH), row, firsts);
    for (let i = 0; i < numRows; i++) if (firsts[i]! >= 0) meet(row + i, firsts[i]!);
    row += numRows;
  }
  const dropped = createRowMask(file.numRows);
  for (let at = 0; at < groups.length; at++) {
    const group = groups[at]!;
    if (group > 0 && kept[group - 1] !== at) dropped.add(at);
  }
  return {
    key: o.key,
    dropped,
    groups: kept.length,
    groupOf: (at) => (groups[at] ?? 0) - 1,
    keptRow: (group) => kept[group]!,
  };
};

const columnsOf = (key: DedupeKey): readonly string[] => (key === "id" ? ["id"] : ["sequence", "bio_type", "alphabet"]);

const FOLDINGS: Readonly<Record<DedupeKey, Folding>> = {
  id: "exact",
  sequence: "exact",
  sequence_norm: "exact",
  sequence_ci: "case",
  sequence_canonical: "strand",
};

/** The digests of the keys of batches whose rows are of one kind, and all have one. */
const manyKeys = (key: DedupeKey): ((batch: Batch) => Uint8Array | undefined) => {
  const digests = new Map<string, KeyDigests>();
  return ({ columns: [text, bioTypes, alphabets] }) => {
    // Ids say the bio type themselves; any one will do to take their digest.
    const bioType = key === "id" ? "dna" : constantText(bioTypes);
    if (bioType === undefined || !hasKey(bioType, key)) return undefined;
    if (key === "sequence_ci" && constantText(alphabets) !== "dna_4") return undefined;
    const digestsOf = digests.get(bioType) ?? createKeyDigests(FOLDINGS[key], bioType);
    digests.set(bioType, digestsOf);
    return digestsOf(text);
  };
};

/** Whether sequences of a bio type have such a key. */
const hasKey = (bioType: string, key: DedupeKey): boolean =>
  bioType === "dna" || bioType === "rna" || (bioType === "protein" && key !== "sequence_canonical");

/** The digest of the key of each row, or what is wrong with the first row that has none. */
const oneByOne = (batch: Batch, key: DedupeKey, dataset: string, firstRow: number): Uint8Array => {
  const keys = keysOf(batch, key, dataset);
  const all = new Uint8Array(batch.numRows * ID_LENGTH);
  for (let i = 0; i < batch.numRows; i++) all.set(keys(i, firstRow + i), i * ID_LENGTH);
  return all;
};

/** The digest of the key of each row of a batch. */
const keysOf = (batch: Batch, key: DedupeKey, dataset: string): ((i: number, row: number) => Uint8Array) => {
  const [text, bioTypes, alphabets] = batch.columns;
  const bioTypeAt = textCells(bioTypes);
  const alphabetAt = textCells(alphabets);
  const digests = new Map<string, KeyDigest>();
  const digestOf = (bioType: string, row: number): KeyDigest => {
    let digest = digests.get(bioType);
    if (digest === undefined) {
      digest = atRow(dataset, row, key, () => createKeyDigest(FOLDINGS[key], bioType));
      digests.set(bioType, digest);
    }
    return digest;
  };
  return (i, row) => {
    // Ids say the bio type themselves; any one will do to take their digest.
    const bioType = key === "id" ? "dna" : (bioTypeAt(i) ?? "");
    const digest = digestOf(bioType, row);
    if (key === "sequence_ci" && alphabetAt(i) !== "dna_4") {
      throw new DatasetError(
        "NOT_SUPPORTED",
        `The key sequence_ci is for dna_4 alone, and row ${row + 1} of ${dataset} has the alphabet ${alphabetAt(i) ?? "NULL"}.`,
        {
          hint: "Use --key sequence or sequence_canonical.",
          details: { dataset, row: row + 1, alphabet: alphabetAt(i) ?? null },
        },
      );
    }
    const taken = text?.layout === "utf8" ? digest.take(text.data, text.offsets[i]!, text.offsets[i + 1]!) : BLANK;
    if (taken === -1) return digest.hex;
    if (taken === BLANK) throw withoutKey(key, dataset, row);
    throw new DatasetError("BAD_SYMBOL", `The sequence in row ${row + 1} of ${dataset} has no other strand.`, {
      hint: `See what is wrong with it: usr validate ${dataset}`,
      details: { dataset, row: row + 1, bioType },
    });
  };
};

const atRow = <T>(dataset: string, row: number, key: DedupeKey, act: () => T): T => {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof IdError)) throw cause;
    throw new DatasetError(cause.code, `Row ${row + 1} of ${dataset} has no ${key}: ${cause.message}`, {
      hint: key === "sequence_canonical" ? "Use --key sequence: proteins have one strand." : cause.hint,
      details: { ...cause.details, dataset, row: row + 1 },
      cause,
    });
  }
};

const withoutKey = (key: DedupeKey, dataset: string, row: number): DatasetError =>
  new DatasetError(
    key === "id" ? "MISSING_KEY" : "EMPTY_SEQUENCE",
    `Row ${row + 1} of ${dataset} has no ${key === "id" ? "id" : "sequence"}.`,
    { hint: `See what else is wrong with the base: usr validate ${dataset}`, details: { dataset, row: row + 1 } },
  );
