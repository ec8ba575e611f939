import type { Batch, Column } from "@usr/schema";
import {
  FLUSH,
  type PutCell,
  putAscii,
  putByte,
  putBytes,
  putPlain,
  type TextBuffer,
  take,
  textBuffer,
  textSource,
} from "../text-buffer.ts";
import type { WriteTableOptions } from "../types.ts";
import { utf8Bytes, utf8Text } from "../utf8.ts";
import { jsonCell, present, quote } from "./json-row.ts";
import { isPlain } from "./plain-bytes.ts";
import { putFixed } from "./put-fixed.ts";
import { rowWriter, type TextColumn } from "./row-writer.ts";

/** The rows as `jsonRow` spells them, a line each, put together from bytes. */
export async function* writeJsonLines(
  batches: AsyncIterable<Batch>,
  o: WriteTableOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const out = textBuffer();
  for await (const batch of batches) {
    o.signal?.throwIfAborted();
    const heads = batch.schema.fields.map(({ name }, i) => utf8Bytes(`${i === 0 ? "{" : ","}${quote(name)}:`));
    const tail = utf8Bytes(heads.length === 0 ? "{}\n" : "}\n");
    const put = rowWriter(out, batch, { heads, tail, cell: cellWriter, plain: quotes });
    for (let row = 0; row < batch.numRows; ) {
      row = put(row);
      if (out.length >= FLUSH) yield take(out);
    }
  }
  if (out.length > 0) yield take(out);
}

function cellWriter(out: TextBuffer, column: Column): PutCell {
  const put = valueWriter(out, column);
  if (column.layout !== "null" && column.validity === undefined) return put;
  const has = present(column);
  return (row) => {
    if (has(row)) put(row);
    else putAscii(out, "null");
  };
}

function valueWriter(out: TextBuffer, column: Column): PutCell {
  if (column.layout === "utf8") return textWriter(out, column.offsets, column.data);
  if (column.layout === "fixed") {
    const { kind } = column.type;
    const put = putFixed(out, column);
    if (kind === "timestamp") {
      return (row) => {
        putByte(out, 0x22);
        put(row);
        putByte(out, 0x22);
      };
    }
    // Integers of 64 bits, and floats that are no number, may need quotes.
    if (kind !== "int64" && kind !== "uint64" && !kind.startsWith("float")) return put;
  }
  const cell = jsonCell(column);
  if (column.layout === "fixed" && (column.values instanceof Float64Array || column.values instanceof Float32Array)) {
    const { values } = column;
    const put = putFixed(out, column);
    return (row) => (Number.isFinite(values[row]) ? put(row) : putAscii(out, cell(row)));
  }
  // Numbers, words and what is quoted of them are ASCII; lists and structs may hold any text.
  if (column.layout === "fixed" || column.layout === "bool" || column.layout === "null")
    return (row) => putAscii(out, cell(row));
  return (row) => putBytes(out, utf8Bytes(cell(row)));
}

/** What JSON escapes, and every byte beyond ASCII: some of those characters are escaped here too. */
const SPECIAL: Uint8Array = new Uint8Array(256).fill(1, 0x7f);
SPECIAL.fill(1, 0, 0x20);
SPECIAL[0x22] = 1;
SPECIAL[0x5c] = 1;

const QUOTE: Uint8Array = Uint8Array.of(0x22);

/** The quotes of a column without anything to escape. */
function quotes({ validity, offsets, data, length }: TextColumn): Uint8Array | undefined {
  if (validity !== undefined) return undefined;
  return isPlain(textSource(data), offsets[0]!, offsets[length]!, SPECIAL) ? QUOTE : undefined;
}

function textWriter(out: TextBuffer, offsets: Int32Array, data: Uint8Array): PutCell {
  const source = textSource(data);
  return (row) => {
    const start = offsets[row]!;
    const end = offsets[row + 1]!;
    const begin = out.length;
    putByte(out, 0x22);
    if (putPlain(out, source, start, end, SPECIAL) === end) {
      putByte(out, 0x22);
      return;
    }
    out.length = begin;
    putBytes(out, utf8Bytes(quote(utf8Text(data, start, end))));
  };
}
