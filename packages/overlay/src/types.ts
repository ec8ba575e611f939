import type { ParquetFile } from "@usr/parquet";
import type { Batch, Column, Field, Utf8Column } from "@usr/schema";
import type { ObjectMeta, Signal } from "@usr/storage";

/** What the rows of an overlay are joined by. `sequence` and `sequence_norm` are the same key under two names. */
export type OverlayKey = "id" | "sequence" | "sequence_norm" | "sequence_ci";

/** One overlay as it lies in `_derived/`: `<name>.parquet`, or `<name>/part-*.parquet`. */
export interface OverlayEntry {
  /** Stem of the file or name of the folder. The namespace is what the first part says; the two differ only where somebody renamed. */
  readonly name: string;
  readonly form: "file" | "parts";
  /** At least one, sorted by path. */
  readonly objects: readonly ObjectMeta[];
}

/** A part that a compaction replaced. */
export interface CompactedSource {
  readonly name: string;
  /** As it was written in the source. */
  readonly createdAt: string;
  /** 64 lowercase hex digits. */
  readonly sha256: string;
}

/** One overlay file, its footer read. */
export interface Part {
  readonly path: string;
  /** Last segment of the path. */
  readonly name: string;
  readonly namespace: string;
  readonly key: OverlayKey;
  /** Nanoseconds since the epoch. */
  readonly createdAt: bigint;
  readonly createdAtText: string;
  readonly file: ParquetFile;
  /** Names of the columns beside the key, in file order. */
  readonly columns: readonly string[];
  readonly registryHash: string | undefined;
  readonly contractHash: string | undefined;
  readonly eventId: string | undefined;
  /** `undefined` = not the result of a compaction that says so. */
  readonly compactedFrom: readonly CompactedSource[] | undefined;
}

/** A namespace that is fit to be read: every refusal of the contract has been checked but those that need the rows. */
export interface Overlay {
  readonly namespace: string;
  readonly entry: OverlayEntry;
  readonly key: OverlayKey;
  /** Newest first. */
  readonly parts: readonly Part[];
  /** The registered columns that at least one part holds, in registry order, with their registered types. */
  readonly fields: readonly Field[];
}

/** Base rows to be indexed. `startRow` is the base row of the batch's first row; absent = the one after the previous batch. */
export interface KeyBatch extends Batch {
  readonly startRow?: number | undefined;
}

export interface KeyIndexOptions extends Signal {
  /** Rows of the whole base table; absent = the last row given is the last of the base. */
  readonly rows?: number | undefined;
  /** Keys that are about to be given, where that is known: a table of the right size need not grow. */
  readonly expected?: number | undefined;
  /** Index the keys of one share only; of the others the index knows nothing. */
  readonly share?: KeyShare | undefined;
}

/** One of `of` shares, about equal, that keys are divided into by what they are: `index` counts from 0. */
export interface KeyShare {
  readonly index: number;
  readonly of: number;
}

/** Base rows by key, exactly: keys are compared byte by byte after normalisation. */
export interface KeyIndex {
  readonly key: OverlayKey;
  /** Rows of the whole base table. */
  readonly numRows: number;
  /** The keys of an index of few rows, as they are compared; absent where they are many or the index is complete. */
  readonly keys?: readonly Uint8Array[] | undefined;
  /** How many keys it holds. */
  readonly size: number;
  /** Whether every base row was given. Keys unknown to a partial index may belong to rows that it does not hold. */
  readonly complete: boolean;
  /**
   * The first base row with the key that `bytes[start, end)` is as text, before normalisation; `-1` = none, `-2` = a blank key.
   * The key after the last one found is tried first, so keys that come in base order cost one comparison.
   */
  lookup(bytes: Uint8Array, start: number, end: number): number;
  /** `lookup` for every value of a column, `-2` for NULL. For ids in no order several times as fast. */
  lookupEach(column: Utf8Column): Int32Array;
  /** The next base row with the same key as `row`, or -1. Only `id` keys of a base that holds an id twice have one. */
  next(row: number): number;
  /** Whether `next` ever answers. */
  readonly repeats: boolean;
}

/** All rows of a base table, indexed when a part is met that wants it. */
export interface LateIndex {
  readonly key: OverlayKey;
  /** The base table itself. */
  readonly base: ParquetFile;
  /** Into how many shares the keys are divided where an index of all of them would take too much memory; default 1. */
  readonly shares?: number | undefined;
  /** The index of all its rows, asked at most once by a cursor; or of those in one share, asked once for each. */
  build(share?: KeyShare): Promise<KeyIndex>;
}

export interface DuplicateKey {
  readonly key: string;
  /** Two rows with that key, counted from 1 over all columns matched. */
  readonly rows: readonly [first: number, second: number];
}

/** Where a stream of keys met the base. Samples hold the first five. */
export interface KeySummary {
  readonly rows: number;
  /** Rows whose key a base row has, repeated keys included. */
  readonly matched: number;
  /** Rows whose key no base row has. */
  readonly orphans: number;
  /** Rows whose key is NULL or blank. */
  readonly blank: number;
  /** Rows whose key an earlier row has. Under a partial index orphans are not compared. */
  readonly duplicates: number;
  readonly duplicateSamples: readonly DuplicateKey[];
  /** Normalised. */
  readonly orphanSamples: readonly string[];
}

export interface KeyMatcher {
  /** The base row of each key of `column` (text); `-1` = no base row has it, `-2` = NULL or blank. */
  match(column: Column): Int32Array;
  /**
   * For each base row the first key met that it has, counted from 1; 0 = none. `undefined` as long as the base rows of the keys have come in
   * strictly ascending order.
   */
  firstOf(): Int32Array | undefined;
  /** What was met so far. */
  summary(): KeySummary;
}

/** What an overlay holds, counted. */
export interface KeyCount {
  /** Stored rows of all parts. */
  readonly rows: number;
  /** Different keys after normalisation, over all parts. */
  readonly distinct: number;
  /** Rows whose key is NULL or blank. */
  readonly blank: number;
  /** Different keys that no base row has; `undefined` where no index was given. */
  readonly orphans: number | undefined;
  /** The first five orphans, normalised. */
  readonly orphanSamples: readonly string[];
}

export interface MergeOptions extends Signal {
  /** Names among `overlay.fields`, in the order wanted. */
  readonly columns: readonly string[];
  /**
   * Bytes of values, about, that may be held to put parts into base order which are not; default 128 MiB. A column that needs more is decoded
   * more than once.
   */
  readonly sortBytes?: number | undefined;
  /** Parts of no more encoded bytes than this are decoded whole, once, and kept; default 128 KiB. */
  readonly smallPartBytes?: number | undefined;
}

/** The merged values of one overlay, for base rows in base order. */
export interface MergeCursor extends AsyncDisposable {
  readonly fields: readonly Field[];
  /**
   * Under an index of the whole base: finds the rows of all parts, as the first `read` does otherwise. After it the cursor holds the index no
   * more, which is larger than all that is found by it; let go of it too before reading, where parts may be sorted.
   *
   * @throws OverlayError as `read`
   */
  open(): Promise<void>;
  /**
   * The merged columns for base rows `[start, end)`, in the order asked; NULL where no part has a value. Ranges are meant to ascend;
   * going back is right but decodes again. Calls must not overlap.
   *
   * @throws OverlayError `DUPLICATE_KEY` where a part that holds one of the columns has a key twice
   */
  read(start: number, end: number): Promise<readonly Column[]>;
}

/** Which row of a part belongs to which base row. Entry i says: base row `base[i]` takes its values from row `part[i]`. */
export interface PartRows {
  /** How many entries there are. */
  readonly count: number;
  /** Strictly ascending; `undefined` = entry i is that of base row i. */
  readonly base: Int32Array | undefined;
  /** `undefined` = entry i is row i of the part: nothing is held of a part that is the base row for row. */
  readonly part: Int32Array | undefined;
  /** Whether `part` never descends: the part is in base order and can be read along with the base. */
  readonly forward: boolean;
}
