import type { Batch, Schema } from "@usr/schema";
import { FormatError } from "./error.ts";
import type { WriteTableOptions } from "./types.ts";
import { writeDelimited } from "./write/csv.ts";
import { writeFasta } from "./write/fasta.ts";
import { writeJsonLines } from "./write/jsonl.ts";

/**
 * A table as the bytes of a file, lazily. What is written here is read back by `openTable` with the same types to the same columns, fasta apart.
 *
 * Throws `FormatError`: `USAGE` for options that do not fit the table, `NOT_SUPPORTED` for values a format has no form for.
 */
export async function* writeTable(
  schema: Schema,
  batches: AsyncIterable<Batch>,
  o: WriteTableOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (o.format) {
    case "csv":
      yield* writeDelimited(schema, batches, ",", o);
      return;
    case "tsv":
      yield* writeDelimited(schema, batches, "\t", o);
      return;
    case "jsonl":
      yield* writeJsonLines(batches, o);
      return;
    case "fasta":
      yield* writeFasta(schema, batches, o);
      return;
    case "genbank":
      throw new FormatError("NOT_SUPPORTED", {
        rule: "GenBank files are read, not written",
        hint: "Write csv, tsv, jsonl, parquet, arrow or fasta.",
      });
    case "parquet":
      yield* (await import("./write/typed.ts")).writeParquetTable(schema, batches, o);
      return;
    case "arrow":
      yield* (await import("./write/typed.ts")).writeArrowTable(schema, batches, o);
  }
}
