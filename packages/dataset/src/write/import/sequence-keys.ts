import {
  buildKeyIndex,
  discoverOverlays,
  type KeyBatch,
  type OverlayEntry,
  OverlayError,
  openPart,
} from "@usr/overlay";
import { ParquetError, type ParquetFile, readBatches } from "@usr/parquet";
import { valueAt } from "@usr/schema/columns";
import { type ReadableStorage, scopedStorage } from "@usr/storage";
import { DatasetError } from "../../error.ts";
import { BASE_FIELDS, DERIVED_DIR } from "../../layout.ts";
import { listAll } from "../../read/objects.ts";
import type { Snapshot } from "../../types.ts";

/** What overlays that are keyed by sequence ask of rows that come: one bio type, and each sequence once. */
export interface SequenceKeys {
  /** Throws where a row of this kind would make an overlay unreadable. */
  readonly admits: (bioType: string, alphabet: string, row: number) => void;
  /** Whether letter case makes no difference to a key, so that new sequences may be ambiguous. */
  readonly foldsCase: boolean;
}

/**
 * Looks at a footer of each overlay and at the first row of the base.
 *
 * `admits` throws DatasetError `MULTIPLE_BIO_TYPES`, and `NOT_SUPPORTED` beside a key without letter case for another alphabet than dna_4.
 */
export const sequenceKeys = async ({ root, id, entries, base }: Snapshot, file: string): Promise<SequenceKeys> => {
  const overlays = await keyedBySequence(scopedStorage(root.storage, id), entries);
  return overlays.length === 0 ? FREE : keysOf(overlays, await firstBioType(base.file), id, file);
};

/**
 * Holds a table that is to become the base of a dataset against its overlays. Reads what their keys are told apart by, where one is keyed by
 * sequence. Throws what `admits` throws, and OverlayError `AMBIGUOUS_BASE_KEY`.
 */
export const requireKeys = async (
  storage: ReadableStorage,
  id: string,
  table: ParquetFile,
  file: string,
): Promise<void> => {
  const entries = discoverOverlays(await listAll(storage, DERIVED_DIR));
  const overlays = await keyedBySequence(storage, entries);
  if (overlays.length === 0) return;
  const { admits, foldsCase } = keysOf(overlays, undefined, id, file);
  let row = 0;
  for await (const { columns, numRows } of readBatches(table, { columns: ["bio_type", "alphabet"] }))
    for (let i = 0; i < numRows; i++) admits(String(valueAt(columns[0]!, i)), String(valueAt(columns[1]!, i)), ++row);
  if (foldsCase) await requireCaseUnique(keyRows(table));
};

const FREE: SequenceKeys = { admits: () => {}, foldsCase: false };

/** What overlays ask of rows beside rows of the bio type `known`. */
const keysOf = (overlays: readonly Keyed[], known: string | undefined, id: string, file: string): SequenceKeys => {
  const [first] = overlays;
  if (first === undefined) return FREE;
  const folding = overlays.find(({ key }) => key === "sequence_ci");
  return {
    foldsCase: folding !== undefined,
    admits: (bioType, alphabet, row) => {
      known ??= bioType;
      if (bioType !== known) {
        throw new DatasetError(
          "MULTIPLE_BIO_TYPES",
          `${file} row ${row} is ${bioType}, ${id} holds ${known}, and its overlay ${first.namespace} is keyed by ${first.key}, which needs one bio type`,
          {
            hint: "Keep each bio type in a dataset of its own, or key the overlay by id.",
            details: { file, row, column: "bio_type", value: bioType, bio_types: [known, bioType], ...first },
          },
        );
      }
      if (folding !== undefined && alphabet !== "dna_4") {
        throw new DatasetError(
          "NOT_SUPPORTED",
          `${file} row ${row} is ${alphabet}, and the overlay ${folding.namespace} of ${id} is keyed by sequence_ci, which is for dna_4 alone`,
          {
            hint: "Keep it in a dataset of its own, or key the overlay by sequence or id.",
            details: { file, row, column: "alphabet", value: alphabet, ...folding },
          },
        );
      }
    },
  };
};

/** Throws OverlayError `AMBIGUOUS_BASE_KEY` where the rows hold a sequence twice but for letter case. Memory: 36 bytes and the sequence a row. */
export const requireCaseUnique = async (rows: AsyncIterable<KeyBatch>): Promise<void> =>
  void (await buildKeyIndex("sequence_ci", rows));

/** The columns of a base, or of rows to come, that tell keys apart. */
export const keyRows = (file: ParquetFile): AsyncIterable<KeyBatch> =>
  readBatches(file, { columns: ["sequence", "bio_type", "alphabet"] });

/** New rows as they come from the input, in the columns of a base. */
export const asKeyBatch = ({ numRows, columns }: Pick<KeyBatch, "numRows" | "columns">): KeyBatch => ({
  schema: { fields: BASE_FIELDS, metadata: new Map() },
  numRows,
  columns,
});

interface Keyed {
  readonly namespace: string;
  readonly key: string;
}

/** The overlays that are not keyed by id. One that cannot be read stops the reads that need it, not the rows that come. */
const keyedBySequence = async (
  storage: ReadableStorage,
  entries: readonly OverlayEntry[],
): Promise<readonly Keyed[]> => {
  const found: Keyed[] = [];
  for (const { objects } of entries) {
    await using handle = await storage.open(objects[0]!.path);
    if (handle === undefined) continue;
    try {
      const { namespace, key } = await openPart(handle);
      if (key !== "id") found.push({ namespace, key });
    } catch (error) {
      if (!(error instanceof OverlayError || error instanceof ParquetError)) throw error;
    }
  }
  return found;
};

const firstBioType = async (file: ParquetFile): Promise<string | undefined> => {
  for await (const { columns } of readBatches(file, { columns: ["bio_type"], end: 1 })) {
    const value = valueAt(columns[0]!, 0);
    if (typeof value === "string") return value;
  }
  return undefined;
};
