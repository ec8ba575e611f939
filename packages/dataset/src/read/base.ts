import type { ParquetFile } from "@usr/parquet";
import { type Field, formatType, sameType } from "@usr/schema";
import type { ObjectMeta } from "@usr/storage";
import { DatasetError } from "../error.ts";
import {
  BASE_FIELDS,
  DATASET_CREATED_AT,
  ID_HASH,
  ID_HASH_VALUE,
  RECORDS,
  REGISTRY_HASH,
  SCHEMA_VERSION,
  SCHEMA_VERSION_VALUE,
} from "../layout.ts";
import type { BaseTable } from "../types.ts";

/** One rule of the base table that a file breaks. */
export interface BaseProblem {
  readonly code: "UNSUPPORTED_VERSION" | "CORRUPT" | "TYPE_MISMATCH";
  readonly column: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Every rule of version, identity scheme and column types that the file breaks; none = it can be read. */
export function baseProblems(file: ParquetFile, id: string): readonly BaseProblem[] {
  const problems: BaseProblem[] = [];
  const name = `${id}/${RECORDS}`;
  for (const [key, expected] of [
    [SCHEMA_VERSION, SCHEMA_VERSION_VALUE],
    [ID_HASH, ID_HASH_VALUE],
  ] as const) {
    const found = file.schema.metadata.get(key);
    if (found !== undefined && found !== expected) {
      problems.push({
        code: "UNSUPPORTED_VERSION",
        column: undefined,
        message: `${name}: ${key} is '${found}', not '${expected}'.`,
        hint: "Read it with the program that wrote it, or with a newer version of this one.",
      });
    }
  }
  for (const field of BASE_FIELDS) {
    const stored = file.schema.fields.find((other) => other.name === field.name);
    if (stored === undefined) {
      problems.push({
        code: "CORRUPT",
        column: field.name,
        message: `${name} has no column '${field.name}'.`,
        hint: "A base table holds id, bio_type, sequence, alphabet, length, source and created_at.",
      });
    } else if (!sameType(stored.type, field.type)) {
      problems.push({
        code: "TYPE_MISMATCH",
        column: field.name,
        message: `${name}: column '${field.name}' is ${formatType(stored.type)}, not ${formatType(field.type)}.`,
        hint: undefined,
      });
    }
  }
  return problems;
}

/** The base table of an opened file, checked. Throws the first of `baseProblems`. */
export function baseTable(meta: ObjectMeta, file: ParquetFile, id: string): BaseTable {
  const problem = baseProblems(file, id)[0];
  if (problem !== undefined) {
    throw new DatasetError(problem.code, problem.message, {
      hint: problem.hint,
      details: { dataset: id, ...(problem.column === undefined ? {} : { column: problem.column }) },
    });
  }
  return {
    meta,
    file,
    registryHash: file.schema.metadata.get(REGISTRY_HASH),
    createdAt: file.schema.metadata.get(DATASET_CREATED_AT),
  };
}

/** The columns beyond the seven: materialized ones, in file order. */
export function materializedFields(file: ParquetFile): readonly Field[] {
  return file.schema.fields.filter((field) => !BASE_FIELDS.some((base) => base.name === field.name));
}
