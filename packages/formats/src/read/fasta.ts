import type { ColumnSink } from "../columns/column-sink.ts";
import { columnSink } from "../columns/sink.ts";
import { FormatError, placed, printableBytes } from "../error.ts";
import { type ByteWindow, bytesOf, byteWindow, type Limits, limitsOf } from "../source.ts";
import { putRange, textBuffer } from "../text-buffer.ts";
import type { OpenTableOptions, ResolveColumn, TableBatch, TableInput, TableReader } from "../types.ts";
import { utf8Step } from "../utf8.ts";
import { skipBom } from "./csv.ts";

const COLUMNS = ["name", "description", "sequence"] as const;

/** FASTA records as rows: the first word after `>`, the rest of that line (missing where there is none), the lines below it joined. */
export function openFasta(input: TableInput, o: OpenTableOptions): TableReader {
  return {
    columns: COLUMNS.map((name) => ({ name, type: { kind: "string" } })),
    batches: (resolve) => readBatches(input, o, resolve),
  };
}

interface FastaTable {
  readonly window: ByteWindow;
  readonly limits: Limits;
  readonly file: string;
  readonly sinks: readonly (ColumnSink | undefined)[];
  row: number;
  line: number;
}

async function* readBatches(
  input: TableInput,
  o: OpenTableOptions,
  resolve: ResolveColumn,
): AsyncGenerator<TableBatch, void, undefined> {
  const window = byteWindow(bytesOf(input, o.signal));
  const limits = limitsOf(o.limits);
  try {
    const sinks = COLUMNS.map((name) => {
      const type = resolve(name, { kind: "string" });
      return type === undefined
        ? undefined
        : columnSink(type, { capacity: limits.batchRows, maxDepth: limits.maxDepth, formulaSafe: false });
    });
    const table: FastaTable = { window, limits, file: o.name, sinks, row: 1, line: 1 };
    await skipBom(window);
    while (!skipBlank(table)) await window.more();
    let firstRow = 1;
    let bytes = 0;
    for (;;) {
      const before = window.origin + window.at;
      const end = window.at === window.end && window.final;
      if (!end && !takeRecord(table)) {
        await window.more();
        continue;
      }
      bytes += window.origin + window.at - before;
      if (!end && table.row - firstRow < limits.batchRows && bytes < limits.batchBytes) continue;
      if (table.row > firstRow) {
        o.signal?.throwIfAborted();
        const columns = new Map(
          sinks.flatMap((sink, i) => (sink === undefined ? [] : [[COLUMNS[i]!, sink.finish()] as const])),
        );
        yield { firstRow, numRows: table.row - firstRow, columns };
      }
      if (end) return;
      firstRow = table.row;
      bytes = 0;
    }
  } finally {
    await window.close();
  }
}

/** Passes blank lines before the first record. False = the window must grow. */
function skipBlank(table: FastaTable): boolean {
  const { window } = table;
  for (; window.at < window.end; window.at++) {
    const byte = window.bytes[window.at]!;
    if (byte === 0x3e) return true;
    if (byte === 0x0a) table.line++;
    else if (byte !== 0x0d) {
      const value = printableBytes(window.bytes, window.at, window.end);
      throw fault(table, table.line, window.at, "text stands before the first record: a record starts with >", value);
    }
  }
  return window.final;
}

function fault(table: FastaTable, line: number, at: number, rule: string, value?: string): FormatError {
  return new FormatError("CORRUPT", {
    file: table.file,
    row: table.row,
    line,
    byte: table.window.origin + at,
    value,
    rule,
  });
}

const joined = textBuffer(1 << 16);

/** Takes the record that starts at the window's place. False = the window must grow. */
function takeRecord(table: FastaTable): boolean {
  const { window, limits } = table;
  const { bytes, final } = window;
  const view = bytes.subarray(0, window.end);
  const start = window.at;
  let line = table.line;
  const headerEnd = lineEnd(view, start);
  joined.length = 0;
  let at = headerEnd + 1;
  line++;
  while (at < view.length && bytes[at] !== 0x3e) {
    const end = lineEnd(view, at);
    const stop = end > at && bytes[end - 1] === 0x0d ? end - 1 : end;
    putRange(joined, bytes, at, stop);
    at = end + 1;
    line++;
  }
  if (Math.min(at, view.length) - start > limits.maxFieldBytes) {
    // An endless record of NULs is no large record: say what it is.
    const nul = bytes.indexOf(0, start);
    if (nul >= 0 && nul < Math.min(at, view.length)) checkText(table, start, nul + 1);
    throw new FormatError("TOO_LARGE", {
      file: table.file,
      row: table.row,
      line: table.line,
      byte: window.origin + start,
      rule: `a record is longer than ${limits.maxFieldBytes} bytes`,
    });
  }
  if (at >= view.length && !final) return false;
  const next = Math.min(at, view.length);
  checkText(table, start, next);
  if (joined.length === 0) {
    const value = printableBytes(bytes, start, Math.min(headerEnd, view.length));
    throw fault(table, table.line, start, "the record has no sequence", value);
  }
  addRow(table, start, bytes[headerEnd - 1] === 0x0d ? headerEnd - 1 : headerEnd);
  table.row++;
  table.line = line;
  window.at = next;
  return true;
}

/** Index of the line feed, or the end of the bytes. */
function lineEnd(view: Uint8Array, at: number): number {
  const feed = view.indexOf(0x0a, at);
  return feed < 0 ? view.length : feed;
}

function addRow(table: FastaTable, start: number, headerEnd: number): void {
  const { bytes } = table.window;
  let name = start + 1;
  while (name < headerEnd && isBlank(bytes[name]!)) name++;
  let nameEnd = name;
  while (nameEnd < headerEnd && !isBlank(bytes[nameEnd]!)) nameEnd++;
  let rest = nameEnd;
  while (rest < headerEnd && isBlank(bytes[rest]!)) rest++;
  const cells: readonly (readonly [Uint8Array, number, number])[] = [
    [bytes, name, nameEnd],
    [bytes, rest, headerEnd],
    [joined.bytes, 0, joined.length],
  ];
  for (const [i, [source, from, to]] of cells.entries()) {
    const sink = table.sinks[i];
    try {
      if (from === to && i === 1) sink?.addNull();
      else sink?.addText(source, from, to);
    } catch (error) {
      throw placed(error, {
        file: table.file,
        row: table.row,
        line: table.line,
        byte: table.window.origin + start,
        column: COLUMNS[i],
        value: printableBytes(source, from, to),
      });
    }
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** Refuses NUL, invalid UTF-8, and carriage returns that end no line. */
function checkText(table: FastaTable, start: number, end: number): void {
  const { bytes } = table.window;
  const lineAt = (at: number): number => {
    let line = table.line;
    for (let i = start; i < at; i++) if (bytes[i] === 0x0a) line++;
    return line;
  };
  for (let at = start; at < end; ) {
    const byte = bytes[at]!;
    if (byte >= 0x20 && byte < 0x80) {
      at++;
      continue;
    }
    if (byte === 0) throw fault(table, lineAt(at), at, "a NUL byte");
    if (byte === 0x0d && at + 1 < end && bytes[at + 1] !== 0x0a) {
      throw fault(table, lineAt(at), at, "a carriage return stands alone, without a line feed");
    }
    const step = utf8Step(bytes, at, end);
    if (step <= 0) throw fault(table, lineAt(at), at, "invalid UTF-8");
    at += step;
  }
}
