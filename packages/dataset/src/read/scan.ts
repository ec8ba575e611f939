import {
  buildKeyIndex,
  type KeyBatch,
  type KeyIndex,
  type MergeCursor,
  mergeOverlay,
  type Overlay,
  type OverlayKey,
} from "@usr/overlay";
import type { Batch, Column, Schema } from "@usr/schema";
import { concatColumns, gatherColumns, isValid, nullColumn, sliceColumn } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { BASE_FIELDS } from "../layout.ts";
import type { Query, Root, Snapshot } from "../types.ts";
import { convertColumn } from "./convert.ts";
import { findRows, type RowRange, rangesOf, readRanges } from "./rows.ts";
import { datasetSchema } from "./schema.ts";
import { openSnapshot } from "./snapshot.ts";
import {
  namespacesOf,
  selectColumns,
  TOMBSTONE_FIELDS,
  unknownColumnError,
  type ViewColumn,
  viewColumns,
} from "./view.ts";

/**
 * The merged view of a dataset: its rows in base order, batch by batch. Memory is bounded by the keys of the rows read and one batch.
 * Breaking off releases everything.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `UNKNOWN_COLUMN`, `UNKNOWN_ID`, `NO_REGISTRY`, `TYPE_MISMATCH` and what `openSnapshot` throws
 */
export async function* scan(root: Root, id: string, query: Query = {}): AsyncGenerator<Batch, void, undefined> {
  await using snapshot = await openSnapshot(root, id, {
    namespaces: neededNamespaces(query),
    tombstones: needsTombstones(query),
    registryMode: query.registryMode,
    signal: query.signal,
  });
  const unknown = unknownColumns(snapshot, query);
  if (unknown.length > 0) throw await unknownColumn(root, snapshot, query, unknown);
  yield* scanSnapshot(snapshot, query);
}

/** Hiding deleted rows needs the tombstones; showing them only where their columns are wanted. */
function needsTombstones({ includeDeleted, overlays, columns }: Query): boolean {
  if (includeDeleted !== true) return true;
  return overlays !== false && (columns === undefined || columns.some((name) => name.startsWith("usr__")));
}

/** The error for columns that are not there. What was probably meant is looked for among all columns that can be read. */
async function unknownColumn(
  root: Root,
  snapshot: Snapshot,
  query: Query,
  columns: readonly string[],
): Promise<DatasetError> {
  const { id } = snapshot;
  const known = [...viewOf(snapshot, query).map(({ field }) => field.name)];
  if (query.overlays !== false) {
    try {
      const { fields } = await datasetSchema(root, id, query);
      known.push(...fields.map(({ name }) => name));
    } catch {
      // Some overlay is broken; what could be read will do.
    }
  }
  return unknownColumnError(id, columns, known);
}

function neededNamespaces(query: Query): "all" | "none" | readonly string[] {
  if (query.overlays === false) return "none";
  if (query.columns === undefined) return "all";
  return namespacesOf(query.columns.filter((name) => !BASE_FIELDS.some((field) => field.name === name)));
}

/** `scan` over a snapshot that is open already, with whatever overlays it has open. Does not dispose it. */
export async function* scanSnapshot(snapshot: Snapshot, query: Query = {}): AsyncGenerator<Batch, void, undefined> {
  const { signal } = query;
  refuseUnreadable(snapshot, query.columns);
  const chosen = selectColumns(viewOf(snapshot, query), query.columns, snapshot.id);
  const schema: Schema = {
    fields: chosen.map(({ field: { name, type, nullable } }) => ({ name, type, nullable })),
    metadata: new Map(),
  };
  const hides = query.includeDeleted !== true && snapshot.tombstones !== undefined;

  const total = snapshot.base.file.numRows;
  const start = query.start ?? 0;
  const limit = query.limit ?? Number.POSITIVE_INFINITY;
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
  let skip = hidden === 0 ? 0 : start;
  let left = limit;
  for (const range of [first, { start: first.end, end: total }]) {
    if (left <= 0 || range.end <= range.start) continue;
    for await (const { columns, keep, numRows } of mergedView(snapshot, chosen, [range], hidden > 0, { signal })) {
      const visible = keep === undefined ? numRows : keep.length;
      const from = Math.min(skip, visible);
      const to = Math.min(visible, from + left);
      skip -= from;
      left -= to - from;
      if (to > from)
        yield { schema, columns: columns.map((column) => pick(column, keep, from, to)), numRows: to - from };
      if (left <= 0) return;
    }
  }
}

/** The columns that a query may ask for. */
function viewOf(snapshot: Snapshot, query: Query): readonly ViewColumn[] {
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

/** A batch of merged rows. `keep` = the visible ones, ascending; absent = all. `row` = stored number of the first. */
interface MergedBatch {
  readonly columns: readonly Column[];
  readonly numRows: number;
  readonly row: number;
  readonly keep: Int32Array | undefined;
}

async function* mergedView(
  snapshot: Snapshot,
  chosen: readonly ViewColumn[],
  ranges: readonly RowRange[],
  hides: boolean,
  o: Signal,
): AsyncGenerator<MergedBatch, void, undefined> {
  const stored = chosen.filter((column) => column.stored).map((column) => column.field.name);
  const cursors = await openCursors(snapshot, chosen, ranges, hides, o);
  try {
    for await (const { batch, row } of readRanges(snapshot.base.file, ranges, stored, o)) {
      const read = new Map<Overlay, ReadonlyMap<string, Column>>();
      for (const [overlay, cursor] of cursors) read.set(overlay, await readCursor(cursor, row, batch.numRows));
      const marks = snapshot.tombstones && read.get(snapshot.tombstones.overlay);
      const columns = chosen.map((column) => {
        const base = column.stored ? batch.columns[stored.indexOf(column.field.name)] : undefined;
        return mergedColumn(column, column.tombstone ? marks?.get(column.field.name) : base, read, batch.numRows);
      });
      const deleted = hides ? marks?.get("usr__deleted") : undefined;
      yield { columns, numRows: batch.numRows, row, keep: deleted && visibleRows(deleted) };
    }
  } finally {
    for (const cursor of cursors.values()) await cursor[Symbol.asyncDispose]();
  }
}

function mergedColumn(
  { field, overlays }: ViewColumn,
  stored: Column | undefined,
  read: ReadonlyMap<Overlay, ReadonlyMap<string, Column>>,
  numRows: number,
): Column {
  let value = stored && convertColumn(stored, field.type, field.name);
  for (const overlay of overlays) {
    const newer = read.get(overlay)?.get(field.name);
    if (newer === undefined) continue;
    const converted = convertColumn(newer, field.type, field.name);
    value = value === undefined ? converted : coalesce(converted, value);
  }
  return value ?? nullColumn(field.type, numRows);
}

/** The value of `newer` where it has one, else that of `older`. */
function coalesce(newer: Column, older: Column): Column {
  const sources = new Int32Array(newer.length);
  const rows = new Int32Array(newer.length);
  let filled = 0;
  for (let i = 0; i < newer.length; i++) {
    rows[i] = i;
    if (isValid(newer, i)) filled++;
    else sources[i] = 1;
  }
  if (filled === newer.length) return newer;
  return filled === 0 ? older : gatherColumns(older.type, [newer, older], sources, rows);
}

function visibleRows(deleted: Column): Int32Array | undefined {
  const keep = new Int32Array(deleted.length);
  let kept = 0;
  for (let i = 0; i < deleted.length; i++) if (!isTrue(deleted, i)) keep[kept++] = i;
  return kept === deleted.length ? undefined : keep.subarray(0, kept);
}

/** Whether a boolean cell is true; NULL is not. */
export function isTrue(column: Column, row: number): boolean {
  return column.layout === "bool" && isValid(column, row) && ((column.values[row >> 3]! >> (row & 7)) & 1) === 1;
}

/** One merge cursor for each overlay that a chosen column needs, tombstones among them. */
async function openCursors(
  snapshot: Snapshot,
  chosen: readonly ViewColumn[],
  ranges: readonly RowRange[],
  hides: boolean,
  o: Signal,
): Promise<ReadonlyMap<Overlay, MergeCursor>> {
  const needed = new Map<Overlay, string[]>();
  for (const { field, overlays } of chosen) {
    for (const overlay of overlays) needed.set(overlay, [...(needed.get(overlay) ?? []), field.name]);
  }
  if (snapshot.tombstones !== undefined) {
    const { overlay } = snapshot.tombstones;
    const marks = TOMBSTONE_FIELDS.map((field) => field.name).filter(
      (name) =>
        overlay.fields.some((field) => field.name === name) &&
        ((hides && name === "usr__deleted") || chosen.some((column) => column.tombstone && column.field.name === name)),
    );
    if (marks.length > 0) needed.set(overlay, marks);
  }
  const { file } = snapshot.base;
  const whole = ranges.length === 1 && ranges[0]!.start === 0 && ranges[0]!.end === file.numRows;
  const indexes = new Map<OverlayKey, KeyIndex>();
  const cursors = new Map<Overlay, MergeCursor>();
  for (const [overlay, columns] of needed) {
    // Ids are unique by contract, so the rows asked for are enough; a sequence key is only sound over the whole base.
    const partial = overlay.key === "id" && !whole;
    let index = indexes.get(overlay.key);
    if (index === undefined) {
      const keyRanges = partial ? ranges : [{ start: 0, end: file.numRows }];
      index = await buildKeyIndex(overlay.key, keyBatches(snapshot, overlay.key, keyRanges, o), {
        ...o,
        rows: file.numRows,
      });
      indexes.set(overlay.key, index);
    }
    cursors.set(overlay, mergeOverlay(overlay, index, { columns, signal: o.signal }));
  }
  return cursors;
}

async function readCursor(cursor: MergeCursor, start: number, length: number): Promise<ReadonlyMap<string, Column>> {
  const columns = await cursor.read(start, start + length);
  return new Map(cursor.fields.map(({ name }, i) => [name, columns[i]!]));
}

/** What `buildKeyIndex` reads: the base columns that make a key, for the rows of `ranges`. */
export async function* keyBatches(
  snapshot: Snapshot,
  key: OverlayKey,
  ranges: readonly RowRange[],
  o: Signal = {},
): AsyncGenerator<KeyBatch, void, undefined> {
  const columns = key === "id" ? ["id"] : ["sequence", "bio_type", "alphabet"];
  for await (const { batch, row } of readRanges(snapshot.base.file, ranges, columns, o))
    yield { ...batch, startRow: row };
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

/** How many base rows are deleted. Reads the ids, and only where the dataset has tombstones. */
export async function countDeleted(snapshot: Snapshot, o: Signal = {}): Promise<number> {
  const { tombstones, base } = snapshot;
  if (tombstones === undefined) return 0;
  const whole = [{ start: 0, end: base.file.numRows }];
  let deleted = 0;
  for await (const { keep, numRows } of mergedView(snapshot, [], whole, true, o))
    deleted += numRows - (keep?.length ?? numRows);
  return deleted;
}
