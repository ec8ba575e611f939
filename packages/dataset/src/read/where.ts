import type { DatasetErrorCode } from "../error.ts";
import type { Predicate } from "../filter/index.ts";
import type { Query, Snapshot } from "../types.ts";
import { datasetSchema } from "./schema.ts";
import { unknownColumnError, type ViewColumn, viewColumns } from "./view.ts";

/** A filter that was read, but not held against columns. */
export interface Where {
  readonly text: string;
  /** The columns it names. */
  readonly columns: readonly string[];
  readonly bind: (columnOf: (name: string, at: number) => ViewColumn) => Predicate;
  /** The error for something at a place of the filter. */
  readonly wrong: (code: DatasetErrorCode, at: number, what: string, hint: string) => Error;
}

/** A filter that fits the columns of a view. */
export interface BoundWhere {
  readonly columns: readonly ViewColumn[];
  readonly predicate: Predicate;
}

/** The filter of a query, read. Its code is loaded when there is one. Throws `FILTER_INVALID`. */
export async function whereOf({ where }: Pick<Query, "where">): Promise<Where | undefined> {
  if (where === undefined) return undefined;
  const { bindFilter, columnsOf, filterError, parseFilter } = await import("../filter/index.ts");
  const expression = parseFilter(where);
  return {
    text: where,
    columns: [...new Set(columnsOf(expression).map(({ name }) => name))],
    bind: (columnOf) => bindFilter(where, expression, (name, at) => columnOf(name, at).field),
    wrong: (code, at, what, hint) => filterError(where, at, what, { code, hint }),
  };
}

/**
 * Holds a filter against the columns of a view.
 *
 * @throws DatasetError `FILTER_INVALID`; `UNKNOWN_COLUMN` with the nearest names; `NOT_SUPPORTED` for one that cannot be read
 */
export async function bindWhere(
  where: Where,
  snapshot: Snapshot,
  view: readonly ViewColumn[],
  query: Query,
): Promise<BoundWhere> {
  const byName = new Map(view.map((column) => [column.field.name, column]));
  const unknown = where.columns.filter((name) => !byName.has(name));
  const known = unknown.length === 0 ? [] : await knownColumns(snapshot, query);
  const predicate = where.bind((name, at) => {
    const column = byName.get(name);
    if (column !== undefined) return column;
    const unreadable = snapshot.base.file.unsupported.get(name);
    if (unreadable !== undefined)
      throw where.wrong("NOT_SUPPORTED", at, `the column '${name}' cannot be read: ${unreadable}`, "Leave it out.");
    const { hint = "" } = unknownColumnError(snapshot.id, [name], known);
    const otherwise = hint.startsWith("Did you mean")
      ? ""
      : `${hint.endsWith(".") ? "" : "."} If it is text, quote it: '${name}'`;
    throw where.wrong("UNKNOWN_COLUMN", at, `${snapshot.id} has no column '${name}'`, `${hint}${otherwise}`);
  });
  return { columns: where.columns.map((name) => byName.get(name)!), predicate };
}

/** Every column that could be meant: of what is open, and of what can be opened. */
export async function knownColumns(snapshot: Snapshot, query: Query): Promise<readonly string[]> {
  const names = viewColumns(snapshot.base.file.schema.fields, snapshot.overlays, undefined).map(
    ({ field }) => field.name,
  );
  if (query.overlays === false) return names;
  try {
    const { fields } = await datasetSchema(snapshot.root, snapshot.id, query);
    return [...names, ...fields.map(({ name }) => name)];
  } catch {
    // Some overlay is broken; what could be read will do.
    return names;
  }
}
