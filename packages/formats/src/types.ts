import type { ByteSource } from "@usr/parquet";
import type { Column, DataType } from "@usr/schema";

/** The table formats people bring and take away; `genbank` is only brought. */
export type Format = "csv" | "tsv" | "jsonl" | "parquet" | "arrow" | "fasta" | "genbank";

/** How a file is wrapped; `@usr/formats/node` unwraps it. */
export type Compression = "gz" | "zst";

/**
 * Bytes in order, or bytes at any place. `parquet` reads `file` piecewise; from a `stream` it is buffered whole, up to a limit. `csv`, `tsv`, `jsonl`
 * and `fasta` are done with a chunk of a stream when they ask for the next, so that its memory may be used again.
 */
export type TableInput = { readonly stream: AsyncIterable<Uint8Array> } | { readonly file: ByteSource };

/** What an input may cost. Beyond a limit reading stops with `TOO_LARGE`. */
export interface TableLimits {
  /** One CSV cell, one JSONL line, one FASTA or GenBank record. Default 64 MiB. */
  readonly maxFieldBytes?: number | undefined;
  /** One CSV row; what the lines of one GenBank record take in memory. Default 256 MiB. */
  readonly maxRowBytes?: number | undefined;
  /** Columns of a header, keys of a JSONL file. Default 65,536. */
  readonly maxColumns?: number | undefined;
  /** Nesting of JSON. Default 128. */
  readonly maxDepth?: number | undefined;
  /** A parquet or arrow stream that has to be buffered. Default 1 GiB. */
  readonly maxBufferedBytes?: number | undefined;
  /** Pages of parquet that are decoded at a time, in bytes over all columns, as they declare. Default 2 GiB. */
  readonly maxDecodedBytes?: number | undefined;
  /** Uncompressed bytes of parquet that a compressed one may declare, above the first MiB of a column chunk. Default 65,536: more than zstd can do. */
  readonly maxRatio?: number | undefined;
  /** Rows of one batch. Default 16,384, ceiling 65,536. */
  readonly batchRows?: number | undefined;
  /** Input bytes after which a batch is closed. Default 16 MiB. */
  readonly batchBytes?: number | undefined;
}

export interface OpenTableOptions {
  readonly format: Format;
  /** What errors call the input: a path, or `stdin`. */
  readonly name: string;
  readonly limits?: TableLimits | undefined;
  /** Typed input only: floats may lose digits on the way to a narrower float. Default false. */
  readonly allowRounding?: boolean | undefined;
  /** csv, tsv: undo what `writeTable` did under the same option. Default false. */
  readonly formulaSafe?: boolean | undefined;
  /** csv, tsv, jsonl: a batch ends where the input makes a reader wait, instead of waiting until it is full. Default false. */
  readonly eager?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Chooses what becomes of one input column: the type to convert to, or `undefined` to leave it out. `type` is the input's own type, `undefined`
 * for text. Called once per column, for jsonl when a key is seen first. May throw to refuse the column.
 */
export type ResolveColumn = (name: string, type: DataType | undefined) => DataType | undefined;

export interface TableColumn {
  readonly name: string;
  /** The type the input declares; absent for text formats. */
  readonly type?: DataType | undefined;
}

/** Rows as columns by name, all `numRows` long. */
export interface TableRows {
  readonly numRows: number;
  readonly columns: ReadonlyMap<string, Column>;
}

/** Consecutive rows of the input. A jsonl key that first appears later is not yet in `columns`: its cells are missing. */
export interface TableBatch extends TableRows {
  /** 1-based number of the first data row. */
  readonly firstRow: number;
}

export interface TableReader {
  /** In input order; `undefined` for jsonl, whose columns are known only at its end. */
  readonly columns: readonly TableColumn[] | undefined;
  /** Rows in input order, at most `batchRows` a batch. Once: what has been read is gone, and asking again is `USAGE`. */
  batches(resolve: ResolveColumn): AsyncIterable<TableBatch>;
}

export interface WriteTableOptions {
  readonly format: Format;
  /** csv, tsv: string cells a spreadsheet would run as a formula get a leading `'`. Numbers stay as they are. Default false. */
  readonly formulaSafe?: boolean | undefined;
  /** fasta: text after `>` with `{column}` placeholders, `{{` and `}}` for braces. Default `{id}`. */
  readonly fastaHeader?: string | undefined;
  /** fasta: symbols a line; 0 = one line. Default 0. */
  readonly fastaWrap?: number | undefined;
  /** fasta: the column that holds the sequence. Default `sequence`. */
  readonly fastaSequence?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}
