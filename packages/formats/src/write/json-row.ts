import { type Batch, type Column, formatTimestamp } from "@usr/schema";
import { halfValue } from "../float/float.ts";
import { floatText } from "../float-text.ts";
import { utf8Text } from "../utf8.ts";

/** The text of one row of a column. */
export type Cell = (row: number) => string;

const rowsOf = new WeakMap<Batch, Cell>();

/**
 * One row as a JSON object without a line end, keys in column order. The first call on a batch prepares it.
 *
 * @throws RangeError if the batch has no such row
 */
export function jsonRow(batch: Batch, row: number): string {
  let cell = rowsOf.get(batch);
  if (cell === undefined) {
    cell = objectCell(
      batch.schema.fields.map((field) => field.name),
      batch.columns,
    );
    rowsOf.set(batch, cell);
  }
  if (!(row >= 0 && row < batch.numRows)) {
    throw new RangeError(`Row ${row} does not exist: the batch has ${batch.numRows} rows.`);
  }
  return cell(row);
}

/** The rows of a batch as JSON objects. */
export function* jsonRows(batch: Batch): Generator<string, void, undefined> {
  for (let row = 0; row < batch.numRows; row++) yield jsonRow(batch, row);
}

function objectCell(names: readonly string[], columns: readonly Column[]): Cell {
  const cells = columns.map(jsonCell);
  const heads = names.map((name, i) => `${i === 0 ? "{" : ","}${quote(name)}:`);
  if (cells.length === 0) return () => "{}";
  return (row) => {
    let text = "";
    for (let i = 0; i < cells.length; i++) text += heads[i]! + cells[i]!(row);
    return `${text}}`;
  };
}

/** Whether a row has a value. */
export function present(column: Column): (row: number) => boolean {
  if (column.layout === "null") return () => false;
  const bits = column.validity;
  return bits === undefined ? () => true : (row) => ((bits[row >> 3]! >> (row & 7)) & 1) === 1;
}

/** The cells of a column as JSON. */
export function jsonCell(column: Column): Cell {
  const has = present(column);
  const value = valueCell(column);
  return (row) => (has(row) ? value(row) : "null");
}

function valueCell(column: Column): Cell {
  switch (column.layout) {
    case "utf8":
      return stringCell(column.offsets, column.data, column.length);
    case "bool": {
      const { values } = column;
      return (row) => ((values[row >> 3]! >> (row & 7)) & 1 ? "true" : "false");
    }
    case "list": {
      const { offsets } = column;
      const item = jsonCell(column.child);
      return (row) => arrayText(item, offsets[row]!, offsets[row + 1]!);
    }
    case "fixed_list": {
      const { size } = column;
      const item = jsonCell(column.child);
      return (row) => arrayText(item, row * size, (row + 1) * size);
    }
    case "struct": {
      const names = column.type.kind === "struct" ? column.type.fields.map((field) => field.name) : [];
      return objectCell(names, column.children);
    }
    case "null":
      return () => "null";
    case "fixed": {
      const text = fixedCell(column);
      const { kind } = column.type;
      if (kind === "timestamp") return (row) => `"${text(row)}"`;
      if (kind === "int64" || kind === "uint64") {
        return (row) => {
          const digits = text(row);
          return digits.length < 16 || !beyondDoubles(digits) ? digits : `"${digits}"`;
        };
      }
      if (kind !== "float16" && kind !== "float32" && kind !== "float64") return text;
      return (row) => {
        const digits = text(row);
        // only NaN and the infinities end in a letter
        return digits.charCodeAt(digits.length - 1) > 0x39 ? `"${digits}"` : digits;
      };
    }
  }
}

function beyondDoubles(digits: string): boolean {
  const magnitude = digits.startsWith("-") ? digits.slice(1) : digits;
  return magnitude.length > 16 || (magnitude.length === 16 && magnitude > "9007199254740992");
}

function arrayText(item: Cell, start: number, end: number): string {
  let text = "[";
  for (let i = start; i < end; i++) text += i === start ? item(i) : `,${item(i)}`;
  return `${text}]`;
}

/** Numbers and timestamps as plain text. */
export function fixedCell(column: Extract<Column, { layout: "fixed" }>): Cell {
  const { type, values } = column;
  if (type.kind === "timestamp") {
    const { unit } = type;
    const zoned = type.timezone !== undefined;
    return (row) => formatTimestamp(BigInt(values[row]!), unit, zoned);
  }
  if (type.kind === "float16") return (row) => floatText(halfValue(Number(values[row]!)));
  if (type.kind === "float32" || type.kind === "float64") return (row) => floatText(Number(values[row]!));
  return (row) => String(values[row]!);
}

// beyond this much text a column is decoded cell by cell
const WHOLE = 32 << 20;

/** Strings, quoted. A column of plain ASCII is decoded once and cut, which is several times faster than a decoder call a cell. */
function stringCell(offsets: Int32Array, data: Uint8Array, length: number): Cell {
  const first = offsets[0]!;
  const size = offsets[length]! - first;
  if (length > 1 && size <= WHOLE) {
    const text = utf8Text(data, first, first + size);
    if (text.length === size) {
      const plain = !SPECIAL.test(text);
      return (row) => {
        const part = text.slice(offsets[row]! - first, offsets[row + 1]! - first);
        return plain ? `"${part}"` : quote(part);
      };
    }
  }
  return (row) => quote(utf8Text(data, offsets[row]!, offsets[row + 1]!));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what JSON escapes
const SPECIAL = /["\\\u0000-\u001f\u007f]/;
const CONTROL = /[\u007f-\u009f\u2028\u2029]/g;

/** A JSON string. UTF-8 stays; control characters, those of C1 too, are escaped. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(CONTROL, (symbol) => `\\u${symbol.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
