import type { Schema } from "@usr/schema";
import { encodeArrowSchema } from "@usr/schema/ipc";
import { ARROW_SCHEMA_KEY } from "../origin.ts";
import { type ThriftStruct, WIRE } from "../thrift/read.ts";
import { list, struct, writeThrift } from "../thrift/write.ts";
import type { WriteOptions } from "../types.ts";
import type { WrittenChunk } from "../write/chunk-writer.ts";
import { type Declaration, needsArrowSchema } from "./declare.ts";
import { CHUNK, ELEMENT, FILE, GROUP, META } from "./format.ts";
import type { Shape } from "./shape.ts";

const utf8 = new TextEncoder();
/** How this writer calls itself. */
export const CREATED_BY = "usr";

/** The offset index of one chunk. */
export function offsetIndex(chunk: WrittenChunk): Uint8Array {
  const locations = chunk.pages.map((p) =>
    struct([
      [1, BigInt(p.offset)],
      [2, p.length],
      [3, BigInt(p.firstRow)],
    ]),
  );
  return writeThrift(struct([[1, list(WIRE.struct, locations)]]));
}

/** The chunk with the place of its bloom filter. */
export function withFilter(chunk: WrittenChunk, offset: number, length: number): WrittenChunk {
  return { ...chunk, meta: new Map(chunk.meta).set(META.bloomOffset, BigInt(offset)).set(META.bloomLength, length) };
}

/** The footer of groups whose chunks and what lies beside them have their places. */
export function footerOf(
  schema: Schema,
  declarations: readonly Declaration[],
  groups: readonly { readonly numRows: number; readonly chunks: readonly WrittenChunk[] }[],
  o: WriteOptions,
): ThriftStruct {
  const root = struct([
    [ELEMENT.repetition, 0],
    [ELEMENT.name, utf8.encode("schema")],
    [ELEMENT.numChildren, schema.fields.length],
  ]);
  let numRows = 0;
  let leaves = 0;
  for (const { shape } of declarations) leaves += countLeaves(shape);
  const rowGroups = groups.map((group, g) => {
    numRows += group.numRows;
    let plain = 0;
    let packed = 0;
    for (const chunk of group.chunks) {
      plain += chunk.uncompressed;
      packed += chunk.length;
    }
    const columns = group.chunks.map((chunk) =>
      struct([
        [CHUNK.fileOffset, BigInt(chunk.start)],
        [CHUNK.meta, chunk.meta],
        [CHUNK.offsetIndexOffset, chunk.index === undefined ? undefined : BigInt(chunk.index[0])],
        [CHUNK.offsetIndexLength, chunk.index?.[1]],
      ]),
    );
    return struct([
      [GROUP.columns, list(WIRE.struct, columns)],
      [GROUP.totalByteSize, BigInt(plain)],
      [GROUP.numRows, BigInt(group.numRows)],
      [GROUP.fileOffset, BigInt(group.chunks[0]?.start ?? 0)],
      [GROUP.totalCompressedSize, BigInt(packed)],
      [GROUP.ordinal, g > 32767 ? undefined : { kind: "i16", value: g }],
    ]);
  });
  const pairs = keyValues(schema, o);
  const typeOrder = struct([[1, struct([])]]);
  return struct([
    [FILE.version, 2],
    [FILE.schema, list(WIRE.struct, [root, ...declarations.flatMap((d) => d.elements)])],
    [FILE.numRows, BigInt(numRows)],
    [FILE.rowGroups, list(WIRE.struct, rowGroups)],
    [FILE.keyValues, pairs.length === 0 ? undefined : list(WIRE.struct, pairs)],
    [FILE.createdBy, utf8.encode(o.createdBy ?? CREATED_BY)],
    [
      FILE.columnOrders,
      list(
        WIRE.struct,
        Array.from({ length: leaves }, () => typeOrder),
      ),
    ],
  ]);
}

function countLeaves(shape: Shape): number {
  if (shape.kind === "leaf") return 1;
  if (shape.kind === "list") return countLeaves(shape.item);
  let leaves = 0;
  for (const child of shape.children) leaves += countLeaves(child);
  return leaves;
}

function keyValues(schema: Schema, o: WriteOptions): readonly ThriftStruct[] {
  const metadata = new Map(schema.metadata);
  metadata.delete(ARROW_SCHEMA_KEY);
  const pairs = [...metadata].map(([key, value]) =>
    struct([
      [1, utf8.encode(key)],
      [2, utf8.encode(value)],
    ]),
  );
  if (o.arrowSchema === "always" || schema.fields.some((f) => needsArrowSchema(f.type))) {
    // pyarrow believes the pairs inside over those outside: they must be the same.
    const text = encodeArrowSchema({ fields: schema.fields, metadata });
    pairs.push(
      struct([
        [1, utf8.encode(ARROW_SCHEMA_KEY)],
        [2, utf8.encode(text)],
      ]),
    );
  }
  return pairs;
}
