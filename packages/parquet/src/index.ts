/**
 * Batches in and out of Parquet files, exactly, and rewriting files without decoding what did not change.
 *
 * ```ts
 * import { openParquet, readBatches, writeParquet } from "@usr/parquet";
 * import { columnOf } from "@usr/schema/columns";
 *
 * const type = { kind: "int64" } as const;
 * const schema = { fields: [{ name: "n", type, nullable: true }], metadata: new Map([["made", "here"]]) };
 * const parts: Uint8Array[] = [];
 * for await (const bytes of writeParquet(schema, [{ numRows: 2, columns: [columnOf(type, [1n, null])] }])) parts.push(bytes);
 *
 * const blob = new Blob(parts as BlobPart[]);
 * const read = async (at: number, length: number) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer());
 * const file = await openParquet({ meta: { size: blob.size }, read });
 * for await (const batch of readBatches(file, { columns: ["n"] })) console.log(batch.numRows);
 * ```
 *
 * @module
 */
export type { ParquetErrorCode } from "./error.ts";
export { ParquetError } from "./error.ts";
export { type Bound, type ColumnBounds, columnBounds, nullCount } from "./footer/bounds.ts";
export type { DecodeLimits } from "./limits.ts";
export { openParquet } from "./open.ts";
export { readBatches } from "./read/batches.ts";
export type { ByteSource, Signal } from "./source.ts";
export type { ChunkRef, ParquetFile, ReadOptions, RowGroup, RowGroupInfo, WriteCodec, WriteOptions } from "./types.ts";
export { writeParquet } from "./write/file.ts";
export { canPassThrough, chunkOf } from "./write/passthrough.ts";
