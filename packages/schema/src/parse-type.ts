import { SchemaError } from "./error.ts";
import type { DataType, FloatKind, IntegerKind, StructField, TimestampUnit } from "./types.ts";

/** Longer type texts are refused, so that a hostile registry costs nothing. */
const MAX_LENGTH = 65_536;
const MAX_DEPTH = 64;
const MAX_LIST_SIZE = 2_147_483_647;

const SCALARS: ReadonlyMap<string, "string" | "bool" | IntegerKind | FloatKind> = new Map(
  (
    [
      "string",
      "bool",
      "int8",
      "int16",
      "int32",
      "int64",
      "uint8",
      "uint16",
      "uint32",
      "uint64",
      "float16",
      "float32",
      "float64",
    ] as const
  ).map((kind) => [kind, kind]),
);

const UNITS: ReadonlyMap<string, TimestampUnit> = new Map((["ms", "us", "ns"] as const).map((unit) => [unit, unit]));

/** Names other systems use, and what they are called here. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["utf8", "string"],
  ["large_string", "string"],
  ["large_utf8", "string"],
  ["str", "string"],
  ["text", "string"],
  ["varchar", "string"],
  ["boolean", "bool"],
  ["int", "int64"],
  ["integer", "int64"],
  ["bigint", "int64"],
  ["long", "int64"],
  ["half", "float16"],
  ["halffloat", "float16"],
  ["float", "float32"],
  ["double", "float64"],
  ["timestamp", "timestamp[us, UTC]"],
  ["datetime", "timestamp[us, UTC]"],
  ["large_list", "list"],
]);

/** What Python's `str.strip` takes away: JavaScript's blanks without the byte order mark, with U+0085 and the separators U+001C to U+001F. */
const isBlank = (char: string): boolean =>
  char === "\x85" || (char >= "\x1c" && char <= "\x1f") || (char !== "\ufeff" && char.trim() === "");
const ZONE = /^[A-Za-z0-9_+\-/:.]+$/;

interface Cursor {
  readonly text: string;
  at: number;
  depth: number;
}

/**
 * Reads a type from its registry spelling, e.g. `list<struct<start:int32,label:string>>`, `fixed_size_list<float32>[768]`, `timestamp[us, UTC]`.
 * Blanks around tokens are tolerated; `formatType` gives the canonical spelling back.
 *
 * @throws SchemaError `BAD_TYPE` for anything outside the grammar, with the text and the position (0-based) in `details`. Linear in the text.
 */
export function parseType(text: string): DataType {
  const cursor: Cursor = { text, at: 0, depth: 0 };
  if (text.length > MAX_LENGTH) {
    throw refusal(cursor, `it is longer than ${MAX_LENGTH} characters`);
  }
  const type = readType(cursor);
  skipBlanks(cursor);
  if (cursor.at < text.length) {
    throw refusal(cursor, `nothing may follow the type, but ${quote(text.slice(cursor.at))} does`);
  }
  return type;
}

function readType(cursor: Cursor): DataType {
  if (cursor.depth >= MAX_DEPTH) {
    throw refusal(cursor, `it is nested deeper than ${MAX_DEPTH} levels`);
  }
  const { name, at } = readName(cursor);
  const scalar = SCALARS.get(name);
  if (scalar !== undefined) {
    return { kind: scalar };
  }
  switch (name) {
    case "list":
      return { kind: "list", item: readItem(cursor) };
    case "fixed_size_list": {
      const item = readItem(cursor);
      return { kind: "fixed_size_list", item, size: readSize(cursor) };
    }
    case "struct":
      return readStruct(cursor);
    case "timestamp":
      return readTimestamp(cursor);
    default:
      cursor.at = at;
      throw unknownType(cursor, name);
  }
}

function readItem(cursor: Cursor): DataType {
  expect(cursor, "<");
  cursor.depth += 1;
  const item = readType(cursor);
  cursor.depth -= 1;
  expect(cursor, ">");
  return item;
}

function readSize(cursor: Cursor): number {
  const content = readBrackets(cursor);
  const size = /^[0-9]{1,10}$/.test(content) ? Number(content) : 0;
  if (size < 1 || size > MAX_LIST_SIZE) {
    throw refusal(
      cursor,
      `the size of a fixed_size_list must be a whole number from 1 to ${MAX_LIST_SIZE}, not ${quote(content)}`,
    );
  }
  return size;
}

function readStruct(cursor: Cursor): DataType {
  expect(cursor, "<");
  cursor.depth += 1;
  const fields: StructField[] = [];
  const seen = new Set<string>();
  do {
    const { name, at } = readName(cursor);
    if (name === "") {
      throw refusal(cursor, "a struct field needs a name and a type");
    }
    if (seen.has(name)) {
      cursor.at = at;
      throw refusal(cursor, `the struct field ${quote(name)} occurs twice`);
    }
    seen.add(name);
    expect(cursor, ":");
    fields.push({ name, type: readType(cursor) });
  } while (accept(cursor, ","));
  cursor.depth -= 1;
  expect(cursor, ">");
  return { kind: "struct", fields };
}

function readTimestamp(cursor: Cursor): DataType {
  skipBlanks(cursor);
  if (cursor.text[cursor.at] !== "[") {
    throw refusal(cursor, "a timestamp needs its unit", "Write timestamp[us, UTC], or timestamp[us] without a zone.");
  }
  const content = readBrackets(cursor);
  const comma = content.indexOf(",");
  const unitText = trim(comma < 0 ? content : content.slice(0, comma));
  const unit = UNITS.get(unitText);
  if (unitText === "s") {
    throw refusal(
      cursor,
      "Parquet has no timestamps in seconds",
      `Use timestamp[ms${comma < 0 ? "" : ", …"}] or a finer unit.`,
    );
  }
  if (unit === undefined) {
    throw refusal(cursor, `${quote(unitText)} is no timestamp unit`, "The units are ms, us and ns.");
  }
  if (comma < 0) {
    return { kind: "timestamp", unit };
  }
  const timezone = trim(content.slice(comma + 1));
  if (!ZONE.test(timezone)) {
    throw refusal(
      cursor,
      `${quote(timezone)} is no time zone`,
      "Use UTC, a name such as Europe/Berlin, or an offset such as +02:00.",
    );
  }
  return { kind: "timestamp", unit, timezone };
}

/** The text between `[` and `]`, trimmed. */
function readBrackets(cursor: Cursor): string {
  expect(cursor, "[");
  const end = cursor.text.indexOf("]", cursor.at);
  if (end < 0) {
    throw refusal(cursor, 'a "]" is missing');
  }
  const content = trim(cursor.text.slice(cursor.at, end));
  cursor.at = end + 1;
  return content;
}

/** The text up to the next delimiter, trimmed, and where it starts. */
function readName(cursor: Cursor): { readonly name: string; readonly at: number } {
  skipBlanks(cursor);
  const at = cursor.at;
  while (cursor.at < cursor.text.length && !":<>,[]".includes(cursor.text[cursor.at]!)) {
    cursor.at += 1;
  }
  return { name: trim(cursor.text.slice(at, cursor.at)), at };
}

function accept(cursor: Cursor, token: string): boolean {
  skipBlanks(cursor);
  if (cursor.text[cursor.at] !== token) {
    return false;
  }
  cursor.at += 1;
  return true;
}

function expect(cursor: Cursor, token: string): void {
  if (!accept(cursor, token)) {
    const found = cursor.text[cursor.at];
    throw refusal(cursor, `"${token}" is expected, but ${found === undefined ? "the text ends" : `"${found}" stands`}`);
  }
}

function skipBlanks(cursor: Cursor): void {
  while (cursor.at < cursor.text.length && isBlank(cursor.text[cursor.at]!)) {
    cursor.at += 1;
  }
}

function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start]!)) {
    start += 1;
  }
  while (end > start && isBlank(text[end - 1]!)) {
    end -= 1;
  }
  return text.slice(start, end);
}

function unknownType(cursor: Cursor, name: string): SchemaError {
  if (name === "") {
    return refusal(cursor, "a type name is missing");
  }
  const alias = ALIASES.get(name.toLowerCase()) ?? SCALARS.get(name.toLowerCase());
  return refusal(
    cursor,
    `there is no type ${quote(name)}`,
    alias === undefined
      ? "The types are string, bool, int8 to int64, uint8 to uint64, float16, float32, float64, timestamp[…], list<…>, fixed_size_list<…>[n] and struct<name:type,…>."
      : `It is called ${alias} here.`,
  );
}

function refusal(cursor: Cursor, why: string, hint?: string): SchemaError {
  return new SchemaError("BAD_TYPE", `${quote(cursor.text)} is not a type: ${why} (character ${cursor.at + 1}).`, {
    hint,
    details: { text: cursor.text.slice(0, 1000), position: cursor.at },
  });
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
