import { type Location, parseLocation } from "./genbank-location.ts";

export interface Qualifier {
  readonly key: string;
  /** Empty for a qualifier without a value. */
  readonly value: string;
}

export interface Feature {
  readonly type: string;
  /** The location as it was written, line breaks apart. */
  readonly raw: string;
  readonly location: Location;
  readonly qualifiers: readonly Qualifier[];
}

export interface GenBankRecord {
  readonly name: string;
  /** `VERSION`, else the first `ACCESSION`, else the name. */
  readonly id: string;
  readonly description: string | undefined;
  readonly topology: "linear" | "circular" | undefined;
  /** As LOCUS says it, such as `DNA`, `ss-RNA`, `mRNA`; `protein` where the length is in amino acids. */
  readonly moleculeType: string | undefined;
  /** Upper case. */
  readonly sequence: string;
  readonly features: readonly Feature[];
}

/** A mistake in a record, and the line it stands in, counted from 1. */
export class RecordFault extends Error {
  override readonly name: string = "RecordFault";
  readonly line: number;
  readonly value: string | undefined;

  constructor(line: number, rule: string, value?: string) {
    super(rule);
    this.line = line;
    this.value = value;
  }
}

interface Line {
  readonly text: string;
  readonly line: number;
}

/** Everything of a record before `//`, as it is met. */
export interface RecordLines {
  readonly locus: Line;
  readonly header: Line[];
  readonly features: Line[];
  readonly sequence: string[];
}

const LOCUS = /^LOCUS\s+(\S+)\s+(\d+)\s+(bp|aa|rc)\b(.*)$/;

interface Locus {
  readonly name: string;
  readonly length: number;
  readonly protein: boolean;
  readonly moleculeType: string | undefined;
  readonly topology: "linear" | "circular" | undefined;
}

const parseLocus = ({ text, line }: Line): Locus => {
  const [, name = "", length = "", unit = "", rest = ""] = LOCUS.exec(text) ?? [];
  if (name === "") throw new RecordFault(line, "LOCUS says name, length and bp or aa", text);
  const words = rest.trim().split(/\s+/);
  const topology = words.find((word) => word === "linear" || word === "circular");
  const protein = unit === "aa";
  const [first = ""] = words;
  const molecule = /(DNA|RNA|^NA$)/i.test(first) ? first : undefined;
  return {
    name,
    length: Number(length),
    protein,
    moleculeType: protein ? "protein" : molecule,
    topology: topology === "linear" || topology === "circular" ? topology : undefined,
  };
};

/** The lines of a record as what they say. Throws `RecordFault`. */
export const parseRecord = ({ locus, header, features, sequence }: RecordLines): GenBankRecord => {
  const { name, length, protein, moleculeType, topology } = parseLocus(locus);
  const symbols = sequence.join("").toUpperCase();
  if (symbols.length === 0)
    throw new RecordFault(locus.line, "the record has no sequence: ORIGIN is missing or empty", name);
  if (symbols.length !== length)
    throw new RecordFault(locus.line, `LOCUS says ${length} symbols, and ORIGIN holds ${symbols.length}`, name);
  const context = { length, circular: topology === "circular", stranded: !protein };
  return {
    name,
    id: wordOf(header, "VERSION") ?? wordOf(header, "ACCESSION") ?? name,
    description: textOf(header, "DEFINITION")?.replace(/\.$/, "") || undefined,
    topology,
    moleculeType,
    sequence: symbols,
    features: parseFeatures(features, context),
  };
};

/** The text of a keyword and of the lines that continue it; `undefined` where there is none, or nothing but a dot. */
const textOf = (header: readonly Line[], keyword: string): string | undefined => {
  const at = header.findIndex(({ text }) => text.startsWith(keyword));
  if (at < 0) return undefined;
  const words = [header[at]!.text.slice(keyword.length).trim()];
  for (const { text } of header.slice(at + 1)) {
    if (!text.startsWith(" ".repeat(12))) break;
    words.push(text.trim());
  }
  const joined = words.join(" ").trim();
  return joined === "" || joined === "." ? undefined : joined;
};

const wordOf = (header: readonly Line[], keyword: string): string | undefined =>
  textOf(header, keyword)?.split(/\s+/)[0];

/** Feature keys begin at column 6, what belongs to them at column 22. */
const KEY = /^ {3,8}(\S+)(?:\s+(\S.*))?$/;
const QUALIFIER = /^\/([^=\s]+)(?:=(.*))?$/s;

const parseFeatures = (lines: readonly Line[], context: Parameters<typeof parseLocation>[1]): readonly Feature[] => {
  const features: Feature[] = [];
  for (let at = 0; at < lines.length; ) {
    const { text, line } = lines[at]!;
    const [, type, first = ""] = KEY.exec(text) ?? [];
    if (type === undefined) throw new RecordFault(line, "a feature starts with its key at column 6", text.trim());
    at++;
    let raw = first.trim();
    for (; at < lines.length && isContinued(lines[at]!.text) && !lines[at]!.text.trimStart().startsWith("/"); at++)
      raw += lines[at]!.text.trim();
    const qualifiers: Qualifier[] = [];
    while (at < lines.length && isContinued(lines[at]!.text)) {
      const start = lines[at]!;
      const pieces = [start.text.trim()];
      let open = isOpen(pieces[0]!);
      for (at++; at < lines.length && isContinued(lines[at]!.text); at++) {
        const piece = lines[at]!.text.trim();
        if (!open && piece.startsWith("/")) break;
        pieces.push(piece);
        open = quotes(piece) % 2 === 0 ? open : !open;
      }
      if (open) throw new RecordFault(start.line, "a quotation mark is not closed", pieces[0]);
      qualifiers.push(qualifierOf(pieces, start.line));
    }
    let location: Location;
    try {
      location = parseLocation(raw, context);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RecordFault(line, error.message, raw);
    }
    features.push({ type, raw, location, qualifiers });
  }
  return features;
};

/** Whether a line belongs to the feature before it. */
export const isContinued = (text: string): boolean => text.startsWith("         ");

const quotes = (text: string): number => text.split('"').length - 1;

const isOpen = (first: string): boolean => {
  const value = first.indexOf("=");
  return value >= 0 && first[value + 1] === '"' && quotes(first.slice(value)) % 2 === 1;
};

/**
 * A quoted value goes on over lines as words do, a translation as letters do, anything without quotes as it stands. Two quotation marks in
 * a quoted value are one.
 */
const qualifierOf = (pieces: readonly string[], line: number): Qualifier => {
  const quoted = /^\/[^=\s]+="/.test(pieces[0]!);
  const whole = pieces.join(quoted && !pieces[0]!.startsWith("/translation=") ? " " : "");
  const [, key, value] = QUALIFIER.exec(whole) ?? [];
  if (key === undefined) throw new RecordFault(line, "a qualifier is /key or /key=value", whole);
  if (value === undefined) return { key, value: "" };
  if (!quoted) return { key, value };
  if (!/^"(?:[^"]|"")*"$/.test(value))
    throw new RecordFault(line, "text stands after the closing quotation mark", whole);
  return { key, value: value.slice(1, -1).replaceAll('""', '"') };
};
