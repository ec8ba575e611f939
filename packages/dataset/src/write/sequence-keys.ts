import { buildKeyIndex, type KeyBatch, OverlayError, openPart } from "@usr/overlay";
import { ParquetError, type ParquetFile, readBatches } from "@usr/parquet";
import { valueAt } from "@usr/schema/columns";
import { scopedStorage } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { BASE_FIELDS } from "../layout.ts";
import type { Snapshot } from "../types.ts";

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
export const sequenceKeys = async (snapshot: Snapshot, file: string): Promise<SequenceKeys> => {
  const overlays = await keyedBySequence(snapshot);
  const [first] = overlays;
  if (first === undefined) return { admits: () => {}, foldsCase: false };
  const folding = overlays.find(({ key }) => key === "sequence_ci");
  let known = await firstBioType(snapshot.base.file);
  return {
    foldsCase: folding !== undefined,
    admits: (bioType, alphabet, row) => {
      known ??= bioType;
      if (bioType !== known) {
        throw new DatasetError(
          "MULTIPLE_BIO_TYPES",
          `${file} row ${row} is ${bioType}, ${snapshot.id} holds ${known}, and its overlay ${first.namespace} is keyed by ${first.key}, which needs one bio type`,
          {
            hint: "Keep each bio type in a dataset of its own, or key the overlay by id.",
            details: { file, row, column: "bio_type", value: bioType, bio_types: [known, bioType], ...first },
          },
        );
      }
      if (folding !== undefined && alphabet !== "dna_4") {
        throw new DatasetError(
          "NOT_SUPPORTED",
          `${file} row ${row} is ${alphabet}, and the overlay ${folding.namespace} of ${snapshot.id} is keyed by sequence_ci, which is for dna_4 alone`,
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
const keyedBySequence = async ({ root, id, entries }: Snapshot): Promise<readonly Keyed[]> => {
  const storage = scopedStorage(root.storage, id);
  const found: Keyed[] = [];
  for (const { objects } of entries) {
    const handle = await storage.open(objects[0]!.path);
    if (handle === undefined) continue;
    await using opened = handle;
    try {
      const { namespace, key } = await openPart(opened);
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
