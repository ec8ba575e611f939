import type { Batch, Column, Schema } from "@usr/schema";
import { concatColumns, gatherColumns, sliceColumn } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { BASE_FIELDS } from "../layout.ts";
import type { Query, Root, Snapshot } from "../types.ts";
import { findRows } from "./lookup.ts";
import { type MergedBatch, mergedView } from "./merged-view.ts";
import { pageOf } from "./page.ts";
import { type RowRange, rangesOf } from "./rows.ts";
import { openSnapshot } from "./snapshot.ts";
import { namespacesOf, selectColumns, unknownColumnError, type ViewColumn, viewColumns } from "./view.ts";
import { bindWhere, knownColumns, type Where, whereOf } from "./where.ts";

/**
 * The merged view of a dataset: its rows in base order, batch by batch. Memory is bounded by the keys of the rows read and one batch.
 * Breaking off releases everything.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `UNKNOWN_COLUMN`, `UNKNOWN_ID`, `NO_REGISTRY`, `TYPE_MISMATCH`, `FILTER_INVALID`, `USAGE` and what `openSnapshot` throws
 */
export async function* scan(root: Root, id: string, query: Query = {}): AsyncGenerator<Batch, void, undefined> {
  await using snapshot = await openForQuery(root, id, query);
  yield* scanSnapshot(snapshot, query);
}

/** The state of a dataset with what a query needs open, every column of it known. */
export async function openForQuery(root: Root, id: string, query: Query): Promise<Snapshot> {
  const where = await whereOf(query);
  const snapshot = await openSnapshot(root, id, {
    namespaces: neededNamespaces(query, where),
    tombstones: needsTombstones(query, where),
    registryMode: query.registryMode,
    signal: query.signal,
  });
  const unknown = unknownColumns(snapshot, query);
  if (unknown.length === 0) return snapshot;
  await using _closed = snapshot;
  throw unknownColumnError(id, unknown, await knownColumns(snapshot, query));
}

/** Hiding deleted rows needs the tombstones; showing them only where their columns are wanted. */
function needsTombstones({ includeDeleted, overlays, columns }: Query, where: Where | undefined): boolean {
  if (includeDeleted !== true) return true;
  const named = [...(columns ?? []), ...(where?.columns ?? [])];
  return overlays !== false && (columns === undefined || named.some((name) => name.startsWith("usr__")));
}

/** The overlays that a query reads. */
export function neededNamespaces(
  { overlays, columns }: Pick<Query, "overlays" | "columns">,
  where: Where | undefined,
): "all" | "none" | readonly string[] {
  if (overlays === false) return "none";
  if (columns === undefined) return "all";
  const named = [...columns, ...(where?.columns ?? [])];
  return namespacesOf(named.filter((name) => !BASE_FIELDS.some((field) => field.name === name)));
}

/** `scan` over a snapshot that is open already, with whatever overlays it has open. Does not dispose it. */
export async function* scanSnapshot(snapshot: Snapshot, query: Query = {}): AsyncGenerator<Batch, void, undefined> {
  const { signal } = query;
  const chosen = chosenColumns(snapshot, query);
  const schema: Schema = {
    fields: chosen.map(({ field: { name, type, nullable } }) => ({ name, type, nullable })),
    metadata: new Map(),
  };
  const hides = query.includeDeleted !== true && snapshot.tombstones !== undefined;

  const total = snapshot.base.file.numRows;
  const { start, limit } = pageOf(query);
  const page = { skip: start, left: limit };
  const where = await whereOf(query);
  if (where !== undefined) {
    if (query.ids !== undefined)
      throw new DatasetError("USAGE", "ids and a filter exclude each other", { hint: "Name rows, or describe them." });
    const filter = await bindWhere(where, snapshot, viewOf(snapshot, query), query);
    const { filteredView } = await import("./filtered-view.ts");
    yield* paged(schema, filteredView(snapshot, chosen, filter, hides, { signal }), page);
    return;
  }
  if (query.ids !== undefined) {
    const asked = query.ids.slice(start, start + limit);
    const hits = await findRows(snapshot.base.file, asked, { signal });
    const rows = [...hits.values()].flat().sort((a, b) => a - b);
    const merge = mergedView(snapshot, chosen, rangesOf(rows, ID_GAP), hides, { signal });
    yield* inAskedOrder(snapshot.id, schema, asked, hits, rows, merge);
    return;
  }
  // A tombstone hides one row, so a limit bounds the rows to look at. Only a base that holds ids twice needs the second range.
  const hidden = hides ? (snapshot.tombstones?.file.numRows ?? 0) : 0;
  const first: RowRange = {
    start: hidden === 0 ? Math.min(start, total) : 0,
    end: Math.min(total, start + limit + hidden),
  };
  if (hidden === 0) page.skip = 0;
  for (const range of [first, { start: first.end, end: total }]) {
    if (page.left > 0 && range.end > range.start)
      yield* paged(schema, mergedView(snapshot, chosen, [range], hidden > 0, { signal }), page);
  }
}

/** The columns that a query shows. Throws `NOT_SUPPORTED` for one of the base that cannot be read, `UNKNOWN_COLUMN` for one that is not there. */
export function chosenColumns(snapshot: Snapshot, query: Query): readonly ViewColumn[] {
  refuseUnreadable(snapshot, query.columns);
  return selectColumns(viewOf(snapshot, query), query.columns, snapshot.id);
}

/** The visible rows but the first `skip`, `left` at most. Counts both down. */
async function* paged(
  schema: Schema,
  merge: AsyncIterable<MergedBatch>,
  page: { skip: number; left: number },
): AsyncGenerator<Batch, void, undefined> {
  if (page.left <= 0) return;
  for await (const { columns, keep, numRows } of merge) {
    const visible = keep === undefined ? numRows : keep.length;
    const from = Math.min(page.skip, visible);
    const to = Math.min(visible, from + page.left);
    page.skip -= from;
    page.left -= to - from;
    if (to > from) yield { schema, columns: columns.map((column) => pick(column, keep, from, to)), numRows: to - from };
    if (page.left <= 0) return;
  }
}

/** The columns that a query may ask for. */
export function viewOf(snapshot: Snapshot, query: Query): readonly ViewColumn[] {
  const overlays = query.overlays === false ? [] : snapshot.overlays;
  const shown = query.includeDeleted === true && query.overlays !== false ? snapshot.tombstones : undefined;
  return viewColumns(snapshot.base.file.schema.fields, overlays, shown);
}

function unknownColumns(snapshot: Snapshot, query: Query): readonly string[] {
  if (query.columns === undefined) return [];
  const known = new Set(viewOf(snapshot, query).map(({ field }) => field.name));
  const { unsupported } = snapshot.base.file;
  return [...new Set(query.columns)].filter((name) => !known.has(name) && !unsupported.has(name));
}

/** A base column of a type that cannot be read is left out of no answer silently. */
function refuseUnreadable(snapshot: Snapshot, columns: readonly string[] | undefined): void {
  for (const [column, reason] of snapshot.base.file.unsupported) {
    if (columns !== undefined && !columns.includes(column)) continue;
    throw new DatasetError("NOT_SUPPORTED", `The column '${column}' of ${snapshot.id} cannot be read: ${reason}.`, {
      hint: "Name the columns you want with --columns.",
      details: { dataset: snapshot.id, column, reason },
    });
  }
}

/** Hits nearer than this many rows are read in one go. */
const ID_GAP = 1024;

function pick(column: Column, keep: Int32Array | undefined, from: number, to: number): Column {
  if (keep === undefined) return from === 0 && to === column.length ? column : sliceColumn(column, from, to);
  if (keep.length === column.length && from === 0 && to === keep.length) return column;
  return gatherColumns(column.type, [column], undefined, keep.subarray(from, to));
}

async function* inAskedOrder(
  id: string,
  schema: Schema,
  asked: readonly string[],
  hits: ReadonlyMap<string, readonly number[]>,
  rows: readonly number[],
  merge: AsyncIterable<MergedBatch>,
): AsyncGenerator<Batch, void, undefined> {
  const wanted = new Set(rows);
  const place = new Map<number, number>();
  const pieces: (readonly Column[])[] = [];
  for await (const { columns, numRows, row, keep } of merge) {
    const taken: number[] = [];
    for (let k = 0; k < (keep?.length ?? numRows); k++) {
      const i = keep?.[k] ?? k;
      if (!wanted.has(row + i)) continue;
      place.set(row + i, place.size);
      taken.push(i);
    }
    const chosen = Int32Array.from(taken);
    if (chosen.length > 0)
      pieces.push(columns.map((column) => gatherColumns(column.type, [column], undefined, chosen)));
  }
  const order: number[] = [];
  const missing: string[] = [];
  const hidden: string[] = [];
  for (const wantedId of asked) {
    const stored = hits.get(wantedId) ?? [];
    const visible = stored.flatMap((row) => place.get(row) ?? []);
    if (visible.length === 0) (stored.length > 0 ? hidden : missing).push(wantedId);
    order.push(...visible);
  }
  if (missing.length + hidden.length > 0) throw unknownIds(id, missing, hidden);
  if (order.length === 0) return;
  const at = Int32Array.from(order);
  const columns = schema.fields.map(({ type }, c) => {
    const all = concatColumns(
      type,
      pieces.map((piece) => piece[c]!),
    );
    return gatherColumns(type, [all], undefined, at);
  });
  yield { schema, columns, numRows: order.length };
}

function unknownIds(dataset: string, missing: readonly string[], deleted: readonly string[]): DatasetError {
  const ids = [...missing, ...deleted];
  const sample = ids.slice(0, 5).join(", ");
  const message =
    missing.length === 0
      ? `${dataset}: ${ids.length === 1 ? `the row ${sample} is deleted` : `${ids.length} rows are deleted (${sample})`}.`
      : `${dataset} has no row ${ids.length === 1 ? `with the id ${sample}` : `for ${ids.length} of the ids (${sample})`}.`;
  return new DatasetError("UNKNOWN_ID", message, {
    hint: deleted.length > 0 ? "Deleted rows are shown with --include-deleted." : undefined,
    details: { dataset, count: ids.length, ids: ids.slice(0, 5), deleted: deleted.slice(0, 5) },
  });
}
