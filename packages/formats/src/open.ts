import { unknownFormat } from "./error.ts";
import { openDelimited } from "./read/csv.ts";
import { openFasta } from "./read/fasta.ts";
import { openJsonLines } from "./read/jsonl.ts";
import { readOnce } from "./read-once.ts";
import type { OpenTableOptions, TableInput, TableReader } from "./types.ts";

/**
 * Opens a table: reads a csv header, a parquet footer, an arrow schema. Nothing is ever guessed: the format is
 * the one that is named, the types are the ones that `batches` is asked for.
 *
 * Throws `FormatError`: `USAGE` for a format that is none, `CORRUPT` for bytes that are not of the format, `TYPE_MISMATCH` for a cell that does not fit the type asked for (both name
 * file, row, line, column and value, as far as there are such), `TOO_LARGE` beyond a limit, `NOT_SUPPORTED`.
 */
export async function openTable(input: TableInput, o: OpenTableOptions): Promise<TableReader> {
  return readOnce(await opened(input, o), o.name);
}

async function opened(input: TableInput, o: OpenTableOptions): Promise<TableReader> {
  switch (o.format) {
    case "csv":
      return openDelimited(input, ",", o);
    case "tsv":
      return openDelimited(input, "\t", o);
    case "jsonl":
      return openJsonLines(input, o);
    case "fasta":
      return openFasta(input, o);
    case "genbank":
      return (await import("./read/genbank.ts")).openGenBank(input, o);
    case "parquet":
      return (await import("./read/typed.ts")).openParquetTable(input, o);
    case "arrow":
      return (await import("./read/typed.ts")).openArrowTable(input, o);
    default:
      throw unknownFormat(o.format);
  }
}
