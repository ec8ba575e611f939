import type { Overlay, OverlayEntry } from "@usr/overlay";
import type { ParquetFile } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import type { Field } from "@usr/schema";
import type { ObjectMeta, ReadableStorage, Signal } from "@usr/storage";

/** A folder of datasets with the registry they share. */
export interface Root {
  readonly storage: ReadableStorage;
  /** How the root is called in messages and events: the path or address it was opened by. */
  readonly label: string;
  /**
   * Bytes that a merge may take, about; default 2 GiB. The keys of the base take half of it at most, where need be a share of them at a time, and values
   * that are sorted a quarter; a merge takes what it cannot do without, whatever this says.
   */
  readonly memoryBytes?: number | undefined;
}

/** Which registry says what overlay columns mean: the root's of today, or the copy the dataset froze. */
export type RegistrySource = "current" | "frozen";

export interface ReadOptions extends Signal {
  /** Default `current`. */
  readonly registryMode?: RegistrySource | undefined;
}

export interface SnapshotOptions extends ReadOptions {
  /** The overlays to open, by namespace (never `usr`). A namespace without overlay is no error. */
  readonly namespaces: "all" | "none" | readonly string[];
  /** Whether to open the tombstone file. */
  readonly tombstones: boolean;
  /** The rows of the base are wanted by number: what its footer says of column chunks is checked when it is asked for (`openParquet`). */
  readonly counted?: boolean | undefined;
}

/** The base table as it was when the snapshot was opened. */
export interface BaseTable {
  readonly meta: ObjectMeta;
  readonly file: ParquetFile;
  /** `usr:registry_hash`. */
  readonly registryHash: string | undefined;
  /** `usr:dataset_created_at`, as it is written. */
  readonly createdAt: string | undefined;
}

/**
 * One state of a dataset: open handles on the base and on the overlays that were asked for, all of one commit.
 * It goes on reading that state whatever writers do; dispose it to close the handles.
 */
export interface Snapshot extends AsyncDisposable {
  readonly root: Root;
  readonly id: string;
  readonly base: BaseTable;
  /** Every overlay of the dataset, opened or not, `usr` too. */
  readonly entries: readonly OverlayEntry[];
  /** The overlays that were opened, by namespace. */
  readonly overlays: readonly Overlay[];
  readonly tombstones: TombstoneTable | undefined;
  /** Present when an overlay that needs it was opened. */
  readonly registry: Registry | undefined;
}

/** The tombstone file `_derived/usr.parquet`, opened. */
export interface TombstoneTable {
  readonly file: ParquetFile;
  /** The same file as an overlay keyed by `id`. */
  readonly overlay: Overlay;
}

export interface Query extends ReadOptions {
  /** The columns wanted, in the order wanted; absent = every column of the merged view. */
  readonly columns?: readonly string[] | undefined;
  /** Show deleted rows and the columns of `usr`. Default false. */
  readonly includeDeleted?: boolean | undefined;
  /** Default true; false = the stored base columns alone (deleted rows stay hidden). */
  readonly overlays?: boolean | undefined;
  /** Skip that many visible rows first. */
  readonly start?: number | undefined;
  /** At most that many rows. */
  readonly limit?: number | undefined;
  /**
   * Only the rows that a filter (docs/filters.md) is true for; it may name any column that the query could ask for. Checked against the
   * columns before rows are read; row groups of the base that cannot hold such a row are not read. Not together with `ids`.
   */
  readonly where?: string | undefined;
  /** Only these rows, in the order given. An id that no visible row has is `UNKNOWN_ID`. */
  readonly ids?: readonly string[] | undefined;
}

/** A column of the merged view and where it lives: `base` or a namespace. */
export interface OriginField extends Field {
  readonly origin: string;
}

export interface DatasetSummary {
  readonly dataset: string;
  /** Visible rows; `null` with `problem`. */
  readonly rows: number | null;
  readonly rows_deleted: number | null;
  /** Stored rows. */
  readonly rows_base: number | null;
  readonly namespaces: readonly string[];
  /** Base and overlays; snapshots, archives, logs and runtime files apart. */
  readonly size_bytes: number;
  /** The newest change of base or overlays, where the store knows times. */
  readonly updated_at: string | null;
  /** Why the dataset cannot be read; absent where it can. */
  readonly problem?: { readonly code: string; readonly message: string } | undefined;
}

export interface NamespaceInfo {
  readonly namespace: string;
  readonly key: string;
  readonly parts: number;
  /** Stored rows of all parts. */
  readonly rows: number;
  readonly distinct_keys: number;
  readonly columns: readonly string[];
  readonly size_bytes: number;
  readonly newest_created_at: string | null;
  /** Rows whose key another row of the overlay has too, all but one of each: what a compaction would leave out. */
  readonly overlap: number;
  /** Stored rows for each different key: how often a read of everything meets a key. 1 where nothing overlaps, `null` without keys. */
  readonly read_amplification: number | null;
  /** The command to type where compacting pays; `null` where it does not. */
  readonly compact: string | null;
}

export interface DatasetInfo {
  readonly dataset: string;
  /** Of the base table, in the root. */
  readonly path: string;
  readonly rows: number;
  readonly rows_deleted: number;
  readonly rows_base: number;
  readonly columns: readonly string[];
  readonly namespaces: readonly NamespaceInfo[];
  readonly snapshots: number;
  readonly registry_hash: string | null;
  /** Complete lines of the event log. */
  readonly events: number;
}

export interface DatasetSchema {
  readonly fields: readonly {
    readonly name: string;
    readonly type: string;
    readonly nullable: boolean;
    readonly origin: string;
  }[];
}

export type ValidationMode =
  | "current"
  | "frozen"
  | "either"
  | "namespace-current"
  | "namespace-frozen"
  | "namespace-either";

export interface ValidateOptions extends Signal {
  /** Unregistered materialized columns become errors. Default false. */
  readonly strict?: boolean | undefined;
  /** Default `namespace-current`. */
  readonly mode?: ValidationMode | undefined;
  /** Microseconds since the epoch; parts from the future are looked for where it is given. */
  readonly nowUs?: bigint | undefined;
}

export interface Problem {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  /** File, column and 1-based row, as far as they are known. */
  readonly where: string;
  readonly hint: string | null;
}

export interface ValidationReport {
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  readonly checked: {
    readonly rows: number;
    readonly parts: number;
    readonly overlay_rows: number;
    readonly registries: number;
    readonly events: number;
  };
}
