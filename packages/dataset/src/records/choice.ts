import { valueAt } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { findRows } from "../read/lookup.ts";
import { isTrue } from "../read/merged-view.ts";
import { neededNamespaces, scanSnapshot } from "../read/scan.ts";
import { whereOf } from "../read/where.ts";
import type { Snapshot } from "../types.ts";
import { requestedIds } from "./ids.ts";

/** Which rows a verb is for: exactly one of the two. */
export interface RowChoice {
  /** White space around an id and an id given twice make no difference. */
  readonly ids?: readonly string[] | undefined;
  /**
   * The rows that a filter (docs/filters.md) is true for when the verb has the dataset to itself: of those that a scan shows, to restore them
   * of the deleted ones. Memory is that of their ids.
   */
  readonly where?: string | undefined;
}

/** A choice of rows, read and not yet held against a dataset. */
export interface Choice {
  /** The overlays that it looks at. */
  readonly namespaces: readonly string[];
  /** The ids chosen, and where the base has them; of a filter over deleted rows where `deleted` says so, over visible ones where not. */
  rows(snapshot: Snapshot, deleted: boolean): Promise<ChosenRows>;
}

export interface ChosenRows {
  readonly ids: readonly string[];
  /** Ascending numbers that order ids as the base does; ids that it does not have are absent. */
  readonly stored: ReadonlyMap<string, readonly number[]>;
}

/**
 * Reads which rows are meant.
 *
 * @throws DatasetError `USAGE` where no id is given, or both ids and a filter; `FILTER_INVALID`. `rows` throws what a filtered scan throws
 */
export const readChoice = async ({ ids, where }: RowChoice): Promise<Choice> => {
  if (where === undefined) {
    const asked = requestedIds(ids ?? []);
    return {
      namespaces: [],
      rows: async (snapshot) => ({ ids: asked, stored: await findRows(snapshot.base.file, asked) }),
    };
  }
  if (ids !== undefined && ids.length > 0) {
    throw new DatasetError("USAGE", "rows are named by ids or described by a filter, not both", {
      hint: "Leave out --id and --id-file, or --where: id in ('…', '…') is a filter, too.",
    });
  }
  const named = neededNamespaces({ columns: ["id"] }, await whereOf({ where }));
  return {
    namespaces: typeof named === "string" ? [] : named,
    rows: (snapshot, deleted) => rowsWhere(snapshot, where, deleted),
  };
};

const rowsWhere = async (snapshot: Snapshot, where: string, deleted: boolean): Promise<ChosenRows> => {
  const stored = new Map<string, number[]>();
  const marked = deleted && snapshot.tombstones !== undefined;
  const columns = marked ? ["id", "usr__deleted"] : ["id"];
  // Where nothing was ever deleted, the filter is held against the columns and no row is asked for.
  const limit = deleted && !marked ? 0 : undefined;
  let order = 0;
  for await (const batch of scanSnapshot(snapshot, { columns, where, includeDeleted: deleted, limit })) {
    const [idColumn, mark] = batch.columns;
    for (let row = 0; row < batch.numRows; row++, order++) {
      if (mark !== undefined && !isTrue(mark, row)) continue;
      const id = valueAt(idColumn!, row);
      if (typeof id === "string") stored.set(id, [...(stored.get(id) ?? []), order]);
    }
  }
  return { ids: [...stored.keys()], stored };
};
