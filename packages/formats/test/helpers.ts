import type { Batch, Column, DataType, Schema, Value } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { type Format, type OpenTableOptions, openTable, type WriteTableOptions, writeTable } from "../src/index.ts";

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The bytes in chunks whose sizes repeat `sizes`. */
export async function* chunked(
  bytes: Uint8Array,
  sizes: readonly number[] = [65_536],
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    // a copy, so that a reader that keeps a view of a chunk is found out
    yield bytes.slice(at, at + size);
    at += size;
  }
}

/** The same, each chunk spoiled when the next is asked for: readers of text may not look at it again. */
export async function* spoiled(
  bytes: Uint8Array,
  sizes?: readonly number[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunked(bytes, sizes)) {
    yield chunk;
    chunk.fill(0xff);
  }
}

export interface ReadRows {
  readonly names: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  readonly batches: number;
}

export type Types = Readonly<Record<string, DataType>>;

/** Every row of a table as values, columns in the order of `types` (or of the input, as strings). */
export async function readRows(
  content: string | Uint8Array,
  o: Partial<OpenTableOptions> & { readonly format: Format },
  types?: Types,
  sizes?: readonly number[],
): Promise<ReadRows> {
  const bytes = typeof content === "string" ? bytesOf(content) : content;
  const keepsChunks = o.format === "parquet" || o.format === "arrow" || o.format === "genbank";
  const stream = keepsChunks ? chunked(bytes, sizes) : spoiled(bytes, sizes);
  const table = await openTable({ stream }, { name: "t", ...o });
  const names: string[] = types === undefined ? [] : Object.keys(types);
  const rows: Value[][] = [];
  let batches = 0;
  const resolve = (name: string): DataType | undefined => {
    if (types !== undefined) return Object.hasOwn(types, name) ? types[name] : undefined;
    names.push(name);
    return { kind: "string" };
  };
  for await (const batch of table.batches(resolve)) {
    batches++;
    if (batch.firstRow !== rows.length + 1) throw new Error(`firstRow ${batch.firstRow} after ${rows.length} rows`);
    for (const column of batch.columns.values()) {
      if (column.length !== batch.numRows)
        throw new Error(`a column of ${column.length} in a batch of ${batch.numRows}`);
    }
    for (let row = 0; row < batch.numRows; row++) {
      rows.push(names.map((name) => cell(batch.columns.get(name), row)));
    }
  }
  return { names, rows, batches };
}

function cell(column: Column | undefined, row: number): Value {
  return column === undefined ? null : valueAt(column, row);
}

export function schemaOf(types: Types): Schema {
  return { fields: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })), metadata: new Map() };
}

export function batchOf(types: Types, rows: readonly (readonly Value[])[]): Batch {
  const schema = schemaOf(types);
  const columns = schema.fields.map((field, i) =>
    columnOf(
      field.type,
      rows.map((row) => row[i] ?? null),
    ),
  );
  return { schema, columns, numRows: rows.length };
}

async function* each(batches: readonly Batch[]): AsyncGenerator<Batch, void, undefined> {
  yield* batches;
}

/** The bytes that `writeTable` makes. */
export async function written(schema: Schema, batches: readonly Batch[], o: WriteTableOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of writeTable(schema, each(batches), o)) parts.push(part);
  return joined(parts);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export async function writtenText(
  types: Types,
  rows: readonly (readonly Value[])[],
  o: WriteTableOptions,
): Promise<string> {
  return new TextDecoder().decode(await written(schemaOf(types), [batchOf(types, rows)], o));
}
