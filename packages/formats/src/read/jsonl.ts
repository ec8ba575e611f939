import type { ColumnSink } from "../columns/column-sink.ts";
import { columnSink } from "../columns/sink.ts";
import { FormatError, placed } from "../error.ts";
import { byteSearch } from "../native.ts";
import { type ByteWindow, bytesOf, byteWindow, type Limits, limitsOf } from "../source.ts";
import type { OpenTableOptions, ResolveColumn, TableBatch, TableInput, TableReader } from "../types.ts";
import { utf8Bytes } from "../utf8.ts";
import { skipBom } from "./csv.ts";
import { expect, type JsonCursor, jsonCursor, malformed, peek, skipValue, takeString } from "./json-cursor.ts";

/** One JSON object a line. */
export function openJsonLines(input: TableInput, o: OpenTableOptions): TableReader {
  return { columns: undefined, batches: (resolve) => readBatches(input, o, resolve) };
}

/** A key of the file. `sink` is absent where the caller left it out. */
interface Key {
  readonly name: string;
  /** As it stands between the quotes, where nothing is escaped. */
  readonly bytes: Uint8Array;
  readonly sink: ColumnSink | undefined;
  /** Last row that had it. */
  row: number;
}

interface JsonLines {
  readonly window: ByteWindow;
  readonly limits: Limits;
  readonly options: OpenTableOptions;
  readonly resolve: ResolveColumn;
  /** In order of first sight; rows usually repeat that order. */
  readonly keys: Key[];
  readonly byName: Map<string, Key>;
  firstRow: number;
  row: number;
  line: number;
}

async function* readBatches(
  input: TableInput,
  options: OpenTableOptions,
  resolve: ResolveColumn,
): AsyncGenerator<TableBatch, void, undefined> {
  const window = byteWindow(bytesOf(input, options.signal));
  const limits = limitsOf(options.limits);
  const table: JsonLines = {
    window,
    limits,
    options,
    resolve,
    keys: [],
    byName: new Map(),
    firstRow: 1,
    row: 1,
    line: 1,
  };
  try {
    await skipBom(window);
    let bytes = 0;
    for (;;) {
      const before = window.origin + window.at;
      const state = fill(table, limits.batchBytes - bytes);
      bytes += window.origin + window.at - before;
      if (state === "more" && !(options.eager === true && table.row > table.firstRow)) {
        await window.more();
        continue;
      }
      if (table.row > table.firstRow) {
        options.signal?.throwIfAborted();
        const columns = new Map(
          table.keys.flatMap(({ name, sink }) => (sink === undefined ? [] : [[name, sink.finish()] as const])),
        );
        yield { firstRow: table.firstRow, numRows: table.row - table.firstRow, columns };
      }
      if (state === "end") return;
      table.firstRow = table.row;
      bytes = 0;
    }
  } finally {
    await window.close();
  }
}

function fill(table: JsonLines, byteLimit: number): "full" | "more" | "end" {
  const { window, limits } = table;
  const { bytes, origin } = window;
  const search = byteSearch(bytes, window.end);
  const cursor = jsonCursor(bytes, window.at, window.end, origin, limits.maxDepth);
  const byteEnd = window.at + byteLimit;
  while (table.row - table.firstRow < limits.batchRows && window.at < byteEnd) {
    const feed = search.indexOf(0x0a, window.at);
    if (feed < 0 && window.at === window.end && window.final) return "end";
    const end = feed < 0 ? window.end : feed;
    if (end - window.at > limits.maxFieldBytes) {
      throw new FormatError("TOO_LARGE", {
        file: table.options.name,
        row: table.row,
        line: table.line,
        byte: window.origin + window.at,
        rule: `a line is longer than ${limits.maxFieldBytes} bytes`,
      });
    }
    if (feed < 0 && !window.final) return "more";
    cursor.move(window.at, end, origin);
    if (peek(cursor) >= 0) {
      readRow(table, cursor);
      table.row++;
    }
    table.line++;
    window.at = feed < 0 ? window.end : feed + 1;
  }
  return "full";
}

function readRow(table: JsonLines, cursor: JsonCursor): void {
  let key: Key | undefined;
  let at = cursor.at;
  try {
    if (cursor.bytes[at] !== 0x7b) {
      const hint = cursor.bytes[at] === 0x5b ? "A JSON array is no JSON Lines: write one object a line." : undefined;
      throw new FormatError("CORRUPT", {
        byte: table.window.origin + at,
        rule: "each line must hold one JSON object",
        hint,
      });
    }
    cursor.at++;
    if (peek(cursor) === 0x7d) cursor.at++;
    else {
      let position = 0;
      for (;;) {
        at = cursor.at;
        key = undefined;
        key = takeKey(table, cursor, position);
        position = key === table.keys[position] ? position + 1 : table.keys.indexOf(key) + 1;
        if (key.row === table.row) throw malformed(cursor, "a key stands twice in one object", at);
        key.row = table.row;
        expect(cursor, 0x3a, ":");
        if (peek(cursor) < 0) throw malformed(cursor, "expected a value");
        at = cursor.at;
        if (key.sink === undefined) skipValue(cursor, 1);
        else key.sink.addJson(cursor);
        const next = peek(cursor);
        if (next === 0x7d) break;
        if (next !== 0x2c) throw malformed(cursor, "expected , or } in an object");
        cursor.at++;
        peek(cursor);
      }
      cursor.at++;
    }
    key = undefined;
    if (peek(cursor) >= 0) throw malformed(cursor, "text follows the object");
  } catch (error) {
    throw placed(error, {
      file: table.options.name,
      row: table.row,
      line: table.line,
      byte: table.window.origin + at,
      column: key?.name,
    });
  }
  for (const { sink, row } of table.keys) if (row !== table.row) sink?.addNull();
}

/** Takes the key that starts here: first as the bytes of the key that stood here in former rows, then by name. */
function takeKey(table: JsonLines, cursor: JsonCursor, position: number): Key {
  if (cursor.bytes[cursor.at] !== 0x22 || cursor.at >= cursor.end) throw malformed(cursor, "expected a key in quotes");
  const likely = table.keys[position];
  if (likely !== undefined && startsWith(cursor, likely.bytes)) {
    cursor.at += likely.bytes.length + 2;
    return likely;
  }
  const name = takeString(cursor);
  const known = table.byName.get(name);
  if (known !== undefined) return known;
  const { limits } = table;
  if (table.keys.length >= limits.maxColumns) {
    throw new FormatError("TOO_LARGE", { rule: `the objects have more than ${limits.maxColumns} different keys` });
  }
  const type = table.resolve(name, undefined);
  const options = { capacity: limits.batchRows, maxDepth: limits.maxDepth, formulaSafe: false };
  const sink = type === undefined ? undefined : columnSink(type, options);
  for (let row = table.firstRow; row < table.row; row++) sink?.addNull();
  const key: Key = { name, bytes: utf8Bytes(name), sink, row: 0 };
  table.keys.push(key);
  table.byName.set(name, key);
  return key;
}

function startsWith(cursor: JsonCursor, key: Uint8Array): boolean {
  const { bytes, at, end } = cursor;
  const close = at + 1 + key.length;
  if (close >= end || bytes[close] !== 0x22) return false;
  for (let i = 0; i < key.length; i++) {
    const byte = bytes[at + 1 + i];
    // an escape would be read as the two symbols it is written with
    if (byte !== key[i] || byte === 0x5c) return false;
  }
  return true;
}
