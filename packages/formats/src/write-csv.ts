import type { Batch, Column, Schema } from "@usr/schema";
import { FormatError } from "./error.ts";
import { type Cell, fixedCell, jsonCell, present } from "./json-row.ts";
import { looksLikeFormula } from "./sink.ts";
import type { WriteTableOptions } from "./types.ts";
import { type ByteBuffer, byteBuffer, reserve, utf8Bytes } from "./utf8.ts";

const FLUSH = 1 << 18;

/** Puts one row of a column, quoted where it must be. */
type PutCell = (row: number) => void;

/**
 * CSV or TSV by RFC 4180 with line feeds: NULL is an empty cell, empty text `""`. Throws `NOT_SUPPORTED` for text with a NUL byte and `USAGE` for a
 * table without columns.
 */
export async function* writeDelimited(
  schema: Schema,
  batches: AsyncIterable<Batch>,
  delimiter: "," | "\t",
  o: WriteTableOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (schema.fields.length === 0)
    throw new FormatError("USAGE", { rule: "a table without columns cannot be written as text" });
  const out = byteBuffer(2 * FLUSH);
  const text = textWriter(out, delimiter, false);
  for (const [i, field] of schema.fields.entries()) {
    if (i > 0) putByte(out, delimiter.charCodeAt(0));
    const bytes = utf8Bytes(field.name);
    text(bytes, 0, bytes.length, field.name);
  }
  putByte(out, 0x0a);
  for await (const batch of batches) {
    o.signal?.throwIfAborted();
    const cells = batch.columns.map((column, i) => cellWriter(out, column, schema.fields[i]?.name ?? "", delimiter, o));
    for (let row = 0; row < batch.numRows; row++) {
      for (let i = 0; i < cells.length; i++) {
        if (i > 0) putByte(out, delimiter.charCodeAt(0));
        cells[i]!(row);
      }
      putByte(out, 0x0a);
      if (out.length >= FLUSH) yield take(out);
    }
  }
  if (out.length > 0) yield take(out);
}

function take(out: ByteBuffer): Uint8Array {
  const bytes = out.bytes.slice(0, out.length);
  out.length = 0;
  return bytes;
}

function putByte(out: ByteBuffer, byte: number): void {
  if (out.length === out.bytes.length) reserve(out, 1);
  out.bytes[out.length++] = byte;
}

function cellWriter(
  out: ByteBuffer,
  column: Column,
  name: string,
  delimiter: "," | "\t",
  o: WriteTableOptions,
): PutCell {
  const has = present(column);
  if (column.layout === "utf8") {
    const { offsets, data } = column;
    const text = textWriter(out, delimiter, o.formulaSafe === true);
    return (row) => {
      if (has(row)) text(data, offsets[row]!, offsets[row + 1]!, name);
    };
  }
  if (column.layout === "fixed") {
    // numbers and times hold nothing that needs quotes
    const cell = fixedCell(column);
    return (row) => {
      if (has(row)) putAscii(out, cell(row));
    };
  }
  const cell: Cell = jsonCell(column);
  if (column.layout === "bool" || column.layout === "null") {
    return (row) => {
      if (has(row)) putAscii(out, cell(row));
    };
  }
  const text = textWriter(out, delimiter, false);
  return (row) => {
    if (!has(row)) return;
    const bytes = utf8Bytes(cell(row));
    text(bytes, 0, bytes.length, name);
  };
}

function putAscii(out: ByteBuffer, text: string): void {
  reserve(out, text.length);
  const { bytes } = out;
  let at = out.length;
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  out.length = at;
}

type PutText = (data: Uint8Array, start: number, end: number, column: string) => void;

/** Copies text and looks for what needs quotes in the same pass; where it finds some it starts over, quoted. */
function textWriter(out: ByteBuffer, delimiter: "," | "\t", formulaSafe: boolean): PutText {
  const special = new Uint8Array(256);
  for (const symbol of `\0"\r\n${delimiter}`) special[symbol.charCodeAt(0)] = 1;
  return (data, start, end, column) => {
    // worst case: every byte doubled, two quotes, an apostrophe
    reserve(out, 2 * (end - start) + 3);
    const { bytes } = out;
    const begin = out.length;
    const safe = formulaSafe && looksLikeFormula(data, start, end);
    let at = begin;
    let i = start;
    if (safe) bytes[at++] = 0x27;
    // a byte order mark at the start of a file would be taken for one
    if (end > start && data[start] !== 0xef) {
      for (; i < end; i++) {
        const byte = data[i]!;
        if (special[byte] === 1) break;
        bytes[at++] = byte;
      }
      if (i === end) {
        out.length = at;
        return;
      }
    }
    at = begin;
    bytes[at++] = 0x22;
    if (safe) bytes[at++] = 0x27;
    for (i = start; i < end; i++) {
      const byte = data[i]!;
      if (byte === 0)
        throw new FormatError("NOT_SUPPORTED", {
          column,
          rule: "text with a NUL byte cannot be written as csv or tsv",
          hint: "Write jsonl, parquet or arrow, or leave the column out.",
        });
      if (byte === 0x22) bytes[at++] = 0x22;
      bytes[at++] = byte;
    }
    bytes[at++] = 0x22;
    out.length = at;
  };
}
