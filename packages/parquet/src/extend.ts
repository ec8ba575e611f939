/**
 * A Parquet file that goes on where another one ends: with more rows, or more columns.
 *
 * ```ts
 * import { openParquet, readBatches, writeParquet } from "@usr/parquet";
 * import { extendParquet } from "@usr/parquet/extend";
 * import { columnOf } from "@usr/schema/columns";
 *
 * const type = { kind: "int64" } as const;
 * const schema = { fields: [{ name: "n", type, nullable: true }], metadata: new Map() };
 * const bytesOf = async (parts: AsyncIterable<Uint8Array>) => new Blob((await Array.fromAsync(parts)) as BlobPart[]);
 * const open = (blob: Blob) =>
 *   openParquet({
 *     meta: { size: blob.size },
 *     read: async (at, length) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer()),
 *   });
 *
 * const old = await bytesOf(writeParquet(schema, [{ numRows: 2, columns: [columnOf(type, [1n, 2n])] }]));
 * const more = extendParquet(schema, await open(old), 1, [{ numRows: 1, columns: [columnOf(type, [3n])] }]);
 * if (more) {
 *   const longer = await open(new Blob([old.slice(0, more.length), await bytesOf(more.tail)]));
 *   for await (const batch of readBatches(longer)) console.log(batch.numRows); // 2, then 1
 * }
 * ```
 *
 * @module
 */
import { type Schema, sameType } from "@usr/schema";
import { META } from "./footer/format.ts";
import type { FooterRowGroup } from "./footer/groups.ts";
import { CREATED_BY } from "./footer/write.ts";
import type { ParquetFile, RowGroup, WriteOptions } from "./types.ts";
import type { LeafHistory } from "./write/chunk-writer.ts";
import { type PlacedGroup, writeAfter } from "./write/file.ts";
import { declarationOf, keptChunk, leafPaths, nodeOf } from "./write/passthrough.ts";

/** A file as the first bytes of another one and what follows them. */
export interface Extension {
  /** How many bytes of the other file it begins with. */
  readonly length: number;
  /** Its other bytes, in order. The source of the other file must stay open while they are pulled. */
  readonly tail: AsyncGenerator<Uint8Array, void, undefined>;
}

/**
 * The file of the first `keep` row groups of `file`, which stay where they are, and of `rowGroups` after them, by the rules of `writeParquet`.
 * What the kept groups point to (offset indexes, bloom filters of the same writer) stays too, or is written anew where it lay behind the cut: repeated extension leaves
 * no dead bytes. `undefined` where this cannot be: other columns, or another order or nullability of them, than the file has; column chunks in
 * another order than the row groups; nothing to keep.
 */
export function extendParquet(
  schema: Schema,
  file: ParquetFile,
  keep: number,
  rowGroups: Iterable<RowGroup> | AsyncIterable<RowGroup>,
  o: WriteOptions = {},
): Extension | undefined {
  const length = cutAfter(file, keep);
  if (length === undefined || !sameColumns(schema, file)) return undefined;
  return { length, tail: tailOf(schema, file, keep, length, rowGroups, o) };
}

/**
 * The file that `writeParquet` makes of `rowGroups`, where the chunks of `file` among them stay where they are, and what is said of them too: row groups
 * that gain columns, for the price of the columns. Bytes of chunks that are not among them are dead. `undefined` where `file` has nothing to keep.
 */
export function extendColumns(
  schema: Schema,
  file: ParquetFile,
  rowGroups: Iterable<RowGroup> | AsyncIterable<RowGroup>,
  o: WriteOptions = {},
): Extension | undefined {
  const length = cutAfter(file, file.footer.rowGroups.length);
  if (length === undefined) return undefined;
  return {
    length,
    tail: writeAfter(schema, rowGroups, { offset: length, declarations: [], groups: [], stays: file }, o),
  };
}

async function* tailOf(
  schema: Schema,
  file: ParquetFile,
  keep: number,
  length: number,
  rowGroups: Iterable<RowGroup> | AsyncIterable<RowGroup>,
  o: WriteOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const groups: PlacedGroup[] = [];
  for (const group of file.footer.rowGroups.slice(0, keep)) {
    if (group.numRows > 0) groups.push(await placed(schema, file, group, length, o));
  }
  const declarations = schema.fields.map(({ name }) => declarationOf(file, name));
  yield* writeAfter(
    schema,
    rowGroups,
    { offset: length, declarations, groups, histories: historiesOf(schema, file, groups) },
    o,
  );
}

/** Whether values repeat is not told by fewer. */
const TELLING_ROWS = 2048;

/** Columns whose last chunk had no dictionary are not looked through for a large one again. */
function historiesOf(
  { fields }: Schema,
  file: ParquetFile,
  groups: readonly PlacedGroup[],
): ReadonlyMap<string, LeafHistory> {
  const last = groups.findLast(({ numRows }) => numRows >= TELLING_ROWS);
  const leaves = fields.flatMap(({ name }) => leafPaths(nodeOf(file, name), name));
  return new Map(
    leaves.flatMap(({ path }, i) => {
      const meta = last?.chunks[i]?.meta;
      return meta === undefined ? [] : [[JSON.stringify(path), { repeats: meta.has(META.dictionaryPageOffset) }]];
    }),
  );
}

const placed = async (
  schema: Schema,
  file: ParquetFile,
  group: FooterRowGroup,
  end: number,
  o: WriteOptions,
): Promise<PlacedGroup> => ({
  numRows: group.numRows,
  chunks: await Promise.all(
    schema.fields
      .flatMap(({ name }) => leafPaths(nodeOf(file, name), name))
      .map(({ leaf, path }) =>
        keptChunk(file, group.chunks[leaf.firstLeaf]!, leaf, path, end, o.createdBy ?? CREATED_BY, o),
      ),
  ),
});

/** Where the bytes of the first `keep` row groups end: at the first chunk of the others, or where all data ends. */
function cutAfter(file: ParquetFile, keep: number): number | undefined {
  const { rowGroups, dataEnd } = file.footer;
  let kept = 0;
  let cut = dataEnd;
  for (const [index, { chunks }] of rowGroups.entries()) {
    for (const { start, length, numValues } of chunks) {
      if (numValues === 0) continue;
      if (index < keep) kept = Math.max(kept, start + length);
      else cut = Math.min(cut, start);
    }
  }
  return kept > 0 && kept <= cut ? cut : undefined;
}

function sameColumns({ fields }: Schema, file: ParquetFile): boolean {
  const own = file.schema.fields;
  return (
    file.unsupported.size === 0 &&
    fields.length === own.length &&
    fields.every(({ name, type, nullable }, i) => {
      const other = own[i]!;
      return name === other.name && nullable === other.nullable && sameType(type, other.type);
    })
  );
}
