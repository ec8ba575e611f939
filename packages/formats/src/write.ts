import type { Batch, Schema } from "@usr/schema";
import { checkColumn } from "@usr/schema/check";
import { FormatError, unknownFormat } from "./error.ts";
import type { WriteTableOptions } from "./types.ts";
import { writeDelimited } from "./write/csv.ts";
import { writeFasta } from "./write/fasta.ts";
import { writeJsonLines } from "./write/jsonl.ts";

/**
 * A table as the bytes of a file, lazily. What is written here is read back by `openTable` with the same types to the same columns, fasta apart.
 *
 * Throws `FormatError`: `USAGE` for options that do not fit the table and for batches that do not fit the schema, SchemaError `CORRUPT` for a column that is not what it says, `NOT_SUPPORTED` for values a format has no form for.
 */
export async function* writeTable(
  schema: Schema,
  batches: AsyncIterable<Batch>,
  o: WriteTableOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (o.format) {
    case "csv":
      yield* writeDelimited(schema, checked(schema, batches), ",", o);
      return;
    case "tsv":
      yield* writeDelimited(schema, checked(schema, batches), "\t", o);
      return;
    case "jsonl":
      yield* writeJsonLines(checked(schema, batches), o);
      return;
    case "fasta":
      yield* writeFasta(schema, checked(schema, batches), o);
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
      return;
    default:
      throw unknownFormat(o.format);
  }
}

/** The batches, each held against the schema; the writers of typed formats look by themselves. */
async function* checked(schema: Schema, batches: AsyncIterable<Batch>): AsyncGenerator<Batch, void, undefined> {
  for await (const batch of batches) {
    const { fields } = schema;
    if (batch.columns.length !== fields.length) {
      throw new FormatError("USAGE", {
        rule: `a batch has ${batch.columns.length} columns, the schema ${fields.length}`,
      });
    }
    for (const [i, column] of batch.columns.entries()) {
      const { name } = fields[i]!;
      if (column.length !== batch.numRows) {
        throw new FormatError("USAGE", {
          column: name,
          rule: `has ${column.length} rows, its batch ${batch.numRows}`,
        });
      }
      checkColumn(column, name);
    }
    yield batch;
  }
}
