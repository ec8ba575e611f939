import { type Field, sameType } from "@usr/schema";
import { ParquetError } from "../error.ts";
import { hasTypeOrder } from "../footer/bounds.ts";
import { adopt, type Declaration, declare, sameDeclaration } from "../footer/declare.ts";
import type { SchemaNode } from "../footer/format.ts";
import { META, STATS } from "../footer/format.ts";
import type { Chunk } from "../footer/groups.ts";
import { withFilter } from "../footer/write.ts";
import { readableShape } from "../open.ts";
import type { Signal } from "../source.ts";
import { type ByteRange, readExactly } from "../source.ts";
import { getI32, getSize, getStruct, getStructs } from "../thrift/fields.ts";
import { readThrift, type ThriftStruct, WIRE } from "../thrift/read.ts";
import { list } from "../thrift/write.ts";
import type { ChunkRef, ParquetFile } from "../types.ts";
import type { PageLocation, WrittenChunk } from "./chunk-writer.ts";

/** Bytes copied at a time. */
const SLICE = 2 ** 20;

/** All leaf chunks of one top-level column of one row group, to be written as they are. Throws `COLUMN_NOT_FOUND`, `NOT_SUPPORTED` or `INVALID`. */
export function chunkOf(file: ParquetFile, rowGroup: number, column: string): ChunkRef {
  readableShape(file, column);
  const group = file.footer.rowGroups[rowGroup];
  if (group === undefined) {
    throw new ParquetError(
      "INVALID",
      `There is no row group ${rowGroup}; the file has ${file.footer.rowGroups.length}.`,
    );
  }
  return { file, rowGroup, column, numRows: group.numRows };
}

/**
 * Whether chunks of `column` can stand in one file beside those that `like` stands for: the writer's own encoding of a field, or the column
 * of the same name of another file. A file declares each column once, so mixing others must be decoded.
 */
export function canPassThrough(file: ParquetFile, column: string, like: Field | ParquetFile): boolean {
  const own = declarationOf(file, column, "footer" in like ? column : like.name);
  const other = "footer" in like ? declarationOf(like, column) : declare(like);
  return sameType(own.shape.type, other.shape.type) && sameDeclaration(own, other);
}

export function nodeOf(file: ParquetFile, column: string): SchemaNode {
  readableShape(file, column);
  return file.footer.columns.find((c) => c.name === column)!;
}

export function declarationOf(file: ParquetFile, column: string, name: string = column): Declaration {
  return adopt(nodeOf(file, column), name, readableShape(file, column).type);
}

/** Yields the bytes of one leaf chunk, to be placed at `offset`, and returns what the footer says of it. */
export async function* copyChunk(
  ref: ChunkRef,
  chunk: Chunk,
  leaf: SchemaNode,
  path: readonly string[],
  offset: number,
  createdBy: string,
  o: Signal,
): AsyncGenerator<Uint8Array, WrittenChunk, undefined> {
  const { source } = ref.file;
  for (let at = 0; at < chunk.length; at += SLICE) {
    o.signal?.throwIfAborted();
    yield await readExactly(source, chunk.start + at, Math.min(SLICE, chunk.length - at), o);
  }
  const shift = offset - chunk.start;
  const pages =
    chunk.offsetIndex === undefined
      ? []
      : shiftPages(await readExactly(source, chunk.offsetIndex.offset, chunk.offsetIndex.length, o), shift);
  return {
    meta: moved(ref.file, chunk, leaf, path, shift),
    start: offset,
    length: chunk.length,
    uncompressed: chunk.uncompressed,
    pages,
    filter: filterOf(ref.file, chunk, createdBy, o),
  };
}

/**
 * The filter of a chunk, to be written again. Only a writer's own filters are carried: a file that it wrote then holds no other, and its
 * readers know what was added. Bytes that are no filter are left behind.
 */
function filterOf(file: ParquetFile, { filter }: Chunk, createdBy: string, o: Signal): WrittenChunk["filter"] {
  if (filter === undefined || file.createdBy !== createdBy) return undefined;
  return async () => {
    const bytes = await readExactly(file.source, filter.offset, filter.length, o);
    const { decodeFilter } = await import("../bloom/bloom.ts");
    return decodeFilter(bytes) === undefined ? undefined : bytes;
  };
}

/**
 * What the footer says of a leaf chunk that stays where it is, in a file that keeps the bytes before `end`: what lies beside it stays too, or is
 * to be written again.
 */
export async function keptChunk(
  file: ParquetFile,
  chunk: Chunk,
  leaf: SchemaNode,
  path: readonly string[],
  end: number,
  createdBy: string,
  o: Signal,
): Promise<WrittenChunk> {
  const stays = (range: ByteRange | undefined): boolean => range !== undefined && range.offset + range.length <= end;
  const { offsetIndex, filter } = chunk;
  const lost = stays(offsetIndex) ? undefined : offsetIndex;
  const written: WrittenChunk = {
    meta: moved(file, chunk, leaf, path, 0),
    start: chunk.start,
    length: chunk.length,
    uncompressed: chunk.uncompressed,
    pages: lost === undefined ? [] : shiftPages(await readExactly(file.source, lost.offset, lost.length, o), 0),
    index: offsetIndex !== undefined && lost === undefined ? [offsetIndex.offset, offsetIndex.length] : undefined,
    filter: stays(filter) ? undefined : filterOf(file, chunk, createdBy, o),
  };
  return filter !== undefined && stays(filter) && file.createdBy === createdBy
    ? withFilter(written, filter.offset, filter.length)
    : written;
}

/** `keptChunk` as a chunk that takes no bytes at the place where it is asked for. */
export async function* stayingChunk(
  ...kept: Parameters<typeof keptChunk>
): AsyncGenerator<Uint8Array, WrittenChunk, undefined> {
  yield* [];
  return await keptChunk(...kept);
}

/** The leaves of a column with their names from the top, which is called `name`. */
export function leafPaths(
  node: SchemaNode,
  name: string,
): readonly { readonly leaf: SchemaNode; readonly path: readonly string[] }[] {
  if (node.physical !== undefined) return [{ leaf: node, path: [name] }];
  return node.children.flatMap((child) =>
    leafPaths(child, child.name).map(({ leaf, path }) => ({ leaf, path: [name, ...path] })),
  );
}

function shiftPages(index: Uint8Array, shift: number): readonly PageLocation[] {
  const { value } = readThrift(index, 0, index.length, index.length * 8);
  return (getStructs(value, 1) ?? []).map((l) => ({
    offset: (getSize(l, 1) ?? 0) + shift,
    length: getI32(l, 2) ?? 0,
    firstRow: getSize(l, 3) ?? 0,
  }));
}

/** The chunk's metadata with its offsets shifted. What lies elsewhere in the source gets a place of its own, or is not carried (index page). */
function moved(
  file: ParquetFile,
  chunk: Chunk,
  leaf: SchemaNode,
  path: readonly string[],
  shift: number,
): ThriftStruct {
  const utf8 = new TextEncoder();
  const meta = new Map(chunk.meta);
  for (const id of [META.indexPageOffset, META.bloomOffset, META.bloomLength]) meta.delete(id);
  meta.set(
    META.path,
    list(
      WIRE.binary,
      path.map((name) => utf8.encode(name)),
    ),
  );
  meta.set(META.dataPageOffset, BigInt((getSize(chunk.meta, META.dataPageOffset) ?? 0) + shift));
  const dictionary = getSize(chunk.meta, META.dictionaryPageOffset);
  if (dictionary === chunk.start && dictionary !== getSize(chunk.meta, META.dataPageOffset))
    meta.set(META.dictionaryPageOffset, BigInt(dictionary + shift));
  else meta.delete(META.dictionaryPageOffset);
  const statistics = getStruct(chunk.meta, META.statistics);
  if (statistics !== undefined && !hasTypeOrder(file, leaf)) {
    // Without the order of the type these bounds mean nothing, and the new footer declares that order for every column.
    const kept = new Map(statistics);
    for (const id of [STATS.maxValue, STATS.minValue, STATS.maxExact, STATS.minExact]) kept.delete(id);
    meta.set(META.statistics, kept);
  }
  return meta;
}
