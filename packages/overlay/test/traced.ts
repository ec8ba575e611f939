import type { ByteSource } from "@usr/parquet";
import type { Value } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { assembleOverlay, type MergeCursor, type Overlay, openPart, type Part } from "../src/index.ts";
import { bytesSource, entryOf, type PartSpec, partBytes, registered } from "./support.ts";

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
