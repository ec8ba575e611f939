import type { Column, Schema } from "@usr/schema";
import type { Footer } from "./footer.ts";
import type { Shape } from "./shape.ts";

/** Cooperative cancellation. */
export interface Signal {
  readonly signal?: AbortSignal | undefined;
}

/** Random access to the bytes of one file that does not change while it is read. A storage `ReadHandle` is one. */
export interface ByteSource {
  readonly meta: { readonly size: number; readonly path?: string | undefined };
  /** Exactly `length` bytes from `offset`. The result may be a view, of `into` too, which is memory to be used again; else it is never written to. */
  read(offset: number, length: number, o?: Signal & { readonly into?: Uint8Array | undefined }): Promise<Uint8Array>;
}

/** What a file may make a reader allocate. Every declared size is held against these before memory is taken. */
export interface DecodeLimits {
  /** Encoded footer; default 64 MiB. */
  readonly footerBytes?: number | undefined;
  /** Decoded footer, in values (a struct counts 8); default 16 Mi. */
  readonly footerValues?: number | undefined;
  /** Leaf columns; default 16,384. */
  readonly columns?: number | undefined;
  /** Row groups; default 262,144. */
  readonly rowGroups?: number | undefined;
  /** Declared uncompressed bytes of one column chunk; default 64 GiB (chunks are decoded page by page). */
  readonly chunkBytes?: number | undefined;
  /** Declared uncompressed bytes of one page; default 1 GiB. */
  readonly pageBytes?: number | undefined;
  /** Declared values of one page; default 64 Mi. */
  readonly pageValues?: number | undefined;
  /**
   * Declared uncompressed bytes of the pages that one reading holds decoded at a time, over all its columns; default 64 GiB. A row group more
   * may be under way.
   */
  readonly heldBytes?: number | undefined;
  /** Uncompressed bytes per compressed byte above the first MiB of a chunk or page; default 65,536 (zstd itself ends at 32,768). */
  readonly expansion?: number | undefined;
}

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
  /** Text columns that get a bloom filter in each row group, of 1.2 to 2.5 bytes a value (one false hit in 100). Default none. */
  readonly bloomFilters?: readonly string[] | undefined;
  /** Footer field `created_by`; default `usr`. */
  readonly createdBy?: string | undefined;
  /** `auto` (default) writes `ARROW:schema` where a type needs it; `always` also where none does. */
  readonly arrowSchema?: "auto" | "always" | undefined;
}
