import type { Batch, Column, Schema } from "@usr/schema";
import { FormatError, type FormatErrorCode, printable } from "../error.ts";
import { putRange, room, type TextBuffer, textBuffer } from "../text-buffer.ts";
import type { WriteTableOptions } from "../types.ts";
import { utf8Bytes, utf8Text } from "../utf8.ts";
import { type Cell, fixedCell, jsonCell, present } from "./json-row.ts";

const FLUSH = 1 << 18;

/** FASTA, one record a row. Throws `UNKNOWN_COLUMN` for a template with an unknown column, `USAGE` for one that is none, `TYPE_MISMATCH` for a row without a sequence. */
export async function* writeFasta(
  schema: Schema,
  batches: AsyncIterable<Batch>,
  o: WriteTableOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const wrap = o.fastaWrap ?? 0;
  if (!Number.isInteger(wrap) || wrap < 0)
    throw new FormatError("USAGE", { value: String(wrap), rule: "is no line length: 0 or more" });
  const sequenceName = o.fastaSequence ?? "sequence";
  const sequenceIndex = indexOf(schema, sequenceName, "USAGE");
  const parts = parseTemplate(schema, o.fastaHeader ?? "{id}");
  const out = textBuffer(2 * FLUSH);
  let number = 1;
  for await (const batch of batches) {
    o.signal?.throwIfAborted();
    const header = headerCell(parts, batch);
    const sequence = batch.columns[sequenceIndex];
    if (sequence?.layout !== "utf8")
      throw new FormatError("TYPE_MISMATCH", { column: sequenceName, rule: "is no text column" });
    const has = present(sequence);
    for (let row = 0; row < batch.numRows; row++, number++) {
      const start = sequence.offsets[row]!;
      const end = sequence.offsets[row + 1]!;
      const bad = has(row) && end > start ? badSymbol(sequence.data, start, end) : "";
      if (bad !== undefined) {
        const rule = bad === "" ? "a FASTA record needs a sequence" : "cannot stand in a FASTA sequence";
        throw new FormatError("TYPE_MISMATCH", {
          row: number,
          column: sequenceName,
          value: bad === "" ? undefined : bad,
          rule,
        });
      }
      const head = utf8Bytes(`>${header(row)}\n`);
      putRange(out, head, 0, head.length);
      putWrapped(out, sequence.data, start, end, wrap === 0 ? end - start : wrap);
      if (out.length >= FLUSH) {
        yield out.bytes.slice(0, out.length);
        out.length = 0;
      }
    }
  }
  if (out.length > 0) yield out.bytes.slice(0, out.length);
}

function indexOf(schema: Schema, name: string, code: FormatErrorCode): number {
  const index = schema.fields.findIndex((field) => field.name === name);
  if (index >= 0) return index;
  const names = schema.fields.map((field) => field.name).join(", ");
  throw new FormatError(code, {
    column: name,
    rule: "is not among the columns to write",
    hint: `They are ${names}.`,
  });
}

/** Blanks and control characters would be lost in reading, `>` would start a record. */
function badSymbol(data: Uint8Array, start: number, end: number): string | undefined {
  for (let i = start; i < end; i++) {
    const byte = data[i]!;
    if (byte <= 0x20 || byte === 0x3e || byte === 0x7f) return printable(String.fromCharCode(byte));
  }
  return undefined;
}

function putWrapped(out: TextBuffer, data: Uint8Array, start: number, end: number, width: number): void {
  room(out, end - start + Math.ceil((end - start) / width));
  for (let at = start; at < end; at += width) {
    putRange(out, data, at, Math.min(at + width, end));
    out.bytes[out.length++] = 0x0a;
  }
}

/** Literal text, or the index of a column. */
type Part = string | number;

function parseTemplate(schema: Schema, template: string): readonly Part[] {
  const parts: Part[] = [];
  const pattern = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;
  let last = 0;
  for (const match of template.matchAll(pattern)) {
    parts.push(template.slice(last, match.index));
    last = match.index + match[0].length;
    if (match[1] !== undefined) parts.push(indexOf(schema, match[1], "UNKNOWN_COLUMN"));
    else if (match[0].length === 2) parts.push(match[0].slice(1));
    else
      throw new FormatError("USAGE", {
        value: printable(template),
        rule: "has a brace without its partner",
        hint: "Write {{ for a brace.",
      });
  }
  parts.push(template.slice(last));
  return parts;
}

function headerCell(parts: readonly Part[], batch: Batch): Cell {
  const cells = parts.map((part): Cell => {
    if (typeof part === "string") return () => part;
    const column = batch.columns[part];
    return column === undefined ? () => "" : plainCell(column);
  });
  return (row) => {
    let text = "";
    for (const cell of cells) text += cell(row);
    return text.replace(/[\r\n\0]+/g, " ");
  };
}

/** A cell as it stands in a header: text as it is, NULL as nothing. */
function plainCell(column: Column): Cell {
  const has = present(column);
  const cell = textOf(column);
  return (row) => (has(row) ? cell(row) : "");
}

function textOf(column: Column): Cell {
  if (column.layout === "utf8") return (row) => utf8Text(column.data, column.offsets[row]!, column.offsets[row + 1]!);
  return column.layout === "fixed" ? fixedCell(column) : jsonCell(column);
}
