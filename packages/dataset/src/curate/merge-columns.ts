import type { ParquetFile } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import type { DataType, Field } from "@usr/schema";
import { formatType, parseType, sameType } from "@usr/schema";
import { DatasetError } from "../error.ts";
import { STATE_NAMESPACE, TOMBSTONE_NAMESPACE } from "../layout.ts";
import { overlayNotFound } from "../read/list.ts";
import { type ViewColumn, viewColumns } from "../read/view.ts";
import type { Snapshot } from "../types.ts";
import { optional, wholeSchema } from "../write/base/shape.ts";

export interface ColumnRules {
  /** `union`: columns of either; `same`: both bases must have the same ones. */
  readonly columns: "union" | "same";
  /** What becomes of a column that the two hold in different types. */
  readonly coerceOverlap: "none" | "to-dest";
  /** Namespaces whose merged values come along with the rows of the source. */
  readonly carryNamespaces: readonly string[];
}

export interface MergeColumns {
  /** Of the new base: the destination's columns in place, then the new ones in the order of the source's view. */
  readonly fields: readonly Field[];
  /** What the rows of the source have, with the type it takes in the new base. */
  readonly source: readonly { readonly column: ViewColumn; readonly type: DataType }[];
  readonly added: readonly string[];
  /** Of `source`, those that both have. */
  readonly overlapping: readonly string[];
  readonly coerced: readonly string[];
}

/**
 * Decides about columns, from the footers alone. New columns must be registered: they take the registered type.
 *
 * @throws DatasetError `MISSING_COLUMN` under `same`; `TYPE_MISMATCH`; `COLUMN_NOT_REGISTERED`; `COLUMN_RESERVED`; `NAMESPACE_NOT_FOUND`; `NOT_SUPPORTED`
 * for columns that cannot be kept
 */
export const planColumns = (dest: Snapshot, src: Snapshot, registry: Registry, rules: ColumnRules): MergeColumns => {
  const own = optional(wholeSchema(dest.base.file, dest.id)).fields;
  const base = wholeSchema(src.base.file, src.id).fields;
  const carried = rules.carryNamespaces.map((namespace) => {
    const overlay = src.overlays.find((other) => other.namespace === namespace);
    if (overlay !== undefined) return overlay;
    throw overlayNotFound(
      src.id,
      namespace,
      src.entries.map(({ name }) => name),
    );
  });
  if (rules.columns === "same") {
    // What is carried along was asked for, and may have come along before.
    const asked = new Set(carried.flatMap(({ fields }) => fields.map(({ name }) => name)));
    const others = (fields: readonly Field[]): readonly Field[] => fields.filter(({ name }) => !asked.has(name));
    refuseOthers(dest.id, others(own), src.id, others(base));
  }
  const added: Field[] = [];
  const [overlapping, coerced]: [string[], string[]] = [[], []];
  const source = viewColumns(base, carried, undefined).map((column) => {
    const { name, type: from } = column.field;
    const there = own.find((field) => field.name === name);
    const type = there?.type ?? registeredType(registry, name, src.id);
    if (there === undefined) added.push({ name, type, nullable: true });
    else overlapping.push(name);
    if (!sameType(from, type)) {
      if (rules.coerceOverlap === "none") throw mismatch(dest.id, src.id, name, type, from, there !== undefined);
      coerced.push(name);
    }
    return { column, type };
  });
  return { fields: [...own, ...added], source, added: added.map(({ name }) => name), overlapping, coerced };
};

/** Columns of a file that other programs declared as never missing: beside rows that may be, they are encoded anew. */
export const requiredColumns = ({ schema }: ParquetFile): readonly string[] =>
  schema.fields.filter(({ nullable }) => !nullable).map(({ name }) => name);

const refuseOthers = (dest: string, own: readonly Field[], src: string, other: readonly Field[]): void => {
  const only = (fields: readonly Field[], beside: readonly Field[]): readonly string[] =>
    fields.map(({ name }) => name).filter((name) => !beside.some((field) => field.name === name));
  const [onlyDest, onlySrc] = [only(own, other), only(other, own)];
  if (onlyDest.length + onlySrc.length === 0) return;
  const parts = [
    ...(onlyDest.length > 0 ? [`${onlyDest.join(", ")} only in ${dest}`] : []),
    ...(onlySrc.length > 0 ? [`${onlySrc.join(", ")} only in ${src}`] : []),
  ];
  throw new DatasetError("MISSING_COLUMN", `${dest} and ${src} have different columns: ${parts.join("; ")}`, {
    hint: "Take the columns of both with --union-columns.",
    details: { dest, src, only_dest: onlyDest, only_src: onlySrc },
  });
};

const registeredType = (registry: Registry, column: string, src: string): DataType => {
  for (const { namespace, columns } of registry.namespaces.values()) {
    const found = columns.find(({ name }) => name === column);
    if (found === undefined) continue;
    if (namespace !== STATE_NAMESPACE && namespace !== TOMBSTONE_NAMESPACE) return parseType(found.type);
    throw new DatasetError(
      "COLUMN_RESERVED",
      `${src} stores ${column} in its base, which belongs to the reserved namespace ${namespace}`,
      {
        hint: "Rewrite the base without it, with the program that made it.",
        details: { dataset: src, column, namespace },
      },
    );
  }
  throw new DatasetError("COLUMN_NOT_REGISTERED", `${src} stores ${column}, which no namespace registers`, {
    hint: "Register it, so that it is known what it means: usr namespace register",
    details: { dataset: src, column },
  });
};

const mismatch = (
  dest: string,
  src: string,
  column: string,
  to: DataType,
  from: DataType,
  stored: boolean,
): DatasetError => {
  const where = stored ? `${dest} holds it as` : "it is registered as";
  return new DatasetError(
    "TYPE_MISMATCH",
    `${src} holds ${column} as ${formatType(from)}, ${where} ${formatType(to)}`,
    {
      hint: "Convert values that survive it with --coerce-overlap to-dest.",
      details: { dest, src, column, from: formatType(from), to: formatType(to) },
    },
  );
};
