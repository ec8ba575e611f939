import {
  buildKeyIndex,
  type KeyBatch,
  type KeyIndex,
  type KeyShare,
  type LateIndex,
  type MergeCursor,
  mergeOverlay,
  type Overlay,
  type OverlayKey,
} from "@usr/overlay";
import type { Column } from "@usr/schema";
import { gatherColumns, isValid, nullColumn } from "@usr/schema/columns";
import type { Signal } from "@usr/storage";
import type { Snapshot } from "../types.ts";
import { convertColumn } from "./convert.ts";
import { batchRowsOf } from "./row-bytes.ts";
import { type PlacedBatch, type RowRange, readRanges } from "./rows.ts";
import { TOMBSTONE_FIELDS, type ViewColumn } from "./view.ts";

/** A batch of merged rows. `keep` = the visible ones, ascending; absent = all. `row` = stored number of the first. */
export interface MergedBatch {
  readonly columns: readonly Column[];
  readonly numRows: number;
  readonly row: number;
  readonly keep: Int32Array | undefined;
}

/** The chosen columns for the rows of `ranges`, merged batch by batch; with `hides` it says which rows are not deleted. */
export async function* mergedView(
  snapshot: Snapshot,
  chosen: readonly ViewColumn[],
  ranges: readonly RowRange[],
  hides: boolean,
  o: Signal,
): AsyncGenerator<MergedBatch, void, undefined> {
  const indexes = keyIndexes(snapshot, ranges, o);
  await using merger = mergerOf(snapshot, chosen, hides, indexes, o);
  const read = { ...o, batchRows: batchRowsOf(snapshot, chosen) };
  for await (const placed of readRanges(snapshot.base.file, ranges, merger.stored, read)) {
    // What follows needs the keys no more, and the first batch sorts parts that are in no order: they are not to be in memory side by side.
    await merger.open();
    indexes.forget();
    yield await merger.merge(placed);
  }
}

/** Puts the overlays over batches of the base, which come in ascending order. Opens nothing before the first of them. */
export interface Merger extends AsyncDisposable {
  /** The base columns that a batch has to bring. */
  readonly stored: readonly string[];
  merge(placed: PlacedBatch): Promise<MergedBatch>;
  /** Opens the overlays, as the first `merge` does otherwise: over the whole base the rows of all parts are found, and no index is needed any more. */
  open(): Promise<void>;
}

export function mergerOf(
  snapshot: Snapshot,
  chosen: readonly ViewColumn[],
  hides: boolean,
  indexes: KeyIndexes,
  o: Signal,
): Merger {
  const stored = chosen.filter((column) => column.stored).map((column) => column.field.name);
  let opening: Promise<ReadonlyMap<Overlay, MergeCursor>> | undefined;
  const begin = (): Promise<ReadonlyMap<Overlay, MergeCursor>> =>
    (opening ??= openCursors(snapshot, chosen, hides, indexes, o));
  return {
    stored,
    open: async () => {
      for (const cursor of (await begin()).values()) await cursor.open();
    },
    merge: async ({ batch, row }) => {
      const read = new Map<Overlay, ReadonlyMap<string, Column>>();
      for (const [overlay, cursor] of await begin()) read.set(overlay, await readCursor(cursor, row, batch.numRows));
      const marks = snapshot.tombstones && read.get(snapshot.tombstones.overlay);
      const columns = chosen.map((column) => {
        const base = column.stored ? batch.columns[stored.indexOf(column.field.name)] : undefined;
        return mergedColumn(column, column.tombstone ? marks?.get(column.field.name) : base, read, batch.numRows);
      });
      const deleted = hides ? marks?.get("usr__deleted") : undefined;
      return { columns, numRows: batch.numRows, row, keep: deleted && visibleRows(deleted) };
    },
    [Symbol.asyncDispose]: async () => {
      // A failed opening was told to the reader, and holds nothing.
      const cursors = await opening?.catch(() => undefined);
      for (const cursor of cursors?.values() ?? []) await cursor[Symbol.asyncDispose]();
    },
  };
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

export interface KeyIndexes {
  /** The index of a key, made when it is first asked for: over the whole base, not before a part wants it. */
  of(key: OverlayKey): Promise<KeyIndex | LateIndex>;
  /** Lets go of what was made; who asks again has it made again. */
  forget(): void;
}

const MEMORY_BYTES = 2 ** 31;
const memoryOf = ({ root }: Snapshot): number => root.memoryBytes ?? MEMORY_BYTES;
/** What the values of parts in no order may take while they are sorted, for each overlay; a quarter of the memory where that is less. */
const SORT_BYTES = 128 * 1024 * 1024;
/** Less than this is not worth reading the keys of the base once more. */
const LEAST_SHARE_BYTES = 2 ** 16;
/** What the index of a row takes: 27 bytes for an id; for a sequence 36 bytes and its letters, of which the base needs a quarter of a byte at least. */
const ID_BYTES = 27;
const SEQUENCE_BYTES = 36;
const LETTERS_A_BYTE = 4;

/** Into how many shares the keys of the base are divided, so that one of them takes half of the memory there is. */
function keyShares(snapshot: Snapshot, key: OverlayKey): number {
  const room = Math.max(LEAST_SHARE_BYTES, memoryOf(snapshot) / 2);
  const { file } = snapshot.base;
  const rows = file.numRows;
  const encoded = file.rowGroups.reduce((sum, { byteSize }) => sum + byteSize, 0);
  const bytes = key === "id" ? ID_BYTES * rows : SEQUENCE_BYTES * rows + LETTERS_A_BYTE * encoded;
  return Math.max(1, Math.ceil(bytes / room));
}

/** Indexes for reading the rows of `ranges`. */
export function keyIndexes(snapshot: Snapshot, ranges: readonly RowRange[], o: Signal): KeyIndexes {
  const { file } = snapshot.base;
  const indexes = new Map<OverlayKey, Promise<KeyIndex>>();
  const of: KeyIndexes["of"] = (key) => {
    // Ids are unique by contract, so the rows asked for are enough; a sequence key is only sound over the whole base.
    const keyRanges = key === "id" ? ranges : [{ start: 0, end: file.numRows }];
    const expected = keyRanges.reduce((sum, { start, end }) => sum + end - start, 0);
    const build = (share?: KeyShare): Promise<KeyIndex> => {
      if (share !== undefined) {
        const held = { rows: file.numRows, expected: Math.ceil(expected / share.of), share };
        return buildKeyIndex(key, keyBatches(snapshot, key, keyRanges, o), { ...o, ...held });
      }
      const index =
        indexes.get(key) ??
        buildKeyIndex(key, keyBatches(snapshot, key, keyRanges, o), { ...o, rows: file.numRows, expected });
      indexes.set(key, index);
      return index;
    };
    if (expected < file.numRows) return build();
    return Promise.resolve({ key, base: file, shares: keyShares(snapshot, key), build });
  };
  return { of, forget: () => indexes.clear() };
}

/** One merge cursor for each overlay that a chosen column needs, tombstones among them. */
async function openCursors(
  snapshot: Snapshot,
  chosen: readonly ViewColumn[],
  hides: boolean,
  indexes: KeyIndexes,
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
  const cursors = new Map<Overlay, MergeCursor>();
  const sortBytes = Math.min(SORT_BYTES, memoryOf(snapshot) / 4);
  for (const [overlay, columns] of needed)
    cursors.set(
      overlay,
      mergeOverlay(overlay, await indexes.of(overlay.key), { columns, sortBytes, signal: o.signal }),
    );
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
