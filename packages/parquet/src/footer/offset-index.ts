import { corrupt } from "../error.ts";
import type { ChunkBytes } from "../read/cursor.ts";
import type { ByteRange } from "../source.ts";
import { getI32, getSize, getStructs } from "../thrift/fields.ts";
import { readThrift } from "../thrift/read.ts";
import type { Chunk } from "./groups.ts";

/** The pages of a chunk that hold rows `[start, end)` of its row group, and the dictionary page before them. */
export interface PageSelection {
  readonly dictionary: ByteRange | undefined;
  readonly pages: ByteRange;
  readonly firstRow: number;
  readonly rows: number;
  readonly pageRows: readonly number[];
}

/** Throws `CORRUPT` where the index contradicts its chunk. */
export function selectPages(
  index: Uint8Array,
  chunk: Chunk,
  groupRows: number,
  start: number,
  end: number,
): PageSelection {
  const { value } = readThrift(index, 0, index.length, index.length * 8);
  const locations = (getStructs(value, 1) ?? []).map((l) => ({
    offset: getSize(l, 1) ?? -1,
    length: getI32(l, 2) ?? -1,
    row: getSize(l, 3) ?? -1,
  }));
  const chunkEnd = chunk.start + chunk.length;
  for (const [i, l] of locations.entries()) {
    const before = locations[i - 1];
    const ordered =
      before === undefined ? l.row === 0 : l.row >= before.row && l.offset >= before.offset + before.length;
    if (!ordered || l.length < 0 || l.offset < chunk.start || l.offset + l.length > chunkEnd || l.row > groupRows) {
      throw corrupt("an offset index does not fit its column chunk");
    }
  }
  const rowAfter = (i: number): number => locations[i + 1]?.row ?? groupRows;
  let first = 0;
  while (first < locations.length - 1 && rowAfter(first) <= start) first++;
  let last = first;
  while (last < locations.length - 1 && rowAfter(last) < end) last++;
  const from = locations[first];
  const to = locations[last];
  if (from === undefined || to === undefined) throw corrupt("an offset index has no pages");
  const head = locations[0]!.offset - chunk.start;
  const pageRows: number[] = [];
  for (let i = first; i <= last; i++) pageRows.push(rowAfter(i) - locations[i]!.row);
  return {
    dictionary: head > 0 ? { offset: chunk.start, length: head } : undefined,
    pages: { offset: from.offset, length: to.offset + to.length - from.offset },
    firstRow: from.row,
    rows: rowAfter(last) - from.row,
    pageRows,
  };
}

export function selectedBytes(
  selection: PageSelection,
  dictionary: Uint8Array | undefined,
  pages: Uint8Array,
  flat: boolean,
): ChunkBytes {
  const { firstRow, rows, pageRows } = selection;
  return { dictionary, pages, firstRow, rows, entries: flat ? rows : undefined, pageRows };
}
