import type { ColumnSink } from "../columns/column-sink.ts";
import { columnSink } from "../columns/sink.ts";
import { FormatError, type FormatProblem, placed, printableBytes } from "../error.ts";
import { type ByteWindow, bytesOf, byteWindow, type Limits, limitsOf } from "../source.ts";
import { room, textBuffer } from "../text-buffer.ts";
import type { OpenTableOptions, ResolveColumn, TableBatch, TableInput, TableReader } from "../types.ts";
import { utf8Text } from "../utf8.ts";
import { type PlainRows, plainRows } from "./csv-plain.ts";
import { type CsvDialect, csvDialect, DOUBLED, QUOTED, type RowScan, rowScan, scanRow } from "./csv-scan.ts";

/** Reads the header of a csv or tsv table. */
export async function openDelimited(
  input: TableInput,
  delimiter: "," | "\t",
  o: OpenTableOptions,
): Promise<TableReader> {
  const window = byteWindow(bytesOf(input, o.signal));
  const limits = limitsOf(o.limits);
  const dialect = csvDialect(delimiter);
  const scan = rowScan(16);
  try {
    await skipBom(window);
    while (!scanPlaced(window, dialect, scan, limits, { file: o.name }, 1, [])) await window.more();
    const names = headerNames(window, scan, o.name);
    const line = 1 + scan.lines;
    window.at = scan.next;
    return {
      columns: names.map((name) => ({ name })),
      batches: (resolve) => readBatches({ window, dialect, limits, names, line, options: o }, resolve),
    };
  } catch (error) {
    await window.close();
    throw error;
  }
}

/** Skips a UTF-8 byte order mark at the start of a window. */
export async function skipBom(window: ByteWindow): Promise<void> {
  while (window.end < 3 && !window.final) await window.more();
  const { bytes, end } = window;
  if (end >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) window.at = 3;
}

function headerNames(window: ByteWindow, scan: RowScan, file: string): readonly string[] {
  if (window.at === window.end)
    throw new FormatError("CORRUPT", { file, line: 1, rule: "the input is empty: a header line is needed" });
  if (isBlank(scan)) throw new FormatError("CORRUPT", { file, line: 1, rule: "the header line is empty" });
  const names = Array.from({ length: scan.count }, (_, i) => cellText(window, scan, i));
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name))
      throw new FormatError("CORRUPT", { file, line: 1, column: name, rule: "the header names this column twice" });
    seen.add(name);
  }
  return names;
}

function isBlank(scan: RowScan): boolean {
  return scan.count === 1 && scan.starts[0] === scan.ends[0] && scan.flags[0] === 0;
}

function cellText(window: ByteWindow, scan: RowScan, i: number): string {
  const text = utf8Text(window.bytes, scan.starts[i]!, scan.ends[i]!);
  return scan.flags[i]! & DOUBLED ? text.replaceAll('""', '"') : text;
}

/** Scans a row; a fault gets its place. False = the window must grow. */
function scanPlaced(
  window: ByteWindow,
  dialect: CsvDialect,
  scan: RowScan,
  limits: Limits,
  place: FormatProblem,
  line: number,
  names: readonly string[],
): boolean {
  try {
    const whole = scanRow(window, dialect, scan, limits);
    if ((whole ? scan.next : window.end) - window.at > limits.maxRowBytes) {
      throw new FormatError("TOO_LARGE", {
        byte: window.origin + window.at,
        rule: `a row is longer than ${limits.maxRowBytes} bytes`,
      });
    }
    return whole;
  } catch (error) {
    const byte = error instanceof FormatError ? error.details["byte"] : undefined;
    const at = typeof byte === "number" ? byte - window.origin : window.at;
    let breaks = 0;
    for (let i = window.at; i < at; i++) if (window.bytes[i] === 0x0a) breaks++;
    throw placed(error, { ...place, line: line + breaks, column: names[scan.count] });
  }
}

interface DelimitedTable {
  readonly window: ByteWindow;
  readonly dialect: CsvDialect;
  readonly limits: Limits;
  readonly names: readonly string[];
  /** Line on which the first data row starts. */
  readonly line: number;
  readonly options: OpenTableOptions;
}

interface WantedColumn {
  readonly index: number;
  readonly name: string;
  readonly sink: ColumnSink;
}

async function* readBatches(
  table: DelimitedTable,
  resolve: ResolveColumn,
): AsyncGenerator<TableBatch, void, undefined> {
  const { window, limits, names, options } = table;
  const scan = rowScan(names.length + 1);
  const plain = plainRows(table.dialect.delimiter, limits);
  const progress = { row: 1, line: table.line };
  try {
    const wanted: WantedColumn[] = [];
    for (const [index, name] of names.entries()) {
      const type = resolve(name, undefined);
      if (type === undefined) continue;
      const sink = columnSink(type, {
        capacity: limits.batchRows,
        maxDepth: limits.maxDepth,
        formulaSafe: options.formulaSafe === true,
      });
      wanted.push({ index, name, sink });
    }
    let firstRow = 1;
    let bytes = 0;
    for (;;) {
      const before = window.origin + window.at;
      const state = fill(table, scan, plain, wanted, progress, firstRow + limits.batchRows, limits.batchBytes - bytes);
      bytes += window.origin + window.at - before;
      if (state === "more" && !(options.eager === true && progress.row > firstRow)) {
        await window.more();
        continue;
      }
      if (progress.row > firstRow) {
        options.signal?.throwIfAborted();
        const columns = new Map(wanted.map(({ name, sink }) => [name, sink.finish()]));
        yield { firstRow, numRows: progress.row - firstRow, columns };
      }
      if (state === "end") return;
      firstRow = progress.row;
      bytes = 0;
    }
  } finally {
    await window.close();
  }
}

/** Takes rows from the window into the sinks until the batch is full, the window ends, or the input does. */
function fill(
  table: DelimitedTable,
  scan: RowScan,
  plain: PlainRows | undefined,
  wanted: readonly WantedColumn[],
  progress: { row: number; line: number },
  rowLimit: number,
  byteLimit: number,
): "full" | "more" | "end" {
  const { window, dialect, limits, names } = table;
  const file = table.options.name;
  const byteEnd = window.at + byteLimit;
  while (progress.row < rowLimit && window.at < byteEnd) {
    if (window.at === window.end) {
      if (window.final) return "end";
      return "more";
    }
    if (
      plain?.scan(window, scan) !== true &&
      !scanPlaced(window, dialect, scan, limits, { file, row: progress.row }, progress.line, names)
    )
      return "more";
    // a row of several cells cannot be blank, a row of one can: there a blank line is a missing cell
    if (names.length > 1 && isBlank(scan)) {
      progress.line += scan.lines;
      window.at = scan.next;
      continue;
    }
    if (scan.count !== names.length) {
      throw new FormatError("CORRUPT", {
        file,
        row: progress.row,
        line: progress.line,
        byte: window.origin + window.at,
        rule: `the row has ${scan.count} ${scan.count === 1 ? "cell" : "cells"}, the header ${names.length}`,
      });
    }
    for (let i = 0; i < wanted.length; i++) {
      const { index, sink } = wanted[i]!;
      const start = scan.starts[index]!;
      const end = scan.ends[index]!;
      const flags = scan.flags[index]!;
      if (start === end && flags === 0) {
        sink.addNull();
        continue;
      }
      try {
        if (flags & DOUBLED) addDoubled(sink, window.bytes, start, end);
        else sink.addText(window.bytes, start, end);
      } catch (error) {
        const hint =
          start === end ? "A quoted empty cell is empty text; a missing value is a cell without quotes." : undefined;
        throw placed(error, { ...cellPlace(table, scan, wanted[i]!, progress), hint });
      }
    }
    progress.line += scan.lines;
    progress.row++;
    window.at = scan.next;
  }
  return "full";
}

function cellPlace(
  table: DelimitedTable,
  scan: RowScan,
  column: WantedColumn,
  progress: { readonly row: number; readonly line: number },
): FormatProblem {
  const { window } = table;
  const start = scan.starts[column.index]!;
  let line = progress.line;
  for (let i = window.at; i < start; i++) if (window.bytes[i] === 0x0a) line++;
  return {
    file: table.options.name,
    row: progress.row,
    line,
    byte: window.origin + start - (scan.flags[column.index]! & QUOTED),
    column: column.name,
    value: printableBytes(window.bytes, start, scan.ends[column.index]!),
  };
}

const unquoted = textBuffer(1024);

/** A cell with doubled quotes, each made one. */
function addDoubled(sink: ColumnSink, bytes: Uint8Array, start: number, end: number): void {
  unquoted.length = 0;
  room(unquoted, end - start);
  const target = unquoted.bytes;
  let to = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    target[to++] = byte;
    if (byte === 0x22) at++;
  }
  sink.addText(target, 0, to);
}
