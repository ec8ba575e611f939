import { type Column, formatType, type Schema, sameType } from "@usr/schema";
import { checkColumn } from "@usr/schema/check";
import { type Compressor, zstdCompressor } from "../codecs/codec.ts";
import { ParquetError } from "../error.ts";
import { type Declaration, declare, sameDeclaration } from "../footer/declare.ts";
import { CREATED_BY, footerOf, offsetIndex, withFilter } from "../footer/write.ts";
import { concatBytes } from "../pieces.ts";
import { writeThrift } from "../thrift/write.ts";
import type { ChunkRef, ParquetFile, RowGroup, WriteOptions } from "../types.ts";
import { type LeafHistory, type StartedChunk, startChunk, type WrittenChunk } from "./chunk-writer.ts";
import { copyChunk, declarationOf, leafPaths, nodeOf, stayingChunk } from "./passthrough.ts";
import { shred } from "./shred.ts";

const utf8 = new TextEncoder();
const MAGIC = utf8.encode("PAR1");
/** Small parts are gathered up to this size before they are yielded. */
const GATHER = 256 * 1024;
/** While this many bytes of pages are compressed by other threads, the next ones are made. */
const AHEAD = 12 * 2 ** 20;

/**
 * The bytes of a Parquet file, in order. Row groups are pulled one at a time, and memory is bounded by one of them. Row groups without
 * rows are left out. The metadata is that of `schema`, `ARROW:schema` aside, which is written anew where a type needs it.
 * Throws `INVALID` for columns that do not fit the schema, SchemaError `CORRUPT` for those whose memory is not what their type says, `NOT_SUPPORTED` for what Parquet or this writer cannot hold, a
 * `ChunkRef` laid out otherwise than the chunks before it, and zstd where the runtime has none. What was yielded before a throw is no file.
 */
export async function* writeParquet(
  schema: Schema,
  rowGroups: Iterable<RowGroup> | AsyncIterable<RowGroup>,
  o: WriteOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  yield MAGIC.slice();
  yield* writeAfter(schema, rowGroups, { offset: MAGIC.length, declarations: [], groups: [] }, o);
}

/** What a file holds already before the row groups to come. */
export interface Beginning {
  /** Bytes of the file so far. */
  readonly offset: number;
  /** How its columns are laid out, once it has a row group. */
  readonly declarations: readonly Declaration[];
  readonly groups: readonly PlacedGroup[];
  /** What they let expect of the chunks to come, by the path of a leaf as JSON. */
  readonly histories?: ReadonlyMap<string, LeafHistory> | undefined;
  /** The file that it begins as, up to `offset`: its chunks stay where they are. */
  readonly stays?: ParquetFile;
}

export interface PlacedGroup {
  readonly numRows: number;
  readonly chunks: readonly WrittenChunk[];
}

/** The rest of a file after its beginning, by the rules of `writeParquet`. */
export async function* writeAfter(
  schema: Schema,
  rowGroups: Iterable<RowGroup> | AsyncIterable<RowGroup>,
  beginning: Beginning,
  o: WriteOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const compress = (o.codec ?? "zstd") === "zstd" ? zstdCompressor(o.zstdLevel ?? 1) : undefined;
  const pageBytes = o.pageBytes ?? 2 ** 20;
  checkSchema(schema, o.bloomFilters ?? []);
  const falsePositives = o.falsePositives ?? 0.01;
  if (!(falsePositives > 0 && falsePositives < 1))
    throw new ParquetError("INVALID", `falsePositives must lie between 0 and 1, got ${falsePositives}.`);
  const declarations: (Declaration | undefined)[] = schema.fields.map((_, i) => beginning.declarations[i]);
  const groups: { readonly numRows: number; readonly chunks: WrittenChunk[] }[] = beginning.groups.map((group) => ({
    numRows: group.numRows,
    chunks: [...group.chunks],
  }));
  let { offset } = beginning;
  let pending: Uint8Array[] = [];
  let gathered = 0;
  const put = (bytes: Uint8Array): void => {
    pending.push(bytes);
    gathered += bytes.length;
    offset += bytes.length;
  };
  const drain = (): Uint8Array => {
    const out = concatBytes(pending);
    pending = [];
    gathered = 0;
    return out;
  };

  const histories = new Map(beginning.histories);
  const historyOf = (path: readonly string[]): LeafHistory => {
    const name = JSON.stringify(path);
    const history = histories.get(name) ?? { repeats: true };
    histories.set(name, history);
    return history;
  };
  /** Chunks that are being compressed, in the order of the file. */
  const started: { readonly chunk: StartedChunk; readonly chunks: WrittenChunk[] }[] = [];
  let made = 0;
  /** Places the first chunks until no more than `limit` bytes are ahead. */
  async function* place(limit: number): AsyncGenerator<Uint8Array, void, undefined> {
    // What is copied or stored as it is waits for nothing but what stands before it.
    while (started.length > 0 && (made > limit || !started[0]!.chunk.waits)) {
      const { chunk, chunks } = started.shift()!;
      made -= chunk.made;
      const pages = chunk.place(offset);
      for (;;) {
        const step = await pages.next();
        if (step.done) {
          chunks.push(step.value);
          break;
        }
        const bytes = step.value;
        if (bytes.length < GATHER) {
          put(bytes);
          if (gathered >= GATHER) yield drain();
          continue;
        }
        // What is large goes as it is: a view of the column, where the values are neither packed nor compressed.
        if (gathered > 0) yield drain();
        offset += bytes.length;
        yield bytes;
      }
    }
  }

  /** What lies beside the chunks, for some of the groups. */
  async function* pointers(some: readonly { readonly chunks: WrittenChunk[] }[]): AsyncGenerator<Uint8Array> {
    // Side by side, so that looking for a value is one read.
    for (const { chunks } of some) {
      for (const [i, chunk] of chunks.entries()) {
        const bytes = await chunk.filter?.();
        if (bytes === undefined) continue;
        chunks[i] = withFilter(chunk, offset, bytes.length);
        put(bytes);
        if (gathered >= GATHER) yield drain();
      }
    }
    for (const { chunks } of some) {
      for (const [i, chunk] of chunks.entries()) {
        if (chunk.pages.length === 0) continue;
        const bytes = offsetIndex(chunk);
        chunks[i] = { ...chunk, index: [offset, bytes.length] };
        put(bytes);
        if (gathered >= GATHER) yield drain();
      }
    }
  }

  // Before the new groups: a later file that goes on from the same groups finds it where it may stay.
  yield* pointers(groups);
  for await (const group of rowGroups) {
    o.signal?.throwIfAborted();
    checkGroup(schema, group, groups.length);
    if (group.numRows === 0) continue;
    const chunks: WrittenChunk[] = [];
    for (const [i, field] of schema.fields.entries()) {
      const column = group.columns[i]!;
      const own = "rowGroup" in column ? declarationOf(column.file, column.column, field.name) : undefined;
      const declaration = declarations[i] ?? own ?? declare(field);
      declarations[i] = declaration;
      if (own !== undefined && !sameDeclaration(own, declaration)) throw otherLayout(field.name, groups.length);
      for (const chunk of chunksOf(column, declaration, field.name, {
        compress,
        pageBytes,
        filter: o.bloomFilters?.includes(field.name) === true ? falsePositives : undefined,
        createdBy: o.createdBy ?? CREATED_BY,
        historyOf,
        stays: beginning.stays,
        end: beginning.offset,
        signal: o.signal,
      })) {
        started.push({ chunk, chunks });
        made += chunk.made;
        yield* place(AHEAD);
      }
    }
    groups.push({ numRows: group.numRows, chunks });
  }
  yield* place(-1);
  yield* pointers(groups.slice(beginning.groups.length));
  const all = schema.fields.map((field, i) => declarations[i] ?? declare(field));
  const footer = writeThrift(footerOf(schema, all, groups, o));
  put(footer);
  const tail = new Uint8Array(8);
  new DataView(tail.buffer).setUint32(0, footer.length, true);
  tail.set(MAGIC, 4);
  put(tail);
  yield drain();
}

function checkSchema(schema: Schema, filters: readonly string[]): void {
  if (schema.fields.length === 0) throw new ParquetError("INVALID", "A Parquet file needs at least one column.");
  const names = new Set<string>();
  for (const { name } of schema.fields) {
    if (names.has(name))
      throw new ParquetError("INVALID", `The schema has two columns "${name}".`, { details: { column: name } });
    names.add(name);
  }
  for (const name of filters) {
    if (schema.fields.find((field) => field.name === name)?.type.kind === "string") continue;
    throw new ParquetError("INVALID", `Bloom filters are for text columns, and "${name}" is none of the schema.`, {
      details: { column: name },
    });
  }
}

function checkGroup(schema: Schema, group: RowGroup, index: number): void {
  if (group.columns.length !== schema.fields.length) {
    throw new ParquetError(
      "INVALID",
      `Row group ${index} has ${group.columns.length} columns, the schema ${schema.fields.length}.`,
    );
  }
  for (const [i, field] of schema.fields.entries()) {
    const column = group.columns[i]!;
    const type = "rowGroup" in column ? column.file.shapes.get(column.column)?.type : column.type;
    if (type === undefined || !sameType(type, field.type)) {
      const given = type === undefined ? "an unknown type" : formatType(type);
      throw new ParquetError(
        "INVALID",
        `Column "${field.name}" of row group ${index} is ${given}, the schema says ${formatType(field.type)}.`,
        {
          details: { column: field.name, rowGroup: index },
        },
      );
    }
    if (!("rowGroup" in column)) checkColumn(column, field.name);
    const rows = "rowGroup" in column ? column.numRows : column.length;
    if (rows !== group.numRows) {
      throw new ParquetError(
        "INVALID",
        `Column "${field.name}" of row group ${index} has ${rows} rows, the row group ${group.numRows}.`,
        {
          details: { column: field.name, rowGroup: index },
        },
      );
    }
  }
}

function otherLayout(column: string, rowGroup: number): ParquetError {
  return new ParquetError(
    "NOT_SUPPORTED",
    `Column "${column}" of row group ${rowGroup} is laid out otherwise than in the row groups before it.`,
    {
      hint: "Ask canPassThrough first, and decode the column where it says no.",
      details: { column, rowGroup },
    },
  );
}

interface ChunkOptions {
  readonly compress: Compressor | undefined;
  readonly pageBytes: number;
  readonly filter: number | undefined;
  readonly createdBy: string;
  readonly historyOf: (path: readonly string[]) => LeafHistory;
  readonly stays: ParquetFile | undefined;
  readonly end: number;
  readonly signal: AbortSignal | undefined;
}

/** The leaf chunks of a column, each started when it is asked for. */
function* chunksOf(
  column: Column | ChunkRef,
  declaration: Declaration,
  name: string,
  o: ChunkOptions,
): Generator<StartedChunk, void, undefined> {
  if ("rowGroup" in column) {
    const node = nodeOf(column.file, column.column);
    const group = column.file.footer.rowGroups[column.rowGroup]!;
    const stays = column.file === o.stays;
    for (const { leaf, path } of leafPaths(node, name)) {
      const chunk = group.chunks[leaf.firstLeaf]!;
      const place: StartedChunk["place"] = (offset) =>
        stays
          ? stayingChunk(column.file, chunk, leaf, path, o.end, o.createdBy, o)
          : copyChunk(column, chunk, leaf, path, offset, o.createdBy, o);
      yield { made: 0, waits: false, place };
    }
    return;
  }
  const paths = new Map(
    leafPaths(declaration.node, declaration.node.name).map(({ leaf, path }) => [leaf.firstLeaf, path]),
  );
  for (const leaf of shred(column, declaration.shape)) {
    const path = paths.get(leaf.leaf.leaf.firstLeaf)!;
    yield startChunk(leaf, { ...o, path, history: o.historyOf(path) });
  }
}
