import type { ByteSource } from "@usr/parquet";
import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import {
  assembleOverlay,
  buildKeyIndex,
  type MergeCursor,
  mergeOverlay,
  type Overlay,
  openPart,
  type Part,
} from "../src/index.ts";
import { bytesSource, entryOf, idBase, type PartSpec, partBytes, registered } from "./support.ts";

// Parts that tell which of their row groups are read, and a base of 600 rows for them.

/** A part, and what was read of it since it was opened. */
export interface Traced {
  readonly part: Part;
  /** The row group of each chunk read beside those of the first column, in order; clears the list. */
  values(): readonly number[];
  /** As `values`, of the first column. */
  keys(): readonly number[];
}

/** Opens a part whose key is its first column. `slow` delays each later read by a turn of the event loop or more. */
export async function traced(
  spec: PartSpec,
  slow: (read: Promise<Uint8Array>) => Promise<Uint8Array> = (read) => read,
): Promise<Traced> {
  const source = bytesSource(await partBytes(spec), spec.path);
  const offsets: number[] = [];
  let opened = false;
  const listening: ByteSource = {
    meta: source.meta,
    read: (at, length, o) => {
      offsets.push(at);
      const bytes = source.read(at, length, o);
      return opened ? slow(bytes) : bytes;
    },
  };
  const part = await openPart(listening);
  opened = true;
  // Row groups lie one after the other behind the four bytes that begin a file, and what describes them lies behind all of them.
  const starts: number[] = [];
  let end = 4;
  for (const { byteSize } of part.file.rowGroups) {
    starts.push(end);
    end += byteSize;
  }
  const take = (wanted: (at: number) => boolean): readonly number[] => {
    const groups = offsets
      .filter((at) => at >= 4 && at < end && wanted(at))
      .map((at) => starts.findLastIndex((start) => start <= at));
    offsets.length = 0;
    return groups;
  };
  offsets.length = 0;
  return { part, values: () => take((at) => !starts.includes(at)), keys: () => take((at) => starts.includes(at)) };
}

export function overlayOfTraced(parts: readonly Traced[], columns: Readonly<Record<string, string>>): Overlay {
  const opened = parts.map(({ part }) => part);
  return assembleOverlay(entryOf(opened), opened, registered("mock", columns));
}

/** The values of the first column of a cursor for base rows `[start, end)`. */
export async function valuesIn(cursor: MergeCursor, start: number, end: number): Promise<readonly Value[]> {
  const [column] = await cursor.read(start, end);
  return Array.from({ length: end - start }, (_, row) => valueAt(column!, row));
}

export const COUNT = 600;
export const GROUP = 50;
export const GROUPS: readonly number[] = Array.from({ length: COUNT / GROUP }, (_, group) => group);
export const IDS: readonly string[] = Array.from({ length: COUNT }, (_, row) => `id ${row}`);
export const TYPES = { mock__n: "float64", mock__m: "float64" };
export const ALL: readonly number[] = [...IDS.keys()];

/** A part of these base rows in this order; the value of a row is its number unless told otherwise. */
export const spec = (
  minute: number,
  rows: readonly number[],
  value: (row: number) => Value = (row) => row,
): PartSpec => ({
  path: `_derived/mock/part-${minute}.parquet`,
  key: "id",
  createdAt: `2026-01-01T00:0${minute}:00Z`,
  groupRows: GROUP,
  columns: { id: ["string", rows.map((row) => IDS[row]!)], mock__n: ["float64", rows.map(value)] },
});

/** A cursor whose keys were read, so that what is read from now on is values. */
export async function opened(
  parts: readonly Traced[],
  o: { smallPartBytes?: number; sortBytes?: number } = { smallPartBytes: 0 },
  columns: readonly string[] = ["mock__n"],
): Promise<MergeCursor> {
  const cursor = mergeOverlay(overlayOfTraced(parts, TYPES), await buildKeyIndex("id", idBase(IDS)), { columns, ...o });
  await cursor.open();
  for (const part of parts) part.keys();
  return cursor;
}

export const range = (from: number, to: number): readonly number[] => ALL.slice(from, to);
/** The same row groups, whether or not one was read ahead. */
export const sorted = (groups: readonly number[]): readonly number[] => [...groups].sort((a, b) => a - b);
