import type { Batch, Column, Schema } from "@usr/schema";
import { assemble, type LeafRun, leafRun } from "./assemble.ts";
import { decompressor } from "./codec.ts";
import { type ChunkBytes, type LeafCursor, leafCursor } from "./cursor.ts";
import { located, ParquetError } from "./error.ts";
import type { Chunk, FooterRowGroup, SchemaNode } from "./footer.ts";
import { type PageSelection, selectedBytes, selectPages } from "./offset-index.ts";
import { readableShape } from "./open.ts";
import type { Shape } from "./shape.ts";
import { type ByteRange, readRanges } from "./source.ts";
import type { ParquetFile, ReadOptions } from "./types.ts";

/**
 * Rows `[start, end)` in row order as batches of at most `batchRows` rows that never cross a row group, with the columns in the order
 * asked. Memory is bounded by the encoded chunks of one row group
 * (or `windowBytes` of it) plus one batch. Throws `COLUMN_NOT_FOUND`, `NOT_SUPPORTED`
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
  for (const [index, group] of file.footer.rowGroups.entries()) {
    const from = Math.max(start - group.startRow, 0);
    const until = Math.min(end - group.startRow, group.numRows);
    if (from >= until) continue;
    o.signal?.throwIfAborted();
    const step = windowRows(group, columns, batchRows, o.windowBytes ?? WINDOW);
    for (let at = from; at < until; at += step) {
      const stop = Math.min(at + step, until);
      const readers = await openColumns(file, group, index, columns, at, stop, o);
      for (let row = at; row < stop; row += batchRows) {
        o.signal?.throwIfAborted();
        const numRows = Math.min(batchRows, stop - row);
        yield { schema, columns: readers.map((r) => r.read(numRows)), numRows };
      }
      if (stop === group.numRows) for (const reader of readers) reader.finish();
    }
  }
}

const WINDOW = 256 * 2 ** 20;

/** Rows to fetch at a time: all of the row group, unless it is large and its pages can be found without walking them. */
function windowRows(
  group: FooterRowGroup,
  columns: readonly NamedShape[],
  batchRows: number,
  windowBytes: number,
): number {
  const chunks = columns.flatMap((c) => leavesOf(c.shape)).map((leaf) => group.chunks[leaf.firstLeaf]!);
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (bytes <= windowBytes || chunks.some((c) => c.offsetIndex === undefined)) return group.numRows;
  return Math.max(1, Math.floor((group.numRows * windowBytes) / bytes / batchRows)) * batchRows;
}

function rowOption(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new ParquetError("INVALID", `${name} must be a whole number, got ${value}.`);
  return value;
}

interface ColumnReader {
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

async function openColumns(
  file: ParquetFile,
  group: FooterRowGroup,
  groupIndex: number,
  columns: readonly NamedShape[],
  from: number,
  until: number,
  o: ReadOptions,
): Promise<readonly ColumnReader[]> {
  const leaves = [...new Set(columns.flatMap((c) => leavesOf(c.shape)))];
  const place = (name: string): [string, Record<string, unknown>] => [
    `${file.source.meta.path ?? "Parquet file"}, column "${name}", row group ${groupIndex}`,
    { path: file.source.meta.path, column: name, rowGroup: groupIndex },
  ];
  const cursors = new Map<number, LeafCursor>();
  try {
    const bytes = await fetchChunks(file, group, leaves, from, until, o);
    for (const [i, leaf] of leaves.entries()) {
      const chunk = group.chunks[leaf.firstLeaf]!;
      const cursor = leafCursor(bytes[i]!, leaf, await decompressor(chunk.codec), file.limits);
      cursor.skip(from - bytes[i]!.firstRow);
      cursors.set(leaf.firstLeaf, cursor);
    }
  } catch (error) {
    throw located(error, ...place(columns.map((c) => c.name).join('", "')));
  }
  return columns.map(({ name, shape }) => {
    const own = leavesOf(shape);
    const guarded = <T>(work: () => T): T => {
      try {
        return work();
      } catch (error) {
        throw located(error, ...place(name));
      }
    };
    return {
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
}

/** The bytes of each leaf: only the pages needed where an offset index tells which, else the whole chunk. */
async function fetchChunks(
  file: ParquetFile,
  group: FooterRowGroup,
  leaves: readonly SchemaNode[],
  from: number,
  until: number,
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
  const ranges: ByteRange[] = [];
  for (const chunk of chunks) {
    const selection = selections.get(chunk);
    if (selection?.dictionary !== undefined) ranges.push(selection.dictionary);
    ranges.push(selection?.pages ?? { offset: chunk.start, length: chunk.length });
  }
  const bytes = await readRanges(file.source, ranges, o);
  let next = 0;
  return chunks.map((chunk, i) => {
    const selection = selections.get(chunk);
    if (selection === undefined)
      return { pages: bytes[next++]!, firstRow: 0, rows: group.numRows, entries: chunk.numValues };
    const dictionary = selection.dictionary === undefined ? undefined : bytes[next++]!;
    return selectedBytes(selection, dictionary, bytes[next++]!, leaves[i]!.rep === 0);
  });
}
