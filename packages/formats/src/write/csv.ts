import type { Batch, Column, Schema } from "@usr/schema";
import { looksLikeFormula } from "../columns/sink.ts";
import { FormatError } from "../error.ts";
import {
  FLUSH,
  type PutCell,
  putAscii,
  putByte,
  putPlain,
  room,
  type TextBuffer,
  type TextSource,
  take,
  textBuffer,
  textSource,
} from "../text-buffer.ts";
import type { WriteTableOptions } from "../types.ts";
import { utf8Bytes } from "../utf8.ts";
import { type Cell, jsonCell, present } from "./json-row.ts";
import { isPlain } from "./plain-bytes.ts";
import { putFixed } from "./put-fixed.ts";
import { type RowForm, rowWriter, type TextColumn } from "./row-writer.ts";

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
  const out = textBuffer();
  const separator = delimiter.charCodeAt(0);
  const text = textWriter(out, delimiter, false);
  for (const [i, field] of schema.fields.entries()) {
    if (i > 0) putByte(out, separator);
    const bytes = utf8Bytes(field.name);
    text(textSource(bytes), 0, bytes.length, field.name);
  }
  putByte(out, 0x0a);
  const comma = Uint8Array.of(separator);
  const nothing = new Uint8Array(0);
  const unquoted = needQuotes(delimiter);
  // a byte order mark at the start of a cell is quoted
  unquoted[0xef] = 1;
  const form: RowForm = {
    heads: schema.fields.map((_, i) => (i === 0 ? nothing : comma)),
    tail: Uint8Array.of(0x0a),
    cell: (to, column, i) => cellWriter(to, column, schema.fields[i]?.name ?? "", delimiter, o),
    plain: (column) => (o.formulaSafe !== true && isUnquoted(column, unquoted) ? nothing : undefined),
  };
  for await (const batch of batches) {
    o.signal?.throwIfAborted();
    const put = rowWriter(out, batch, form);
    for (let row = 0; row < batch.numRows; ) {
      row = put(row);
      if (out.length >= FLUSH) yield take(out);
    }
  }
  if (out.length > 0) yield take(out);
}

/** Puts one row of a column, quoted where it must be. */
function cellWriter(
  out: TextBuffer,
  column: Column,
  name: string,
  delimiter: "," | "\t",
  o: WriteTableOptions,
): PutCell {
  const put = valueWriter(out, column, name, delimiter, o);
  if (column.layout !== "null" && column.validity === undefined) return put;
  const has = present(column);
  return (row) => {
    if (has(row)) put(row);
  };
}

function valueWriter(
  out: TextBuffer,
  column: Column,
  name: string,
  delimiter: "," | "\t",
  o: WriteTableOptions,
): PutCell {
  if (column.layout === "utf8") {
    const { offsets, data } = column;
    const text = textWriter(out, delimiter, o.formulaSafe === true);
    const source = textSource(data);
    return (row) => text(source, offsets[row]!, offsets[row + 1]!, name);
  }
  // numbers and times hold nothing that needs quotes
  if (column.layout === "fixed") return putFixed(out, column);
  const cell: Cell = jsonCell(column);
  if (column.layout === "bool" || column.layout === "null") return (row) => putAscii(out, cell(row));
  const text = textWriter(out, delimiter, false);
  return (row) => {
    const bytes = utf8Bytes(cell(row));
    text(textSource(bytes), 0, bytes.length, name);
  };
}

type PutText = (source: TextSource, start: number, end: number, column: string) => void;

/** The bytes that need quotes around them. */
function needQuotes(delimiter: "," | "\t"): Uint8Array {
  const special = new Uint8Array(256);
  for (const symbol of `\0"\r\n${delimiter}`) special[symbol.charCodeAt(0)] = 1;
  return special;
}

/** Whether every row holds text, and none a byte that is marked. */
function isUnquoted({ validity, offsets, data, length }: TextColumn, special: Uint8Array): boolean {
  if (validity !== undefined) return false;
  for (let row = 0; row < length; row++) if (offsets[row] === offsets[row + 1]) return false;
  return isPlain(textSource(data), offsets[0]!, offsets[length]!, special);
}

/** Copies text and looks for what needs quotes in the same pass; where it finds some it starts over, quoted. */
function textWriter(out: TextBuffer, delimiter: "," | "\t", formulaSafe: boolean): PutText {
  const special = needQuotes(delimiter);
  return (source, start, end, column) => {
    const { data } = source;
    const begin = out.length;
    const safe = formulaSafe && looksLikeFormula(data, start, end);
    // a byte order mark at the start of a file would be taken for one
    if (end > start && data[start] !== 0xef) {
      if (safe) putByte(out, 0x27);
      if (putPlain(out, source, start, end, special) === end) return;
      out.length = begin;
    }
    // worst case: every byte doubled, two quotes, an apostrophe
    room(out, 2 * (end - start) + 3);
    const { bytes } = out;
    let at = begin;
    bytes[at++] = 0x22;
    if (safe) bytes[at++] = 0x27;
    for (let i = start; i < end; i++) {
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
