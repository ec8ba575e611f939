import type { Chunk } from "./footer/groups.ts";
import { sameBytes } from "./pieces.ts";
import type { Signal } from "./source.ts";
import { readExactly } from "./source.ts";
import type { ParquetFile } from "./types.ts";
import { canPassThrough, nodeOf } from "./write/passthrough.ts";

/** Bytes compared at a time. */
const SLICE = 2 ** 18;

/**
 * The shape in which a column is stored: rows of each row group, codec and length of each chunk. Columns of one type that are stored in the
 * same bytes have the same one; most others do not. Throws `COLUMN_NOT_FOUND`, `NOT_SUPPORTED`.
 */
export function storedLayout(file: ParquetFile, column: string): string {
  const { firstLeaf, leafCount } = nodeOf(file, column);
  return file.footer.rowGroups
    .map(({ numRows, chunks }) =>
      [
        numRows,
        ...chunks.slice(firstLeaf, firstLeaf + leafCount).flatMap((c) => [c.codec, c.numValues, c.length]),
      ].join(":"),
    )
    .join();
}

/**
 * Whether a column of two files is stored in the same bytes, row group by row group. Then it holds the same values, and one decoding serves
 * for both; `false` says nothing about the values. Nothing is decoded; reading ends at the first difference.
 */
export async function storedAlike(a: ParquetFile, b: ParquetFile, column: string, o: Signal = {}): Promise<boolean> {
  if (!canPassThrough(a, column, b) || storedLayout(a, column) !== storedLayout(b, column)) return false;
  const [mine, theirs] = [chunksOf(a, column), chunksOf(b, column)];
  // Long columns are compared part by part, one after the other: their bytes go where the last ones were.
  const memory = [new Uint8Array(SLICE), new Uint8Array(SLICE)] as const;
  for (const [i, { start, length }] of mine.entries()) {
    for (let at = 0; at < length; at += SLICE) {
      o.signal?.throwIfAborted();
      const size = Math.min(SLICE, length - at);
      const [left, right] = await Promise.all([
        readExactly(a.source, start + at, size, { ...o, into: memory[0] }),
        readExactly(b.source, theirs[i]!.start + at, size, { ...o, into: memory[1] }),
      ]);
      if (!sameBytes(left, right)) return false;
    }
  }
  return true;
}

/**
 * Whether the bloom filters of a column of two files are the same bytes, row group by row group, or missing in both. With the same values in the
 * same row groups (`storedAlike`) they then know the same values.
 */
export async function filteredAlike(a: ParquetFile, b: ParquetFile, column: string, o: Signal = {}): Promise<boolean> {
  const [mine, theirs] = [chunksOf(a, column), chunksOf(b, column)];
  if (mine.length !== theirs.length) return false;
  for (const [i, { filter: left }] of mine.entries()) {
    const right = theirs[i]!.filter;
    if (left?.length !== right?.length) return false;
    if (left === undefined || right === undefined) continue;
    o.signal?.throwIfAborted();
    const [known, other] = await Promise.all([
      readExactly(a.source, left.offset, left.length, o),
      readExactly(b.source, right.offset, right.length, o),
    ]);
    if (!sameBytes(known, other)) return false;
  }
  return true;
}

function chunksOf(file: ParquetFile, column: string): readonly Chunk[] {
  const { firstLeaf, leafCount } = nodeOf(file, column);
  return file.footer.rowGroups.flatMap(({ chunks }) => chunks.slice(firstLeaf, firstLeaf + leafCount));
}
