/**
 * Where a file may hold a value, by the bloom filters of its row groups.
 *
 * @module
 */
import type { Utf8Column } from "@usr/schema";
import type { BloomFilter } from "./bloom/bloom.ts";
import { CREATED_BY } from "./footer/write.ts";
import type { Signal } from "./source.ts";
import { readExactly, readRanges } from "./source.ts";
import { textLeaf } from "./text-leaf.ts";
import type { Candidate, ParquetFile } from "./types.ts";

export type { BloomFilter } from "./bloom/bloom.ts";
export { searchCandidates } from "./read/page-search.ts";
export type { Candidate } from "./types.ts";

/**
 * Whether this package's writer made the file, and so every filter in it, from the very bytes that its caller gave. A reader that takes other
 * spellings for the same value (white space around it, say) can trust the filters of files whose writer it knows.
 */
export function writtenHere(file: ParquetFile): boolean {
  return file.createdBy === CREATED_BY;
}

/** Filters and their hashes, loaded where a filter is: a page in a browser that looks nothing up goes without. Asked for once: each time costs some µs. */
const bloom = (() => {
  let loading: Promise<typeof import("./bloom/bloom.ts")> | undefined;
  return () => (loading ??= import("./bloom/bloom.ts"));
})();

/** Bytes of filters that are held at a time, about. */
const WINDOW = 8 * 2 ** 20;

/**
 * The row groups that may hold one of `values` (NULL is looked for as the empty text is) in a text column, ascending, and which of them each: its
 * bloom filter rules out the others, all but one of a hundred that it does not hold, or as few as it was written for. A row group that holds one is
 * never missing, as long as the filters do not lie (`rowGroupFilter` is for finding out). Reads the filters (`WriteOptions.bloomFilters` says their
 * size); O(values) for each. Throws `COLUMN_NOT_FOUND` and
 * `NOT_SUPPORTED`.
 */
export async function rowGroupsWith(
  file: ParquetFile,
  column: string,
  values: readonly Uint8Array[] | Utf8Column,
  o: Signal = {},
): Promise<readonly Candidate[]> {
  const leaf = textLeaf(file, column).firstLeaf;
  if (values.length === 0) return [];
  const { decodeFilter, digestsOf } = await bloom();
  const digests = digestsOf(values);
  const candidates: Candidate[] = [];
  const groups = file.footer.rowGroups.map((group, index) => ({ index, filter: group.chunks[leaf]!.filter }));
  for (let from = 0; from < groups.length; ) {
    let bytes = 0;
    let to = from;
    while (to < groups.length && (to === from || bytes < WINDOW)) bytes += groups[to++]!.filter?.length ?? 0;
    const window = groups.slice(from, to);
    const filters = await readRanges(
      file.source,
      window.flatMap(({ filter }) => filter ?? []),
      o,
    );
    let next = 0;
    for (const { index, filter } of window) {
      const held = filter && decodeFilter(filters[next++]!)?.held(digests);
      if (held?.length !== 0) candidates.push({ rowGroup: index, values: held });
    }
    from = to;
  }
  return candidates;
}

/** The filter of a text column in a row group; `undefined` where it has none, or one that is not understood. */
export async function rowGroupFilter(
  file: ParquetFile,
  rowGroup: number,
  column: string,
  o: Signal = {},
): Promise<BloomFilter | undefined> {
  const range = file.footer.rowGroups[rowGroup]?.chunks[textLeaf(file, column).firstLeaf]?.filter;
  if (range === undefined) return undefined;
  const { decodeFilter } = await bloom();
  return decodeFilter(await readExactly(file.source, range.offset, range.length, o));
}

/** Whether a text column has a filter in a row group; it is not read. */
export function hasFilter(file: ParquetFile, rowGroup: number, column: string): boolean {
  return file.footer.rowGroups[rowGroup]?.chunks[textLeaf(file, column).firstLeaf]?.filter !== undefined;
}
