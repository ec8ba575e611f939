import type { DataType } from "./types.ts";

/**
 * The canonical spelling of a type: no blanks but the one after the comma of `timestamp[us, UTC]`.
 * `formatType(parseType(text))` is canonical. Struct field names are written as they are; a name holding one of `:<>,[]` (possible in foreign files)
 * gives a text that `parseType` does not read back.
 */
export function formatType(type: DataType): string {
  switch (type.kind) {
    case "timestamp":
      return type.timezone === undefined ? `timestamp[${type.unit}]` : `timestamp[${type.unit}, ${type.timezone}]`;
    case "list":
      return `list<${formatType(type.item)}>`;
    case "fixed_size_list":
      return `fixed_size_list<${formatType(type.item)}>[${type.size}]`;
    case "struct":
      return `struct<${type.fields.map((field) => `${field.name}:${formatType(field.type)}`).join(",")}>`;
    default:
      return type.kind;
  }
}

/** Whether two types are the same: struct fields by name and order, time zones by their text. */
export function sameType(a: DataType, b: DataType): boolean {
  if (a === b) {
    return true;
  }
  switch (a.kind) {
    case "timestamp":
      return b.kind === "timestamp" && a.unit === b.unit && a.timezone === b.timezone;
    case "list":
      return b.kind === "list" && sameType(a.item, b.item);
    case "fixed_size_list":
      return b.kind === "fixed_size_list" && a.size === b.size && sameType(a.item, b.item);
    case "struct":
      return (
        b.kind === "struct" &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => field.name === b.fields[i]!.name && sameType(field.type, b.fields[i]!.type))
      );
    default:
      return a.kind === b.kind;
  }
}
