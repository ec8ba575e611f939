import type { Batch, Column, Schema } from "@usr/schema";
import { decompressor, inflater } from "../codecs/codec.ts";
import { located, ParquetError } from "../error.ts";
import type { SchemaNode } from "../footer/format.ts";
import type { Chunk, FooterRowGroup } from "../footer/groups.ts";
import { type PageSelection, selectedBytes, selectPages } from "../footer/offset-index.ts";
import type { Shape } from "../footer/shape.ts";
import { readableShape } from "../open.ts";
import { type ByteRange, readRanges } from "../source.ts";
import type { ParquetFile, ReadOptions } from "../types.ts";
import { assemble, type LeafRun, leafRun } from "./assemble.ts";
import { type ChunkBytes, type ChunkRest, type LeafCursor, leafCursor, type PageBudget } from "./cursor.ts";
import { type AheadBudget, createReadAhead, type ReadAhead } from "./read-ahead.ts";
import { type WindowMemory, windowMemories } from "./window-memory.ts";

/**
 * Rows `[start, end)` in row order as batches of at most `batchRows` rows that never cross a row group, with the columns in the order
 * asked. Memory is bounded by the encoded chunks of one row group
 * (or `windowBytes` of it; 4 MiB of each chunk of more than 16 whose pages have to be walked) plus one batch. Throws `COLUMN_NOT_FOUND`, `NOT_SUPPORTED`
 * and `INVALID` before the first batch; `CORRUPT` and `TOO_LARGE` as they are met. Every row of a batch that was yielded is exact.
 */
export async function* readBatches(file: ParquetFile, o: ReadOptions = {}): AsyncGenerator<Batch, void, undefined> {
  const names = o.columns ?? file.schema.fields.map((f) => f.name);
  const columns = names.map((name) => ({ name, shape: readableShape(file, name) }));
  const start = rowOption("start", o.start ?? 0);
  const end = Math.min(rowOption("end", o.end ?? file.numRows), file.numRows);
  const batchRows = rowOption("batchRows", o.batchRows ?? 65_536);
  if (batchRows === 0) throw new ParquetError("INVALID", "batchRows must be 1 or more.");
  const byName = new Map(file.schema.fields.map((f) => [f.name, f]));
  const schema: Schema = { fields: names.flatMap((name) => byName.get(name) ?? []), metadata: file.schema.metadata };
  const steps = stepsOf(file, columns, start, end, batchRows, o.windowBytes ?? WINDOW);
  const budget: AheadBudget = { bytes: AHEAD };
  const memories = windowMemories();
  let window: { readonly of: Window; readonly opened: Promise<OpenWindow> } | undefined;
  /** The window of a step, its pages for it decompressed. Each window is opened once. */
  const prepare = async ({ window: of, row, numRows }: Step): Promise<OpenWindow> => {
    if (window?.of !== of) window = { of, opened: openWindow(file, columns, of, budget, memories(), o) };
    const opened = await window.opened;
    await opened.inflate(row, row + numRows);
    return opened;
  };
  let pending: Promise<OpenWindow> | undefined;
  try {
    let first = true;
    for (let step = steps.next().value; step !== undefined; ) {
      o.signal?.throwIfAborted();
      const { readers, memory } = await (pending ?? prepare(step));
      pending = undefined;
      const following = steps.next().value;
      // The first batch may be all that is wanted: nothing is read ahead of it.
      if (!first && following !== undefined && (following.window === step.window || following.window.bytes <= AHEAD)) {
        pending = prepare(following);
        // It fails when its turn comes.
        pending.catch(() => undefined);
      }
      first = false;
      const { numRows, isLast } = step;
      for (const reader of readers) await reader.ready(numRows);
      yield { schema, columns: readers.map((r) => r.read(numRows)), numRows };
      if (isLast) for (const reader of readers) reader.finish();
      if (following?.window !== step.window) memory.release();
      step = following;
    }
  } finally {
    // Whoever breaks off may close the source.
    await pending?.catch(() => undefined);
  }
}

/** Encoded bytes that are fetched, and decompressed ones that wait, before they are asked for. */
const AHEAD = 32 * 2 ** 20;

/** Rows of one row group whose encoded bytes are fetched together. */
interface Window {
  readonly group: FooterRowGroup;
  readonly index: number;
  readonly from: number;
  readonly until: number;
  /** Of the whole chunks. */
  readonly bytes: number;
}

/** One batch. */
interface Step {
  readonly window: Window;
  /** Its first row in the row group. */
  readonly row: number;
  readonly numRows: number;
  /** Nothing of the row group comes after it. */
  readonly isLast: boolean;
}

function* stepsOf(
  file: ParquetFile,
  columns: readonly NamedShape[],
  start: number,
  end: number,
  batchRows: number,
  windowBytes: number,
): Generator<Step, undefined, undefined> {
  const leaves = columns.flatMap((c) => leavesOf(c.shape)).map((leaf) => leaf.firstLeaf);
  for (const [index, group] of file.footer.rowGroups.entries()) {
    const from = Math.max(start - group.startRow, 0);
    const until = Math.min(end - group.startRow, group.numRows);
    if (from >= until) continue;
    const chunks = leaves.map((leaf) => group.chunks[leaf]!);
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const step = windowRows(group.numRows, chunks, bytes, batchRows, windowBytes);
    for (let at = from; at < until; at += step) {
      const window = { group, index, from: at, until: Math.min(at + step, until), bytes };
      for (let row = at; row < window.until; row += batchRows) {
        const numRows = Math.min(batchRows, window.until - row);
        yield { window, row, numRows, isLast: row + numRows === group.numRows };
      }
    }
  }
  return undefined;
}

const WINDOW = 256 * 2 ** 20;
/** A chunk of more bytes that has to be walked is fetched a piece at a time. */
const WHOLE = 16 * 2 ** 20;
const PIECE = 4 * 2 ** 20;

/** Rows to fetch at a time: all of the row group, unless it is large and its pages can be found without walking them. */
function windowRows(
  numRows: number,
  chunks: readonly Chunk[],
  bytes: number,
  batchRows: number,
  windowBytes: number,
): number {
  if (bytes <= windowBytes || chunks.some((c) => c.offsetIndex === undefined)) return numRows;
  return Math.max(1, Math.floor((numRows * windowBytes) / bytes / batchRows)) * batchRows;
}

function rowOption(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ParquetError("INVALID", `${name} must be a whole number, got ${value}.`);
  return value;
}

interface ColumnReader {
  ready(rows: number): Promise<void>;
  read(rows: number): Column;
  finish(): void;
}

interface NamedShape {
  readonly name: string;
  readonly shape: Shape;
}

function leavesOf(shape: Shape): readonly SchemaNode[] {
  switch (shape.kind) {
    case "leaf":
      return [shape.leaf];
    case "list":
      return leavesOf(shape.item);
    case "struct":
      return shape.children.flatMap(leavesOf);
  }
}

interface OpenWindow {
  readonly readers: readonly ColumnReader[];
  readonly memory: WindowMemory;
  /** Decompresses rows `[from, until)` of the row group ahead of their being read; never fails. */
  inflate(from: number, until: number): Promise<void>;
}

async function openWindow(
  file: ParquetFile,
  columns: readonly NamedShape[],
  { group, index: groupIndex, from, until }: Window,
  budget: AheadBudget,
  memory: WindowMemory,
  o: ReadOptions,
): Promise<OpenWindow> {
  const leaves = [...new Set(columns.flatMap((c) => leavesOf(c.shape)))];
  const place = (name: string): [string, Record<string, unknown>] => [
    `${file.source.meta.path ?? "Parquet file"}, column "${name}", row group ${groupIndex}`,
    { path: file.source.meta.path, column: name, rowGroup: groupIndex },
  ];
  const cursors = new Map<number, LeafCursor>();
  const aheads: ReadAhead[] = [];
  const pages: PageBudget = { left: file.limits.heldBytes };
  try {
    const bytes = await fetchChunks(file, group, leaves, from, until, memory, o);
    for (const [i, leaf] of leaves.entries()) {
      const chunk = group.chunks[leaf.firstLeaf]!;
      const decompress = await decompressor(chunk.codec);
      // Pages that are fetched as they are walked are not known ahead.
      const inflate = bytes[i]!.rest === undefined ? inflater(chunk.codec) : undefined;
      const ahead = createReadAhead(bytes[i]!, leaf, decompress, inflate, file.limits, budget);
      aheads.push(ahead);
      const cursor = leafCursor(bytes[i]!, leaf, ahead.decompress, file.limits, pages);
      await cursor.skip(from - bytes[i]!.firstRow);
      cursors.set(leaf.firstLeaf, cursor);
    }
  } catch (error) {
    throw located(error, ...place(columns.map((c) => c.name).join('", "')));
  }
  const readers = columns.map(({ name, shape }): ColumnReader => {
    const own = leavesOf(shape);
    const guarded = <T>(work: () => T): T => {
      try {
        return work();
      } catch (error) {
        throw located(error, ...place(name));
      }
    };
    return {
      ready: async (rows) => {
        try {
          for (const leaf of own) await cursors.get(leaf.firstLeaf)!.ready(rows);
        } catch (error) {
          throw located(error, ...place(name));
        }
      },
      read: (rows) =>
        guarded(() => {
          const runs = new Map<number, LeafRun>();
          for (const leaf of own) runs.set(leaf.firstLeaf, leafRun(cursors.get(leaf.firstLeaf)!.read(rows), leaf.def));
          return assemble(shape, runs, rows);
        }),
      finish: () =>
        guarded(() => {
          for (const leaf of own) cursors.get(leaf.firstLeaf)!.finish();
        }),
    };
  });
  return {
    readers,
    memory,
    inflate: async (first, end) => {
      await Promise.all(aheads.map((ahead) => ahead.start(first, end)));
    },
  };
}

/** The bytes of each leaf: only the pages needed where an offset index tells which, else the whole chunk. */
async function fetchChunks(
  file: ParquetFile,
  group: FooterRowGroup,
  leaves: readonly SchemaNode[],
  from: number,
  until: number,
  memory: WindowMemory,
  o: ReadOptions,
): Promise<readonly ChunkBytes[]> {
  const chunks = leaves.map((leaf) => group.chunks[leaf.firstLeaf]!);
  const partial = from > 0 || until < group.numRows;
  const indexed = chunks.flatMap((chunk) => {
    const { offsetIndex } = chunk;
    return partial && offsetIndex !== undefined && chunk.length > 0 ? [{ chunk, offsetIndex }] : [];
  });
  const indexes = await readRanges(
    file.source,
    indexed.map((c) => c.offsetIndex),
    o,
  );
  const selections = new Map<Chunk, PageSelection>();
  for (const [i, { chunk }] of indexed.entries())
    selections.set(chunk, selectPages(indexes[i]!, chunk, group.numRows, from, until));
  const whole = Math.min(WHOLE, o.windowBytes ?? WHOLE);
  const piece = Math.min(PIECE, whole);
  const ranges: ByteRange[] = [];
  for (const chunk of chunks) {
    const selection = selections.get(chunk);
    if (selection?.dictionary !== undefined) ranges.push(selection.dictionary);
    ranges.push(selection?.pages ?? { offset: chunk.start, length: chunk.length > whole ? piece : chunk.length });
  }
  const bytes = await readRanges(file.source, ranges, o, memory);
  let next = 0;
  return chunks.map((chunk, i) => {
    const selection = selections.get(chunk);
    if (selection === undefined)
      return {
        pages: bytes[next++]!,
        firstRow: 0,
        rows: group.numRows,
        entries: chunk.numValues,
        rest: chunk.length > whole ? restOf(file, chunk, piece, o) : undefined,
      };
    const dictionary = selection.dictionary === undefined ? undefined : bytes[next++]!;
    return selectedBytes(selection, dictionary, bytes[next++]!, leaves[i]!.rep === 0);
  });
}

/** The later pages of a chunk. */
function restOf(file: ParquetFile, chunk: Chunk, piece: number, o: ReadOptions): ChunkRest {
  return {
    length: chunk.length,
    read: async (offset, least) => {
      const length = Math.min(chunk.length - offset, Math.max(least, piece));
      const [bytes] = await readRanges(file.source, [{ offset: chunk.start + offset, length }], o);
      return bytes!;
    },
  };
}
