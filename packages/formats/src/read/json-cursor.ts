import { FormatError, printableBytes } from "../error.ts";
import { putPlain, putRange, room, type TextBuffer, type TextSource, textBuffer, textSource } from "../text-buffer.ts";
import { utf8Step, utf8Text } from "../utf8.ts";

/** A place in JSON text. Numbers are never turned into doubles here: callers get their bytes. */
export interface JsonCursor {
  readonly bytes: Uint8Array;
  readonly source: TextSource;
  at: number;
  end: number;
  /** File offset of `bytes[0]`; undefined where errors should not name a byte. */
  origin: number | undefined;
  readonly maxDepth: number;
  /** A range as text, for numbers. */
  readonly cut: (start: number, end: number) => string;
  /** Goes to the begin of another text in the same bytes. */
  readonly move: (start: number, end: number, origin: number | undefined) => void;
}

/** A cursor on `bytes[start .. end)`. */
export function jsonCursor(
  bytes: Uint8Array,
  start: number,
  end: number,
  origin: number | undefined,
  maxDepth: number,
): JsonCursor {
  let first = start;
  let text: string | undefined;
  const cursor: JsonCursor = {
    bytes,
    source: textSource(bytes),
    at: start,
    end,
    origin,
    maxDepth,
    // Decodes the whole text at the first request and cuts from it: for the many numbers of a vector that is twice as fast as one by one.
    cut: (from, to) => {
      text ??= latin.decode(bytes.subarray(first, cursor.end));
      return text.slice(from - first, to - first);
    },
    move: (newStart, newEnd, newOrigin) => {
      text = undefined;
      first = newStart;
      cursor.at = newStart;
      cursor.end = newEnd;
      cursor.origin = newOrigin;
    },
  };
  return cursor;
}

// one character a byte, so that places in the text are places in the bytes
const latin: TextDecoder = new TextDecoder("latin1");

const scratch: TextBuffer = textBuffer(256);

/** What is wrong with the text itself, apart from types. */
export function malformed(cursor: JsonCursor, rule: string, at: number = cursor.at): FormatError {
  const byte = cursor.origin === undefined ? undefined : cursor.origin + at;
  const value = at < cursor.end ? printableBytes(cursor.bytes, at, Math.min(cursor.end, at + 24)) : undefined;
  return new FormatError("CORRUPT", { byte, value, rule: `is not JSON: ${rule}` });
}

/** Skips blanks and gives the next byte, -1 at the end. */
export function peek(cursor: JsonCursor): number {
  const { bytes, end } = cursor;
  let at = cursor.at;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) {
      cursor.at = at;
      return byte;
    }
    at++;
  }
  cursor.at = at;
  return -1;
}

/** Takes the symbol or fails. */
export function expect(cursor: JsonCursor, symbol: number, what: string): void {
  if (peek(cursor) !== symbol) throw malformed(cursor, `expected ${what}`);
  cursor.at++;
}

/** Takes the word if it stands here. */
export function takeWord(cursor: JsonCursor, word: string): boolean {
  const { bytes, at, end } = cursor;
  if (at + word.length > end) return false;
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  const after = at + word.length < end ? bytes[at + word.length]! : 0x2c;
  if (isWordByte(after)) return false;
  cursor.at = at + word.length;
  return true;
}

function isWordByte(byte: number): boolean {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f || byte >= 0x80;
}

/** Takes a number token of JSON's grammar; its bytes are `[start, cursor.at)`. Returns start. */
export function takeNumber(cursor: JsonCursor): number {
  const { bytes, end } = cursor;
  const start = cursor.at;
  let at = start;
  if (bytes[at] === 0x2d) at++;
  const first = at;
  while (at < end && isDigit(bytes[at]!)) at++;
  if (at === first) throw malformed(cursor, "expected a value");
  if (bytes[first] === 0x30 && at > first + 1) throw malformed(cursor, "a number has a leading zero");
  if (at < end && bytes[at] === 0x2e) {
    const fraction = ++at;
    while (at < end && isDigit(bytes[at]!)) at++;
    if (at === fraction) throw malformed(cursor, "a number ends in its point");
  }
  if (at < end && (bytes[at]! | 0x20) === 0x65) {
    at++;
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++;
    const exponent = at;
    while (at < end && isDigit(bytes[at]!)) at++;
    if (at === exponent) throw malformed(cursor, "a number has an empty exponent");
  }
  if (at < end && (isWordByte(bytes[at]!) || bytes[at] === 0x2e))
    throw malformed(cursor, "a number runs into other text", at);
  cursor.at = at;
  return start;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Bytes that end a run of plain symbols in a string: the quote, the escape, controls, and what is not ASCII. */
const ENDS_RUN: Uint8Array = new Uint8Array(256).fill(1, 0x80).fill(1, 0, 0x20);
ENDS_RUN[0x22] = 1;
ENDS_RUN[0x5c] = 1;

/** Room is made for so many bytes of a string at a time: where it ends is only known there. */
const PIECE = 4096;

/** Takes the string that starts here and appends its UTF-8 bytes. */
export function takeStringBytes(cursor: JsonCursor, into: TextBuffer): void {
  const { bytes, source, end } = cursor;
  const open = cursor.at;
  let at = open + 1;
  for (;;) {
    const stop = Math.min(end, at + PIECE);
    at = putPlain(into, source, at, stop, ENDS_RUN);
    if (at === stop && at < end) continue;
    if (at >= end) throw malformed(cursor, "a string has no closing quote", open);
    const byte = bytes[at]!;
    if (byte === 0x22) break;
    if (byte === 0x5c) {
      at = takeEscape(cursor, at, into);
    } else if (byte < 0x20) {
      throw malformed(cursor, "a string holds a raw control character", at);
    } else {
      const step = utf8Step(bytes, at, end);
      if (step <= 0) throw malformed(cursor, "invalid UTF-8", at);
      putRange(into, bytes, at, at + step);
      at += step;
    }
  }
  cursor.at = at + 1;
}

const SIMPLE: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }).map(([from, to]) => [
    from.charCodeAt(0),
    to.charCodeAt(0),
  ]),
);

function takeEscape(cursor: JsonCursor, at: number, into: TextBuffer): number {
  const symbol = at + 1 < cursor.end ? cursor.bytes[at + 1]! : -1;
  if (symbol !== 0x75) {
    const simple = SIMPLE.get(symbol);
    if (simple === undefined) throw malformed(cursor, "an unknown escape", at);
    room(into, 1);
    into.bytes[into.length++] = simple;
    return at + 2;
  }
  let point = hex4(cursor, at + 2);
  let next = at + 6;
  if (point >= 0xd800 && point < 0xe000) {
    const low = cursor.bytes[next] === 0x5c && cursor.bytes[next + 1] === 0x75 ? hex4(cursor, next + 2) : 0;
    if (point >= 0xdc00 || low < 0xdc00 || low > 0xdfff) throw malformed(cursor, "half a surrogate pair", at);
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    next += 6;
  }
  room(into, 4);
  const out = into.bytes;
  if (point < 0x80) out[into.length++] = point;
  else if (point < 0x800) {
    out[into.length++] = 0xc0 | (point >> 6);
    out[into.length++] = 0x80 | (point & 63);
  } else {
    if (point < 0x10000) out[into.length++] = 0xe0 | (point >> 12);
    else {
      out[into.length++] = 0xf0 | (point >> 18);
      out[into.length++] = 0x80 | ((point >> 12) & 63);
    }
    out[into.length++] = 0x80 | ((point >> 6) & 63);
    out[into.length++] = 0x80 | (point & 63);
  }
  return next;
}

function hex4(cursor: JsonCursor, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = i < cursor.end ? Number.parseInt(String.fromCharCode(cursor.bytes[i]!), 16) : NaN;
    if (Number.isNaN(digit)) throw malformed(cursor, "an escape needs four hex digits", at - 2);
    value = value * 16 + digit;
  }
  return value;
}

/** Takes the string that starts here. */
export function takeString(cursor: JsonCursor): string {
  scratch.length = 0;
  takeStringBytes(cursor, scratch);
  return utf8Text(scratch.bytes, 0, scratch.length);
}

/** Walks over any value, checking it as strictly as one that is read: grammar, UTF-8, duplicate keys, depth. */
export function skipValue(cursor: JsonCursor, depth: number = 0): void {
  const byte = peek(cursor);
  if (byte === 0x22) {
    scratch.length = 0;
    takeStringBytes(cursor, scratch);
  } else if (byte === 0x7b) {
    takeObject(cursor, depth, () => skipValue(cursor, depth + 1));
  } else if (byte === 0x5b) {
    takeArray(cursor, depth, () => skipValue(cursor, depth + 1));
  } else if (!WORDS.some((word) => takeWord(cursor, word))) takeNumber(cursor);
}

// NaN and the infinities are no JSON, but Python writes them and they mean one thing only
const WORDS: readonly string[] = ["true", "false", "null", "NaN", "Infinity", "-Infinity"];

/** Takes the array that starts here; `item` takes each value. */
export function takeArray(cursor: JsonCursor, depth: number, item: () => void): void {
  if (depth >= cursor.maxDepth) throw tooDeep(cursor);
  cursor.at++;
  if (peek(cursor) === 0x5d) {
    cursor.at++;
    return;
  }
  for (;;) {
    peek(cursor);
    item();
    const next = peek(cursor);
    if (next === 0x5d) break;
    if (next !== 0x2c) throw malformed(cursor, "expected , or ] in an array");
    cursor.at++;
  }
  cursor.at++;
}

/** Takes the object that starts here; `member` takes each value. Duplicate keys are refused. */
export function takeObject(cursor: JsonCursor, depth: number, member: (key: string) => void): void {
  if (depth >= cursor.maxDepth) throw tooDeep(cursor);
  const seen = new Set<string>();
  cursor.at++;
  if (peek(cursor) === 0x7d) {
    cursor.at++;
    return;
  }
  for (;;) {
    const at = cursor.at;
    if (peek(cursor) !== 0x22) throw malformed(cursor, "expected a key in quotes");
    const key = takeString(cursor);
    if (seen.size === seen.add(key).size) throw malformed(cursor, "a key stands twice in one object", at);
    expect(cursor, 0x3a, ":");
    peek(cursor);
    member(key);
    const next = peek(cursor);
    if (next === 0x7d) break;
    if (next !== 0x2c) throw malformed(cursor, "expected , or } in an object");
    cursor.at++;
    peek(cursor);
  }
  cursor.at++;
}

function tooDeep(cursor: JsonCursor): FormatError {
  return new FormatError("TOO_LARGE", {
    byte: cursor.origin === undefined ? undefined : cursor.origin + cursor.at,
    rule: `JSON is nested deeper than ${cursor.maxDepth}`,
  });
}
