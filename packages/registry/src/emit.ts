import { plainKind } from "./plain.ts";
import type { YamlMapping, YamlScalar, YamlValue } from "./types.ts";
import { compareKeys, isList, isMapping } from "./values.ts";

const WIDTH = 80;
const STEP = 2;
/** PyYAML counts the tag that it does not write, e.g. `!!str`, into the length of a key. */
const MAX_SIMPLE_KEY = 128;
const TAGS = { str: 5, int: 5, float: 7, bool: 6, null: 6, timestamp: 11 } as const;

/**
 * The bytes of PyYAML's `safe_dump(value)` (sorted keys, block style, width 80, ASCII), as text. Objects that occur more than once, by
 * identity, are written once with an anchor. Values must be free of cycles.
 */
export const emitYaml = (value: YamlValue): string => {
  const sheet: Sheet = {
    out: [],
    column: 0,
    blank: true,
    fresh: true,
    anchors: findAnchors(value),
    written: new Set(),
  };
  node(sheet, value, {});
  newline(sheet, 0);
  return sheet.out.join("");
};

interface Sheet {
  readonly out: string[];
  column: number;
  /** The last thing written was white space, or counts as such. */
  blank: boolean;
  /** Nothing but indentation and `-`, `?`, `:` was written in this line. */
  fresh: boolean;
  readonly anchors: ReadonlyMap<YamlValue, string>;
  readonly written: Set<YamlValue>;
}

interface Place {
  readonly indent?: number;
  /** The node is a value of a mapping. */
  readonly mapping?: boolean;
  readonly simpleKey?: boolean;
}

type Shared = readonly YamlValue[] | YamlMapping | YamlScalar;

/** Python shares these by identity; numbers and texts it compares by value and never anchors. */
const isShared = (value: YamlValue): value is Shared =>
  value !== null && typeof value === "object" && !("kind" in value && (value.kind === "int" || value.kind === "float"));

const findAnchors = (root: YamlValue): ReadonlyMap<YamlValue, string> => {
  const seen = new Set<YamlValue>();
  const anchors = new Map<YamlValue, string>();
  const visit = (value: YamlValue): void => {
    if (!isShared(value)) return;
    if (seen.has(value)) {
      if (!anchors.has(value)) anchors.set(value, `id${(anchors.size + 1).toString().padStart(3, "0")}`);
      return;
    }
    seen.add(value);
    if (isList(value)) value.forEach(visit);
    else if (isMapping(value)) for (const pair of sortedEntries(value)) pair.forEach(visit);
  };
  visit(root);
  return anchors;
};

/** Sorted by key where Python can compare all keys, else in file order. */
const sortedEntries = ({ entries }: YamlMapping): YamlMapping["entries"] => {
  let comparable = true;
  const sorted = entries.toSorted(([a], [b]) => {
    const order = compareKeys(a, b);
    comparable &&= order !== undefined;
    return order ?? 0;
  });
  return comparable ? sorted : entries;
};

const node = (sheet: Sheet, value: YamlValue, place: Place): void => {
  const anchor = sheet.anchors.get(value);
  if (sheet.written.has(value)) {
    indicator(sheet, `*${anchor}`);
    return;
  }
  if (anchor !== undefined) {
    sheet.written.add(value);
    indicator(sheet, `&${anchor}`);
  }
  if (isList(value)) list(sheet, value, place);
  else if (isMapping(value)) mapping(sheet, value, place);
  else scalar(sheet, value, place);
};

const list = (sheet: Sheet, items: readonly YamlValue[], { indent, mapping = false }: Place): void => {
  if (items.length === 0) {
    indicator(sheet, "[]");
    return;
  }
  // a list that is the value of a key starts in the column of the key
  const inner = mapping && !sheet.fresh ? (indent ?? 0) : deeper(indent, 0);
  for (const item of items) {
    newline(sheet, inner);
    indicator(sheet, "-", { keepsFresh: true });
    node(sheet, item, { indent: inner });
  }
};

const mapping = (sheet: Sheet, value: YamlMapping, { indent }: Place): void => {
  if (value.entries.length === 0) {
    indicator(sheet, "{}");
    return;
  }
  const inner = deeper(indent, 0);
  for (const [key, item] of sortedEntries(value)) {
    newline(sheet, inner);
    if (isSimpleKey(sheet, key)) {
      node(sheet, key, { indent: inner, simpleKey: true });
      indicator(sheet, ":", { glued: true });
    } else {
      indicator(sheet, "?");
      node(sheet, key, { indent: inner });
      newline(sheet, inner);
      indicator(sheet, ":", { keepsFresh: true });
    }
    node(sheet, item, { indent: inner, mapping: true });
  }
};

const deeper = (indent: number | undefined, first: number): number => (indent === undefined ? first : indent + STEP);

const isSimpleKey = (sheet: Sheet, key: YamlValue): boolean => {
  if (sheet.written.has(key)) return true;
  const { text, tag } = scalarText(key);
  const room = MAX_SIMPLE_KEY - (sheet.anchors.get(key)?.length ?? 0) - TAGS[tag];
  return (text.length < room || [...text].length < room) && text !== "" && !LINE_BREAK.test(text);
};

const LINE_BREAK = /[\n\x85\u2028\u2029]/;

const scalarText = (value: YamlValue): { readonly text: string; readonly tag: keyof typeof TAGS } => {
  if (typeof value === "string") return { text: value, tag: "str" };
  if (value === null) return { text: "null", tag: "null" };
  if (typeof value === "boolean") return { text: String(value), tag: "bool" };
  if (isList(value) || value.kind === "mapping") throw new TypeError("A list or a mapping cannot be a key.");
  return { text: value.text, tag: value.kind === "int" || value.kind === "float" ? value.kind : "timestamp" };
};

const scalar = (sheet: Sheet, value: YamlValue, { indent, simpleKey = false }: Place): void => {
  const { text, tag } = scalarText(value);
  const inner = deeper(indent, STEP);
  const fold = simpleKey ? undefined : inner;
  if (tag !== "str" || isPlain(text)) plain(sheet, text, fold);
  else if (isSingleQuotable(text)) singleQuoted(sheet, text, fold);
  else doubleQuoted(sheet, text, fold);
};

/** What nearly every text of a registry is: told by one look. */
const WORD = /^[A-Za-z_]\w*$/;

const isPlain = (text: string): boolean => (WORD.test(text) || isPlainLine(text)) && plainKind(text) === "str";

const isPlainLine = (text: string): boolean =>
  /^[\x20-\x7e]+$/.test(text) && !/^ | $|^(?:---|\.\.\.)|^[#,[\]{}&*!|>'"%@`]|^[?-](?: |$)|:(?: |$)| #/.test(text);

const isSingleQuotable = (text: string): boolean => /^[\n\x20-\x7e]*$/.test(text) && !/ \n|\n /.test(text);

const write = (sheet: Sheet, text: string): void => {
  sheet.out.push(text);
  sheet.column += text.length;
};

const indicator = (
  sheet: Sheet,
  text: string,
  { glued = false, keepsFresh = false }: { readonly glued?: boolean; readonly keepsFresh?: boolean } = {},
): void => {
  write(sheet, sheet.blank || glued ? text : ` ${text}`);
  sheet.blank = false;
  sheet.fresh &&= keepsFresh;
};

const lineBreak = (sheet: Sheet): void => {
  sheet.out.push("\n");
  sheet.column = 0;
  sheet.blank = true;
  sheet.fresh = true;
};

/** To column `indent`, in a new line unless this one holds nothing yet. */
const newline = (sheet: Sheet, indent: number): void => {
  if (!sheet.fresh || sheet.column > indent || (sheet.column === indent && !sheet.blank)) lineBreak(sheet);
  if (sheet.column < indent) {
    sheet.blank = true;
    write(sheet, " ".repeat(indent - sheet.column));
  }
};

const plain = (sheet: Sheet, text: string, fold: number | undefined): void => {
  if (!sheet.blank) write(sheet, " ");
  sheet.blank = false;
  sheet.fresh = false;
  if (!text.includes(" ")) {
    write(sheet, text);
    return;
  }
  for (const [run] of text.matchAll(/ +|[^ ]+/g)) {
    if (run === " " && sheet.column > WIDTH && fold !== undefined) {
      newline(sheet, fold);
      sheet.blank = false;
      sheet.fresh = false;
    } else {
      write(sheet, run);
    }
  }
};

const singleQuoted = (sheet: Sheet, text: string, fold: number | undefined): void => {
  indicator(sheet, "'");
  for (const { 0: run, index } of text.matchAll(/ +|\n+|[^ \n]+/g)) {
    const inside = index > 0 && index + run.length < text.length;
    if (run === " " && inside && sheet.column > WIDTH && fold !== undefined) {
      newline(sheet, fold);
    } else if (run.startsWith("\n")) {
      for (let i = 0; i <= run.length; i++) lineBreak(sheet);
      newline(sheet, fold ?? 0);
    } else {
      write(sheet, run.replaceAll("'", "''"));
    }
  }
  indicator(sheet, "'", { glued: true });
};

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "\0": "0",
    "\x07": "a",
    "\b": "b",
    "\t": "t",
    "\n": "n",
    "\v": "v",
    "\f": "f",
    "\r": "r",
    "\x1b": "e",
    '"': '"',
    "\\": "\\",
    "\x85": "N",
    "\xa0": "_",
    "\u2028": "L",
    "\u2029": "P",
  }),
);

const escaped = (char: string): string => {
  const short = ESCAPES.get(char);
  if (short !== undefined) return `\\${short}`;
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  return code <= 0xff
    ? `\\x${hex.padStart(2, "0")}`
    : code <= 0xffff
      ? `\\u${hex.padStart(4, "0")}`
      : `\\U${hex.padStart(8, "0")}`;
};

/** Pending literal characters count into the width before they are written, and every escape is a place where the line may end. */
const doubleQuoted = (sheet: Sheet, text: string, fold: number | undefined): void => {
  indicator(sheet, '"');
  const chars = Array.from(text);
  let pending = "";
  for (const [at, char] of chars.entries()) {
    const literal = /^[\x20-\x7e]$/.test(char) && char !== '"' && char !== "\\";
    if (!literal) {
      write(sheet, pending + escaped(char));
      pending = "";
    }
    const mayEnd = at > 0 && at < chars.length - 1 && (char === " " || !literal || pending === "");
    // PyYAML counts an escape just written one short
    const ahead = literal ? pending.length : -1;
    if (mayEnd && fold !== undefined && sheet.column + ahead > WIDTH) {
      write(sheet, `${pending}\\`);
      pending = "";
      newline(sheet, fold);
      sheet.blank = false;
      sheet.fresh = false;
      if ((literal ? char : chars[at + 1]) === " ") write(sheet, "\\");
    }
    if (literal) pending += char;
  }
  write(sheet, pending);
  indicator(sheet, '"', { glued: true });
};
