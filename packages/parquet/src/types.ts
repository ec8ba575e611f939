import type { Column, Schema } from "@usr/schema";
import type { Footer } from "./footer/read.ts";
import type { Shape } from "./footer/shape.ts";
import type { DecodeLimits } from "./limits.ts";
import type { ByteSource, Signal } from "./source.ts";

export interface RowGroupInfo {
  readonly numRows: number;
  /** Row number of its first row in the file. */
  readonly startRow: number;
  /** Bytes of its column chunks in the file. */
  readonly byteSize: number;
}

/** An open file: plain data, no resource. Closing the source is the caller's. */
export interface ParquetFile {
  readonly source: ByteSource;
  /** The readable columns with types after `ARROW:schema`, and the metadata as pyarrow sees it. */
  readonly schema: Schema;
  /** Top-level columns this package cannot read, with the reason; they are not in `schema`, and reading them is `NOT_SUPPORTED`. */
  readonly unsupported: ReadonlyMap<string, string>;
  /** Every top-level column name in file order, unreadable ones too. */
  readonly columnNames: readonly string[];
  readonly numRows: number;
  readonly leafColumns: number;
  readonly createdBy: string | undefined;
  readonly rowGroups: readonly RowGroupInfo[];
  readonly limits: Required<{ readonly [K in keyof DecodeLimits]: number }>;
  /** The decoded footer; its shape is not part of the interface. */
  readonly footer: Footer;
  /** How each readable column is laid out; not part of the interface. */
  readonly shapes: ReadonlyMap<string, Shape>;
}

export interface ReadOptions extends Signal {
  /** Column names in the order wanted; default all of `schema`. */
  readonly columns?: readonly string[] | undefined;
  /** First row, default 0. */
  readonly start?: number | undefined;
  /** One past the last row, default all. Clipped to the file. */
  readonly end?: number | undefined;
  /** Most rows of one batch, default 65,536. */
  readonly batchRows?: number | undefined;
  /** Encoded bytes to hold at a time, about; default 256 MiB. Larger row groups are read in parts where the file has offset indexes. */
  readonly windowBytes?: number | undefined;
}

/** A row group that may hold some values. */
export interface Candidate {
  readonly rowGroup: number;
  /** Which of the values it may hold, by their indices, ascending; absent = it has no filter, and may hold any. */
  readonly values: Int32Array | undefined;
}

/** The encoded bytes of one top-level column of one row group, to be copied as they are. */
export interface ChunkRef {
  readonly file: ParquetFile;
  readonly rowGroup: number;
  readonly column: string;
  readonly numRows: number;
}

/** One row group to write: a column per schema field, decoded or by reference. A `Batch` is one. */
export interface RowGroup {
  readonly numRows: number;
  readonly columns: readonly (Column | ChunkRef)[];
}

export type WriteCodec = "zstd" | "uncompressed";

export interface WriteOptions extends Signal {
  /** Default `zstd` (level 1). Where the runtime has no zstd, `uncompressed` must be asked for. */
  readonly codec?: WriteCodec | undefined;
  /** Default 1. */
  readonly zstdLevel?: number | undefined;
  /** Bytes of values in one page, about; default 1 MiB. */
  readonly pageBytes?: number | undefined;
  /** Text columns that get a bloom filter in each row group. Default none. */
  readonly bloomFilters?: readonly string[] | undefined;
  /**
   * The share of absent values that a filter lets through, at most: more than 0 and less than 1. Default 0.01, which takes 1.2 to 2.5 bytes a value;
   * 0.0001 takes 2.7 to 5.3.
   */
  readonly falsePositives?: number | undefined;
  /** Footer field `created_by`; default `usr`. */
  readonly createdBy?: string | undefined;
  /** `auto` (default) writes `ARROW:schema` where a type needs it; `always` also where none does. */
  readonly arrowSchema?: "auto" | "always" | undefined;
}
