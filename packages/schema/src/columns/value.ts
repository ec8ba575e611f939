import type { Column, Value } from "../types.ts";
import { getBit } from "./bits.ts";
import { decodeHalf } from "./half.ts";
import { checkRow } from "./layout.ts";

// A BOM at the start of a cell is part of the cell.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Below this many bytes, building an ASCII string by hand beats a call of TextDecoder. */
const SHORT = 24;

/** Whether the row has a value. Constant time. */
export function isValid(column: Column, row: number): boolean {
  if (column.layout === "null") {
    return false;
  }
  return column.validity === undefined || getBit(column.validity, row);
}

/**
 * One cell as a JavaScript value, `null` if it is missing. int64, uint64 and timestamps are bigint; float16 is the number its bits stand for. Bytes
 * that are not UTF-8 come out as U+FFFD. A struct is a plain object with every field as an own property, `__proto__` too.
 *
 * @throws RangeError if the column has no such row.
 */
export function valueAt(column: Column, row: number): Value {
  checkRow(column, row);
  return read(column, row);
}

function read(column: Column, row: number): Value {
  if (column.layout === "null" || (column.validity !== undefined && !getBit(column.validity, row))) {
    return null;
  }
  switch (column.layout) {
    case "fixed": {
      const value = column.values[row]!;
      return column.type.kind === "float16" ? decodeHalf(Number(value)) : value;
    }
    case "bool":
      return getBit(column.values, row);
    case "utf8":
      return text(column.data, column.offsets[row]!, column.offsets[row + 1]!);
    case "list":
      return range(column.child, column.offsets[row]!, column.offsets[row + 1]!);
    case "fixed_list":
      return range(column.child, row * column.size, (row + 1) * column.size);
    case "struct": {
      const result: { [field: string]: Value } = {};
      const fields = column.type.kind === "struct" ? column.type.fields : [];
      for (let i = 0; i < fields.length; i += 1) {
        setOwn(result, fields[i]!.name, read(column.children[i]!, row));
      }
      return result;
    }
  }
}

/** Assigning to `__proto__` would set the prototype instead of a property. */
function setOwn(target: { [field: string]: Value }, name: string, value: Value): void {
  if (name === "__proto__") {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[name] = value;
  }
}

function range(child: Column, start: number, end: number): Value[] {
  const values: Value[] = new Array(end - start);
  for (let row = start; row < end; row += 1) {
    values[row - start] = read(child, row);
  }
  return values;
}

function text(data: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT) {
    return decoder.decode(data.subarray(start, end));
  }
  let result = "";
  for (let i = start; i < end; i += 1) {
    const byte = data[i]!;
    if (byte > 0x7f) {
      return decoder.decode(data.subarray(start, end));
    }
    result += String.fromCharCode(byte);
  }
  return result;
}
