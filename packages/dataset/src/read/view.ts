import type { Overlay } from "@usr/overlay";
import type { Field } from "@usr/schema";
import { nearest } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { TOMBSTONE_NAMESPACE } from "../layout.ts";
import type { OriginField, TombstoneTable } from "../types.ts";
import { byCodeUnits } from "./list.ts";

/** The columns of a tombstone file as readers see them, whatever variant of their types is stored. */
export const TOMBSTONE_FIELDS: readonly Field[] = [
  { name: "usr__deleted", type: { kind: "bool" }, nullable: true },
  { name: "usr__deleted_at", type: { kind: "timestamp", unit: "us", timezone: "UTC" }, nullable: true },
  { name: "usr__deleted_reason", type: { kind: "string" }, nullable: true },
];

/** One column of the merged view and everything its values may come from. */
export interface ViewColumn {
  readonly field: OriginField;
  /** Whether the base table stores it. */
  readonly stored: boolean;
  /** Overlays that hold it, by namespace; the value of a later one wins. */
  readonly overlays: readonly Overlay[];
  readonly tombstone: boolean;
}

/**
 * The columns of the merged view: the base table's in file order, each with its stored type even where an overlay wins, then namespaces by
 * name, in each the registered columns that a part holds. The tombstone columns stand among them where `tombstones` is given.
 */
export function viewColumns(
  base: readonly Field[],
  overlays: readonly Overlay[],
  tombstones: TombstoneTable | undefined,
): readonly ViewColumn[] {
  const sorted = overlays
    .filter((o) => o.namespace !== TOMBSTONE_NAMESPACE)
    .sort((a, b) => byCodeUnits(a.namespace, b.namespace));
  const view = new Map<string, ViewColumn>();
  for (const field of base) {
    const holders = sorted.filter((overlay) => overlay.fields.some((other) => other.name === field.name));
    view.set(field.name, { field: { ...field, origin: "base" }, stored: true, overlays: holders, tombstone: false });
  }
  const addTombstones = (): void => {
    for (const field of TOMBSTONE_FIELDS) {
      if (view.has(field.name)) continue;
      view.set(field.name, {
        field: { ...field, origin: TOMBSTONE_NAMESPACE },
        stored: false,
        overlays: [],
        tombstone: true,
      });
    }
  };
  let pending = tombstones !== undefined;
  for (const overlay of sorted) {
    if (pending && overlay.namespace > TOMBSTONE_NAMESPACE) {
      addTombstones();
      pending = false;
    }
    for (const { name, type } of overlay.fields) {
      const holders = view.get(name)?.overlays;
      if (holders === undefined) {
        const field = { name, type, nullable: true, origin: overlay.namespace };
        view.set(name, { field, stored: false, overlays: [overlay], tombstone: false });
      } else if (!holders.includes(overlay)) {
        view.set(name, { ...view.get(name)!, overlays: [...holders, overlay] });
      }
    }
  }
  if (pending) addTombstones();
  return [...view.values()];
}

/**
 * The columns of `view` that `names` asks for, in that order, repeats dropped.
 *
 * @throws DatasetError `UNKNOWN_COLUMN` naming every name that the view lacks
 */
export function selectColumns(
  view: readonly ViewColumn[],
  names: readonly string[] | undefined,
  id: string,
): readonly ViewColumn[] {
  if (names === undefined) return view;
  const byName = new Map(view.map((column) => [column.field.name, column]));
  const chosen: ViewColumn[] = [];
  const unknown: string[] = [];
  for (const name of new Set(names)) {
    const column = byName.get(name);
    if (column === undefined) unknown.push(name);
    else chosen.push(column);
  }
  if (unknown.length > 0) throw unknownColumnError(id, unknown, byName.keys());
  return chosen;
}

/** The error for columns that the view lacks; `known` are the names to suggest from. */
export function unknownColumnError(id: string, columns: readonly string[], known: Iterable<string>): DatasetError {
  const names = [...new Set(known)];
  const close = [...new Set(columns.flatMap((name) => nearest(name, names)))].slice(0, 3);
  const hidden = columns.some((name) => TOMBSTONE_FIELDS.some((field) => field.name === name));
  return new DatasetError("UNKNOWN_COLUMN", `${id} has no column ${columns.map((name) => `'${name}'`).join(", ")}.`, {
    hint: hidden
      ? "The columns of deleted rows exist only where rows were deleted, and are shown with --include-deleted."
      : close.length > 0
        ? `Did you mean ${close.join(" or ")}?`
        : `List the columns with: usr cols ${id}`,
    details: { dataset: id, columns, suggestions: close },
  });
}

/** The namespaces that a column name may belong to: what stands before each `__` in it. */
export function namespacesOf(columns: Iterable<string>): readonly string[] {
  const found = new Set<string>();
  for (const column of columns) {
    for (let at = column.indexOf("__", 1); at > 0; at = column.indexOf("__", at + 1)) found.add(column.slice(0, at));
  }
  return [...found];
}
