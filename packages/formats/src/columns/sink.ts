import { type Column, type DataType, formatType, type Value } from "@usr/schema";
import { columnBuilder } from "@usr/schema/columns";
import { FormatError, refuse } from "../error.ts";
import { jsonCursor, takeStringBytes } from "../read/json-cursor.ts";
import { type JsonReader, jsonReader, readJsonText } from "../read/json-value.ts";
import { putRange, textBuffer } from "../text-buffer.ts";
import { utf8Text } from "../utf8.ts";
import type { ColumnSink, SinkOptions } from "./column-sink.ts";
import { fixedSink, floatSink, integerSink, wide } from "./sink-fixed.ts";
import { bytesToTimestamp } from "./timestamp.ts";
import { validity } from "./validity.ts";

export function columnSink(type: DataType, o: SinkOptions): ColumnSink {
  switch (type.kind) {
    case "string":
      return stringSink(type, o);
    case "bool":
      return boolSink(type, o);
    case "list":
    case "fixed_size_list":
    case "struct":
    case "null":
      return nestedSink(type, o);
    case "float16":
    case "float32":
    case "float64":
      return floatSink(type, type.kind, o);
    case "timestamp": {
      const parse = (bytes: Uint8Array, start: number, end: number): bigint =>
        bytesToTimestamp(bytes, start, end, type);
      return fixedSink(type, o, (length) => wide(new BigInt64Array(length)), parse);
    }
    default:
      return integerSink(type, type.kind, o);
  }
}

const FORMULA: ReadonlySet<number> = new Set([..."=+-@\t\r"].map((symbol) => symbol.charCodeAt(0)));

/** Whether a spreadsheet may run the text as a formula, leading apostrophes aside. */
export function looksLikeFormula(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && bytes[at] === 0x27) at++;
  return at < end && FORMULA.has(bytes[at]!);
}

function stringSink(type: DataType, o: SinkOptions): ColumnSink {
  const mask = validity(o.capacity);
  let offsets = new Int32Array(o.capacity + 1);
  let data = textBuffer(1024);
  let length = 0;
  return {
    get length() {
      return length;
    },
    addNull() {
      mask.missing(length);
      offsets[++length] = data.length;
    },
    addText(bytes, start, end) {
      const from = o.formulaSafe && bytes[start] === 0x27 && looksLikeFormula(bytes, start, end) ? start + 1 : start;
      putRange(data, bytes, from, end);
      offsets[++length] = data.length;
    },
    addJson(cursor) {
      if (cursor.bytes[cursor.at] !== 0x22) {
        // null, or a refusal with the right words
        if (readString(cursor) === null) this.addNull();
        return;
      }
      const before = data.length;
      try {
        takeStringBytes(cursor, data);
      } catch (error) {
        data.length = before;
        throw error;
      }
      offsets[++length] = data.length;
    },
    finish() {
      const column: Column = {
        layout: "utf8",
        type,
        length,
        offsets: offsets.subarray(0, length + 1),
        data: data.bytes.subarray(0, data.length),
        validity: mask.take(length),
      };
      data = textBuffer(Math.max(1024, data.length + (data.length >> 3)));
      offsets = new Int32Array(o.capacity + 1);
      length = 0;
      return column;
    },
  };
}

const readString: JsonReader = jsonReader({ kind: "string" });

function boolSink(type: DataType, o: SinkOptions): ColumnSink {
  const mask = validity(o.capacity);
  const read = jsonReader(type);
  let values = new Uint8Array((o.capacity + 7) >> 3);
  let length = 0;
  const add = (value: boolean): void => {
    if (value) values[length >> 3]! |= 1 << (length & 7);
    length++;
  };
  return {
    get length() {
      return length;
    },
    addNull() {
      mask.missing(length++);
    },
    addText(bytes, start, end) {
      const word = end - start <= 5 ? utf8Text(bytes, start, end).toLowerCase() : "";
      if (word !== "true" && word !== "false") throw refuse("is not bool: true or false");
      add(word === "true");
    },
    addJson(cursor) {
      const value = read(cursor);
      if (value === null) this.addNull();
      else add(value === true);
    },
    finish() {
      const column: Column = {
        layout: "bool",
        type,
        length,
        values: values.slice(0, (length + 7) >> 3),
        validity: mask.take(length),
      };
      values = new Uint8Array((o.capacity + 7) >> 3);
      length = 0;
      return column;
    },
  };
}

/** Lists and structs: JSON text in a cell, JSON in JSON. */
function nestedSink(type: DataType, o: SinkOptions): ColumnSink {
  const read = jsonReader(type);
  let builder = columnBuilder(type);
  const add = (value: Value): void => builder.append(value);
  return {
    get length() {
      return builder.length;
    },
    addNull() {
      add(null);
    },
    addText(bytes, start, end) {
      const cursor = jsonCursor(bytes, start, end, undefined, o.maxDepth);
      let value: Value;
      try {
        value = readJsonText(cursor, read);
      } catch (error) {
        if (!(error instanceof FormatError) || error.code !== "CORRUPT") throw error;
        throw refuse(`is not JSON for ${formatType(type)}`, { cause: error });
      }
      add(value);
    },
    addJson(cursor) {
      add(read(cursor));
    },
    finish() {
      const column = builder.finish();
      builder = columnBuilder(type);
      return column;
    },
  };
}
