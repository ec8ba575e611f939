import type { Decompress } from "../codecs/codec.ts";
import { rowsBefore } from "../encodings/even-levels.ts";
import type { PlainValues } from "../encodings/page-values.ts";
import { corrupt, tooLarge } from "../error.ts";
import type { SchemaNode } from "../footer/format.ts";
import { PAGE } from "../footer/format.ts";
import type { Limits } from "../limits.ts";
import type { Memory } from "../pieces.ts";
import {
  countRows,
  decodeDataPage,
  decodeDictionary,
  LONGEST_HEADER,
  type Page,
  type PageHeader,
  pageSize,
  readPageHeader,
} from "./page.ts";

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
  /** Where `pages` are only the first of them: the others, fetched as they are wanted. */
  readonly rest?: ChunkRest | undefined;
}

/** A chunk too large to be held. */
export interface ChunkRest {
  /** Bytes of the whole chunk. */
  readonly length: number;
  /** The bytes from `offset` of the chunk, at least `least` of them, or all there are. */
  read(offset: number, least: number): Promise<Uint8Array>;
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
  /** Lets go of the pages behind it, and fetches what `read(rows)` will take; at the end of the chunk what `finish` looks at, too. To be awaited before either. */
  ready(rows: number): Promise<void>;
  /** The next `rows` rows. Throws `CORRUPT` when the chunk ends before. */
  read(rows: number): readonly Segment[];
  /** Passes over `rows` rows; pages of flat columns that lie wholly inside are not decoded. */
  skip(rows: number): Promise<void>;
  /** To be called after the last row: throws `CORRUPT` when the chunk holds more, or other counts than declared. */
  finish(): void;
}

/** What the cursors that are read together may still hold in decoded pages, in bytes as the page headers declare them. */
export interface PageBudget {
  left: number;
}

export function leafCursor(
  chunk: ChunkBytes,
  leaf: SchemaNode,
  decompress: Decompress,
  limits: Limits,
  budget: PageBudget,
): LeafCursor {
  let { pages } = chunk;
  /** Where `pages` starts in the chunk. */
  let origin = 0;
  const length = chunk.rest?.length ?? pages.length;
  /** Pages decoded ahead, which only a chunk that is fetched piecewise has. */
  const queue: Page[] = [];
  let dictionary: PlainValues | undefined;
  let at = 0;
  let entriesSeen = 0;
  let current: Page | undefined;
  let entry = 0;
  let value = 0;
  let pagesSeen = 0;
  /** What each decoded page was charged with, and the memory it was decompressed to, until it is released. */
  const charged = new Map<Page, { readonly bytes: number; readonly memory: Uint8Array | undefined }>();
  /** Memory of released pages. To allocate a page of a megabyte each time is what garbage collections come from. */
  const spare: Uint8Array[] = [];
  let asked: Uint8Array | undefined;
  const memory: Memory = (size) => {
    const held = spare.pop();
    asked = held !== undefined && held.length >= size ? held : new Uint8Array(size + (size >> 3));
    return asked;
  };

  /** Charges a page before it is decoded. A value takes four bytes at least, however few the page has. */
  const charge = ({ uncompressed, count }: PageHeader): number => {
    const bytes = Math.max(uncompressed, 4 * count);
    budget.left -= bytes;
    if (budget.left < 0) {
      const together = limits.heldBytes - budget.left;
      throw tooLarge(`Pages to be decoded together declare ${together} bytes.`, "heldBytes", { bytes: together });
    }
    return bytes;
  };
  /** Pages that were passed have gone into columns. */
  const release = (): void => {
    for (const [page, { bytes, memory }] of charged) {
      if (page === current || queue.includes(page)) continue;
      charged.delete(page);
      budget.left += bytes;
      if (memory !== undefined) spare.push(memory);
    }
  };

  if (chunk.dictionary !== undefined) {
    const header = readPageHeader(chunk.dictionary, 0, limits);
    if (header.type !== PAGE.dictionary) throw corrupt("no dictionary page where the footer says");
    charge(header);
    dictionary = decodeDictionary(chunk.dictionary, header, leaf, decompress, limits);
  }

  const atEnd = (): boolean => origin + at >= length || (chunk.entries !== undefined && entriesSeen >= chunk.entries);

  /** Makes `pages` hold the next page. */
  const fetchPage = async (): Promise<void> => {
    const { rest } = chunk;
    if (rest === undefined || atEnd()) return;
    const held = (): boolean => origin + pages.length === length;
    if (!held() && pages.length - at < LONGEST_HEADER) await refill(rest, LONGEST_HEADER);
    const size = pageSize(pages, at);
    if (!held() && size > pages.length - at) await refill(rest, size);
  };

  const refill = async (rest: ChunkRest, least: number): Promise<void> => {
    origin += at;
    at = 0;
    pages = await rest.read(origin, least);
  };

  /** The header of the next data page, `undefined` at the end. */
  const nextHeader = (): PageHeader | undefined => {
    while (!atEnd()) {
      const header = nextOf();
      if (header !== undefined) return header;
    }
    return undefined;
  };

  /** Steps over one page; its header, where it is a data page. */
  const nextOf = (): PageHeader | undefined => {
    const header = readPageHeader(pages, at, limits);
    at = header.body + header.compressed;
    if (header.type === PAGE.dictionary) {
      if (dictionary !== undefined || entriesSeen > 0) throw corrupt("a column chunk has a second dictionary");
      charge(header);
      dictionary = decodeDictionary(pages, header, leaf, decompress, limits);
      return undefined;
    }
    if (header.type === PAGE.index) return undefined;
    entriesSeen += header.count;
    pagesSeen++;
    if (leaf.rep === 0) checkPageRows(header.count);
    if (chunk.entries !== undefined && entriesSeen > chunk.entries) {
      throw corrupt(`a column chunk declares ${chunk.entries} values and its pages more`);
    }
    return header;
  };

  const checkPageRows = (rows: number): void => {
    const expected = chunk.pageRows?.[pagesSeen - 1];
    if (chunk.pageRows !== undefined && expected !== rows)
      throw corrupt(`a page has ${rows} rows, the offset index says ${expected}`);
  };

  const decode = (header: PageHeader): Page => {
    const bytes = charge(header);
    asked = undefined;
    const page = decodeDataPage(pages, header, leaf, decompress, dictionary, limits, memory);
    if (leaf.rep > 0 && chunk.pageRows !== undefined) checkPageRows(countRows(page, 0, page.entries));
    charged.set(page, { bytes, memory: asked });
    return page;
  };

  const turnTo = (page: Page): Page => {
    current = page;
    entry = 0;
    value = 0;
    return page;
  };

  const nextPage = (): Page | undefined => {
    const decoded = queue.shift();
    if (decoded !== undefined) return turnTo(decoded);
    const header = nextHeader();
    return header === undefined ? undefined : turnTo(decode(header));
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

  const ready = async (rows: number): Promise<void> => {
    release();
    if (chunk.rest === undefined) return;
    let begun = current === undefined ? 0 : countRows(current, entry, current.entries);
    for (const page of queue) begun += countRows(page, 0, page.entries);
    // A row ends where the next one begins, or with the chunk.
    while (begun <= rows && !atEnd()) {
      await fetchPage();
      const header = nextOf();
      if (header === undefined) continue;
      const page = decode(header);
      queue.push(page);
      begun += countRows(page, 0, page.entries);
    }
  };

  const skipFlat = async (rows: number): Promise<void> => {
    let left = rows;
    while (left > 0) {
      if (current === undefined || entry >= current.entries) {
        if (atEnd()) throw corrupt(`a column chunk ends ${left} rows early`);
        await fetchPage();
        const header = nextOf();
        if (header === undefined) continue;
        if (header.count <= left) {
          left -= header.count;
          continue;
        }
        turnTo(decode(header));
      }
      const page = current;
      if (page === undefined) continue;
      const end = Math.min(page.entries, entry + left);
      left -= end - entry;
      take(page, end);
    }
  };

  return {
    ready,
    read,
    async skip(rows) {
      if (leaf.rep === 0) return await skipFlat(rows);
      // In steps: a skipped stretch should not pile up all of its pages.
      for (let left = rows; left > 0; left -= Math.min(left, 4096)) {
        const step = Math.min(left, 4096);
        await ready(step);
        read(step);
      }
    },
    finish() {
      let extra = current === undefined ? 0 : countRows(current, entry, current.entries);
      for (const page of queue) extra += countRows(page, 0, page.entries);
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
