import { bitmapBytes } from "../columns/bits.ts";
import { allocateFixed } from "../columns/layout.ts";
import { SchemaError } from "../error.ts";
import { formatType, sameType } from "../format-type.ts";
import type { Column, DataType, FixedType, FixedValues } from "../types.ts";

/**
 * Checks that a column, with all that is inside it, has the layout of its type and memory for each of its rows: arrays of the right class and length,
 * offsets that do not fall and end within what they point into, children of the types that lists and structs name. Memory beyond the
 * last row is allowed. Values are not looked at. Constant time, but for a look at each offset.
 *
 * @param name how errors call the column
 * @throws SchemaError `CORRUPT`
 */
export function checkColumn(column: Column, name: string): void {
  const rule = brokenRule(column);
  if (rule === undefined) return;
  throw new SchemaError("CORRUPT", `Column ${JSON.stringify(name)} is not what it says: ${rule}.`, {
    hint: "Build columns from values with columnOf of @usr/schema/columns, or give each array the class and the length that its type has.",
    details: { column: name, type: formatType(column.type), rule },
  });
}

function brokenRule(column: Column): string | undefined {
  const { type, length, validity } = column;
  const spelled = formatType(type);
  if (!Number.isInteger(length) || length < 0) return `its length is ${length}`;
  if (column.layout !== LAYOUTS[layoutKind(type)]) return `${spelled} is laid out as ${column.layout}`;
  if (validity !== undefined) {
    if (validity[Symbol.toStringTag] !== "Uint8Array") return "its validity is no Uint8Array";
    if (validity.length < bitmapBytes(length)) return `its validity has ${8 * validity.length} bits for ${length} rows`;
  }
  switch (column.layout) {
    case "null":
      return undefined;
    case "fixed":
      return isFixed(type) ? brokenValues(type, column.values, length) : undefined;
    case "bool":
      if (column.values[Symbol.toStringTag] !== "Uint8Array") return "its bits are no Uint8Array";
      return column.values.length < bitmapBytes(length)
        ? `it has ${8 * column.values.length} bits for ${length} rows`
        : undefined;
    case "utf8":
      if (column.data[Symbol.toStringTag] !== "Uint8Array") return "its text is no Uint8Array";
      return brokenOffsets(column.offsets, length, column.data.length, "bytes of text");
    case "list":
      return (
        brokenOffsets(column.offsets, length, column.child.length, "elements") ??
        (type.kind === "list" ? brokenChild(column.child, type.item, "its elements") : undefined)
      );
    case "fixed_list":
      if (type.kind !== "fixed_size_list") return undefined;
      if (column.size !== type.size) return `${spelled} is given with size ${column.size}`;
      return column.child.length < length * column.size
        ? `it has ${column.child.length} elements for ${length} rows of ${column.size}`
        : brokenChild(column.child, type.item, "its elements");
    case "struct": {
      if (type.kind !== "struct") return undefined;
      const { children } = column;
      if (children.length !== type.fields.length)
        return `${spelled} has ${type.fields.length} fields, and it has ${children.length}`;
      for (const [i, field] of type.fields.entries()) {
        const child = children[i]!;
        const what = `its field ${JSON.stringify(field.name)}`;
        if (child.length < length) return `${what} has ${child.length} rows of ${length}`;
        const rule = brokenChild(child, field.type, what);
        if (rule !== undefined) return rule;
      }
      return undefined;
    }
  }
}

type LayoutKind = "string" | "bool" | "list" | "fixed_size_list" | "struct" | "null" | "fixed";

const LAYOUTS: Readonly<Record<LayoutKind, Column["layout"]>> = {
  string: "utf8",
  bool: "bool",
  list: "list",
  fixed_size_list: "fixed_list",
  struct: "struct",
  null: "null",
  fixed: "fixed",
};

const layoutKind = (type: DataType): LayoutKind => (isFixed(type) ? "fixed" : type.kind);

function isFixed(type: DataType): type is FixedType {
  switch (type.kind) {
    case "string":
    case "bool":
    case "list":
    case "fixed_size_list":
    case "struct":
    case "null":
      return false;
    default:
      return true;
  }
}

// Array classes are told by their tags, which are the same in every realm.
function brokenValues(type: FixedType, values: FixedValues, length: number): string | undefined {
  const wanted = allocateFixed(type, 0)[Symbol.toStringTag];
  const given = values[Symbol.toStringTag] ?? "array";
  if (given !== wanted) return `${formatType(type)} lies in ${aClass(wanted)}, not in ${aClass(given)}`;
  return values.length < length ? `it has ${values.length} values for ${length} rows` : undefined;
}

const aClass = (name: string): string => `${/^[aeiou]/i.test(name) && !/^Ui/.test(name) ? "an" : "a"} ${name}`;

function brokenOffsets(offsets: Int32Array, length: number, end: number, of: string): string | undefined {
  if (offsets[Symbol.toStringTag] !== "Int32Array") return "its offsets are no Int32Array";
  if (offsets.length <= length) return `it has ${offsets.length} offsets, one more than its ${length} rows are wanted`;
  let before = 0;
  for (let i = 0; i <= length; i += 1) {
    const offset = offsets[i]!;
    if (offset < before) return `offset ${i} is ${offset}, behind ${before}`;
    before = offset;
  }
  return before > end ? `its offsets end at ${before}, and there are ${end} ${of}` : undefined;
}

function brokenChild(child: Column, type: DataType, what: string): string | undefined {
  if (!sameType(child.type, type)) return `${what} are ${formatType(child.type)}, not ${formatType(type)}`;
  const rule = brokenRule(child);
  return rule === undefined ? undefined : `of ${what}, ${rule}`;
}
