import type { ParquetFile } from "@usr/parquet";
import type { Schema } from "@usr/schema";
import { nullColumn } from "@usr/schema/columns";
import { DatasetError } from "../../error.ts";
import {
  BASE_FIELDS,
  DATASET_CREATED_AT,
  ID_HASH,
  ID_HASH_VALUE,
  REGISTRY_HASH,
  SCHEMA_VERSION,
  SCHEMA_VERSION_VALUE,
} from "../../layout.ts";
import type { Rows } from "./row-groups.ts";

/** Metadata key of overlay files we write: the event of the commit that wrote them. */
export const EVENT_ID = "usr:event_id";

/** The schema with these metadata keys set; all others are kept. */
export const stamped = (schema: Schema, pairs: Iterable<readonly [string, string]>): Schema => ({
  fields: schema.fields,
  metadata: new Map([...schema.metadata, ...pairs]),
});

/** The schema of a base that is about to be written anew. Throws `NOT_SUPPORTED` where it has columns nobody here can read: they would be lost. */
export const wholeSchema = (file: ParquetFile, id: string): Schema => {
  for (const [column, reason] of file.unsupported) {
    throw new DatasetError("NOT_SUPPORTED", `the base of ${id} has a column ${column} that cannot be kept: ${reason}`, {
      hint: "Rewrite the base without it, with the program that made it.",
      details: { dataset: id, column, reason },
    });
  }
  return file.schema;
};

/** The schema with every column as one that may be missing, as the columns of a base are. */
export const optional = (schema: Schema): Schema => ({
  fields: schema.fields.map((field) => ({ ...field, nullable: true })),
  metadata: schema.metadata,
});

/** What every base this program writes carries; what the file had beyond that is kept, and its creation time is never replaced. */
export const baseSchema = (
  existing: Schema | undefined,
  o: { readonly registryHash: string; readonly createdAt: string },
): Schema =>
  stamped(existing ?? { fields: BASE_FIELDS, metadata: new Map() }, [
    [SCHEMA_VERSION, SCHEMA_VERSION_VALUE],
    [ID_HASH, ID_HASH_VALUE],
    [REGISTRY_HASH, o.registryHash],
    [DATASET_CREATED_AT, existing?.metadata.get(DATASET_CREATED_AT) ?? o.createdAt],
  ]);

/**
 * Rows whose columns are in the order of `BASE_FIELDS`, brought into the order of a base that other hands have shaped: materialized
 * columns anywhere, the seven in any order. What the rows do not have is NULL.
 */
export async function* inBaseOrder(schema: Schema, rows: AsyncIterable<Rows>): AsyncGenerator<Rows> {
  const places = schema.fields.map(({ name }) => BASE_FIELDS.findIndex((f) => f.name === name));
  for await (const { numRows, columns } of rows) {
    yield { numRows, columns: places.map((at, i) => columns[at] ?? nullColumn(schema.fields[i]!.type, numRows)) };
  }
}
