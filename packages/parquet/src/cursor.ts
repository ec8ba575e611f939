import type { Decompress } from "./codec.ts";
import { corrupt } from "./error.ts";
import { rowsBefore } from "./even-levels.ts";
import type { Limits, SchemaNode } from "./footer.ts";
import { PAGE } from "./format.ts";
import { countRows, decodeDataPage, decodeDictionary, type Page, type PageHeader, readPageHeader } from "./page.ts";
import type { PlainValues } from "./page-values.ts";

/** The bytes of one column chunk, or of those of its pages that hold the rows wanted. */
export interface ChunkBytes {
  /** The dictionary page, where `pages` does not start with it. */
  readonly dictionary?: Uint8Array | undefined;
  readonly pages: Uint8Array;
  /** Rows that `pages` holds; the first one is `firstRow` of the row group. */
  readonly firstRow: number;
  readonly rows: number;
  /** Entries that `pages` holds; unknown for some pages of a nested column. */
  readonly entries: number | undefined;
  /** Rows of each data page as the offset index has them; every page is held against it. */
  readonly pageRows?: readonly number[] | undefined;
}

/** A stretch of one page. */
export interface Segment {
  readonly page: Page;
  readonly start: number;
  readonly end: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** Walks the rows of one chunk, page by page; only the current page is held decoded. */
export interface LeafCursor {
  /** The next `rows` rows. Throws `CORRUPT` when the chunk ends before. */
  read(rows: number): readonly Segment[];
  /** Passes over `rows` rows; pages of flat columns that lie wholly inside are not decoded. */
  skip(rows: number): void;
  /** To be called after the last row: throws `CORRUPT` when the chunk holds more, or other counts than declared. */
  finish(): void;
}

export function leafCursor(chunk: ChunkBytes, leaf: SchemaNode, decompress: Decompress, limits: Limits): LeafCursor {
  const { pages } = chunk;
  let dictionary: PlainValues | undefined;
  let at = 0;
  let entriesSeen = 0;
  let current: Page | undefined;
  let entry = 0;
  let value = 0;
  let pagesSeen = 0;

  if (chunk.dictionary !== undefined) {
    const header = readPageHeader(chunk.dictionary, 0, limits);
    if (header.type !== PAGE.dictionary) throw corrupt("no dictionary page where the footer says");
    dictionary = decodeDictionary(chunk.dictionary, header, leaf, decompress, limits);
  }

  /** The header of the next data page, `undefined` at the end. */
  const nextHeader = (): PageHeader | undefined => {
    while (at < pages.length && (chunk.entries === undefined || entriesSeen < chunk.entries)) {
      const header = readPageHeader(pages, at, limits);
      at = header.body + header.compressed;
      if (header.type === PAGE.dictionary) {
        if (dictionary !== undefined || entriesSeen > 0) throw corrupt("a column chunk has a second dictionary");
        dictionary = decodeDictionary(pages, header, leaf, decompress, limits);
      } else if (header.type !== PAGE.index) {
        entriesSeen += header.count;
        pagesSeen++;
        if (leaf.rep === 0) checkPageRows(header.count);
        if (chunk.entries !== undefined && entriesSeen > chunk.entries) {
          throw corrupt(`a column chunk declares ${chunk.entries} values and its pages more`);
        }
        return header;
      }
    }
    return undefined;
  };

  const checkPageRows = (rows: number): void => {
    const expected = chunk.pageRows?.[pagesSeen - 1];
    if (chunk.pageRows !== undefined && expected !== rows)
      throw corrupt(`a page has ${rows} rows, the offset index says ${expected}`);
  };

  const load = (header: PageHeader): Page => {
    const page = decodeDataPage(pages, header, leaf, decompress, dictionary, limits);
    if (leaf.rep > 0 && chunk.pageRows !== undefined) checkPageRows(countRows(page, 0, page.entries));
    current = page;
    entry = 0;
    value = 0;
    return page;
  };

  const nextPage = (): Page | undefined => {
    const header = nextHeader();
    return header === undefined ? undefined : load(header);
  };

  const take = (page: Page, end: number): Segment => {
    const present = page.defs === undefined ? end - entry : countPresent(page.defs, entry, end, leaf.def);
    const segment: Segment = { page, start: entry, end, valueStart: value, valueEnd: value + present };
    entry = end;
    value += present;
    return segment;
  };

  const readFlat = (rows: number): readonly Segment[] => {
    const segments: Segment[] = [];
    let left = rows;
    while (left > 0) {
      const page = current !== undefined && entry < current.entries ? current : nextPage();
      if (page === undefined) throw corrupt(`a column chunk ends ${left} rows early`);
      const end = Math.min(page.entries, entry + left);
      left -= end - entry;
      if (end > entry) segments.push(take(page, end));
    }
    return segments;
  };

  const readNested = (rows: number): readonly Segment[] => {
    const segments: Segment[] = [];
    let started = 0;
    for (;;) {
      const page = current !== undefined && entry < current.entries ? current : nextPage();
      if (page === undefined) {
        if (started < rows) throw corrupt(`a column chunk ends ${rows - started} rows early`);
        return segments;
      }
      let i = entry;
      if (page.even !== undefined) {
        const { even } = page;
        const before = rowsBefore(even, entry);
        if (started === 0 && even.phase + before * even.width !== entry)
          throw corrupt("a column chunk starts in the middle of a row");
        i = Math.min(page.entries, even.phase + (before + rows - started) * even.width);
        started += rowsBefore(even, i) - before;
      }
      for (; page.even === undefined && i < page.entries; i++) {
        if (page.reps === undefined || page.reps[i] === 0) {
          if (started === rows) break;
          started++;
        } else if (started === 0) {
          throw corrupt("a column chunk starts in the middle of a row");
        }
      }
      if (i > entry) segments.push(take(page, i));
      if (i < page.entries) return segments;
    }
  };

  const read = leaf.rep === 0 ? readFlat : readNested;

  const skipFlat = (rows: number): void => {
    let left = rows;
    while (left > 0) {
      if (current === undefined || entry >= current.entries) {
        const header = nextHeader();
        if (header === undefined) throw corrupt(`a column chunk ends ${left} rows early`);
        if (header.count <= left) {
          left -= header.count;
          continue;
        }
        load(header);
      }
      const page = current;
      if (page === undefined) continue;
      const end = Math.min(page.entries, entry + left);
      left -= end - entry;
      take(page, end);
    }
  };

  return {
    read,
    skip(rows) {
      if (leaf.rep === 0) return skipFlat(rows);
      // In steps: a skipped stretch should not pile up all of its pages.
      for (let left = rows; left > 0; left -= Math.min(left, 4096)) read(Math.min(left, 4096));
    },
    finish() {
      let extra = current === undefined ? 0 : countRows(current, entry, current.entries);
      for (let header = nextHeader(); header !== undefined; header = nextHeader()) extra += header.count;
      if (extra > 0) throw corrupt("a column chunk holds more rows than its row group declares");
      if (chunk.entries !== undefined && entriesSeen !== chunk.entries) {
        throw corrupt(`a column chunk declares ${chunk.entries} values, its pages hold ${entriesSeen}`);
      }
    },
  };
}

function countPresent(defs: Uint8Array, start: number, end: number, max: number): number {
  let present = 0;
  for (let i = start; i < end; i++) if (defs[i] === max) present++;
  return present;
}
