import { type ByteSource, openParquet, ParquetError, type ParquetFile, readBatches } from "@usr/parquet";
import { type Batch, SchemaError } from "@usr/schema";
import type { ArrowReader } from "@usr/schema/arrow";
import { sliceColumn } from "@usr/schema/columns";
import { columnsByName, convertedRows, type WantedColumn } from "../columns/convert-rows.ts";
import { FormatError } from "../error.ts";
import { bytesOf, decodeLimits, limitsOf } from "../source.ts";
import type { OpenTableOptions, ResolveColumn, TableBatch, TableColumn, TableInput, TableReader } from "../types.ts";

/** A footer that comes from elsewhere may be this large: what it says is spelled out in memory, at up to 200 bytes a value. */
const FOOTER_OF_STRANGERS = { footerBytes: 2 ** 26, footerValues: 2 ** 22 };

/** Opens a parquet table; a stream is buffered first. */
export async function openParquetTable(input: TableInput, o: OpenTableOptions): Promise<TableReader> {
  const source = "file" in input ? input.file : memorySource(await buffered(input, o));
  let file: ParquetFile;
  try {
    file = await openParquet(source, {
      signal: o.signal,
      limits: { ...decodeLimits(o.limits), ...FOOTER_OF_STRANGERS },
    });
  } catch (error) {
    throw explain(error, o.name);
  }
  const types = new Map(file.schema.fields.map((field) => [field.name, field.type]));
  const columns = distinct(
    file.columnNames.map((name): TableColumn => ({ name, type: types.get(name) })),
    o.name,
  );
  return { columns, batches: (resolve) => parquetBatches(file, columns, o, resolve) };
}

/** Opens an Arrow IPC stream or file; the file form is held in memory. */
export async function openArrowTable(input: TableInput, o: OpenTableOptions): Promise<TableReader> {
  const { readArrow } = await import("@usr/schema/arrow");
  let reader: ArrowReader;
  try {
    reader = await readArrow(limited(input, o), { signal: o.signal });
  } catch (error) {
    throw explain(error, o.name);
  }
  const columns = distinct(
    reader.fields.map(({ name, type }): TableColumn => (type.kind === "other" ? { name } : { name, type })),
    o.name,
  );
  return { columns, batches: (resolve) => arrowBatches(reader, columns, o, resolve) };
}

function distinct(columns: readonly TableColumn[], file: string): readonly TableColumn[] {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name))
      throw new FormatError("CORRUPT", { file, column: name, rule: "the input has this column twice" });
    seen.add(name);
  }
  return columns;
}

const ARROW_FILE = "ARROW1";

/** The bytes of an Arrow input; those of the file form, which starts with a magic word, up to the limit. */
async function* limited(input: TableInput, o: OpenTableOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const limit = limitsOf(o.limits).maxBufferedBytes;
  let size = 0;
  let isFile = true;
  for await (const piece of bytesOf(input, o.signal)) {
    for (let i = size; i < ARROW_FILE.length && i - size < piece.length; i++) {
      if (piece[i - size] !== ARROW_FILE.charCodeAt(i)) isFile = false;
    }
    size += piece.length;
    if (isFile && size > limit) throw tooLarge(o, limit);
    yield piece;
  }
}

function tooLarge(o: OpenTableOptions, limit: number): FormatError {
  return new FormatError("TOO_LARGE", {
    file: o.name,
    rule: `this ${o.format} input is held in memory, and it is larger than ${limit} bytes`,
    hint: o.format === "parquet" ? "Store the stream in a file and read that." : "Write the stream form of Arrow IPC.",
  });
}

async function buffered(input: TableInput, o: OpenTableOptions): Promise<Uint8Array> {
  const limit = limitsOf(o.limits).maxBufferedBytes;
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of bytesOf(input, o.signal)) {
    size += piece.length;
    if (size > limit) throw tooLarge(o, limit);
    pieces.push(piece);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function memorySource(bytes: Uint8Array): ByteSource {
  return {
    meta: { size: bytes.length },
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** Asks for every column; a type without a way to the one asked for is found while converting, so that an empty table says it too. */
function wantedColumns(columns: readonly TableColumn[], resolve: ResolveColumn): readonly WantedColumn[] {
  return columns.flatMap(({ name, type }) => {
    const to = resolve(name, type);
    return to === undefined ? [] : [{ name, type: to }];
  });
}

async function* parquetBatches(
  file: ParquetFile,
  columns: readonly TableColumn[],
  o: OpenTableOptions,
  resolve: ResolveColumn,
): AsyncGenerator<TableBatch, void, undefined> {
  const wanted = wantedColumns(columns, resolve);
  for (const { name } of wanted) {
    const reason = file.unsupported.get(name);
    if (reason !== undefined) {
      throw new FormatError("NOT_SUPPORTED", {
        file: o.name,
        column: name,
        rule: `is ${reason}, which is not read`,
        hint: "Cast it where the file is made, or leave the column out.",
      });
    }
  }
  const { batchRows } = limitsOf(o.limits);
  let firstRow = 1;
  try {
    const names = wanted.map((column) => column.name);
    for await (const batch of readBatches(file, { columns: names, batchRows: rowsFor(file, o), signal: o.signal })) {
      for (const piece of pieces(batch, batchRows)) {
        yield convertedRows(columnsByName(piece), wanted, firstRow, o);
        firstRow += piece.numRows;
      }
    }
  } catch (error) {
    throw explain(error, o.name);
  }
}

async function* arrowBatches(
  reader: ArrowReader,
  columns: readonly TableColumn[],
  o: OpenTableOptions,
  resolve: ResolveColumn,
): AsyncGenerator<TableBatch, void, undefined> {
  const wanted = wantedColumns(columns, resolve);
  const { batchRows } = limitsOf(o.limits);
  let firstRow = 1;
  try {
    for await (const batch of reader.batches({ columns: wanted.map((column) => column.name) })) {
      for (const piece of pieces(batch, batchRows)) {
        yield convertedRows(columnsByName(piece), wanted, firstRow, o);
        firstRow += piece.numRows;
      }
    }
  } catch (error) {
    throw explain(error, o.name);
  }
}

/** Rows that make half a batch of bytes or more, judged by the encoded size of the file: a power of two, since row groups are divided evenly by one. */
function rowsFor(file: ParquetFile, o: OpenTableOptions): number {
  const { batchRows, batchBytes } = limitsOf(o.limits);
  const encoded = file.rowGroups.reduce((sum, group) => sum + group.byteSize, 0);
  if (encoded === 0 || file.numRows === 0) return batchRows;
  const half = (batchBytes / 2) * (file.numRows / encoded);
  return Math.min(batchRows, 2 ** Math.max(0, Math.ceil(Math.log2(half))));
}

/** The batch in pieces of at most `rows` rows. */
function* pieces(batch: Batch, rows: number): Generator<Batch, void, undefined> {
  if (batch.numRows <= rows) {
    if (batch.numRows > 0) yield batch;
    return;
  }
  for (let start = 0; start < batch.numRows; start += rows) {
    const end = Math.min(start + rows, batch.numRows);
    yield {
      schema: batch.schema,
      numRows: end - start,
      columns: batch.columns.map((column) => sliceColumn(column, start, end)),
    };
  }
}

/** Errors of the packages below as errors of this one; those of the source pass through. */
function explain(error: unknown, file: string): unknown {
  if (!(error instanceof ParquetError) && !(error instanceof SchemaError)) return error;
  const code = error.code === "NOT_SUPPORTED" || error.code === "TOO_LARGE" ? error.code : "CORRUPT";
  // Limits are raised by those who know what they are called here.
  const hint = code === "TOO_LARGE" ? undefined : error.hint;
  // The error of a file begins with its name already.
  const rule = error.message.startsWith(`${file}: `) ? error.message.slice(file.length + 2) : error.message;
  return new FormatError(code, { file, rule, hint, cause: error });
}
