export type FormatErrorCode = "TYPE_MISMATCH" | "CORRUPT" | "TOO_LARGE" | "NOT_SUPPORTED" | "UNKNOWN_COLUMN" | "USAGE";

/** Where and what, as far as known. Rows and lines count from 1, bytes from 0. */
export interface FormatProblem {
  readonly file?: string | undefined;
  readonly row?: number | undefined;
  readonly line?: number | undefined;
  readonly byte?: number | undefined;
  readonly column?: string | undefined;
  /** At most 60 characters, control characters escaped. */
  readonly value?: string | undefined;
  readonly rule?: string | undefined;
  /** The way out. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Input that does not fit its format or the type asked for, or a table a format cannot carry. */
export class FormatError extends Error {
  override readonly name: string = "FormatError";
  readonly code: FormatErrorCode;
  readonly hint?: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: FormatErrorCode, problem: FormatProblem) {
    super(sentence(problem), problem.cause === undefined ? undefined : { cause: problem.cause });
    const { hint, cause: _cause, ...details } = problem;
    this.code = code;
    if (hint !== undefined) this.hint = hint;
    this.details = Object.fromEntries(Object.entries(details).filter((entry) => entry[1] !== undefined));
  }
}

function sentence(problem: FormatProblem): string {
  const { file, row, line, byte, column, value, rule } = problem;
  const place = [
    file,
    row === undefined ? undefined : `row ${row}`,
    line === undefined ? undefined : `line ${line}`,
    byte === undefined ? undefined : `byte ${byte}`,
    column === undefined ? undefined : `column ${printable(column)}`,
  ].filter((part) => part !== undefined);
  const what = [value === undefined ? undefined : `"${value}"`, rule].filter((part) => part !== undefined).join(" ");
  return place.length === 0 ? what : `${place.join(", ")}: ${what}`;
}

/** For callers without types. */
export function unknownFormat(format: never): FormatError {
  return new FormatError("USAGE", {
    rule: `${JSON.stringify(format)} is no format`,
    hint: "Use csv, tsv, jsonl, fasta, genbank, parquet or arrow; formatOf tells it by the suffix of a path.",
  });
}

const SHOWN = 60;

/** Text fit for a message: cut to 60 characters, control characters escaped. */
export function printable(text: string): string {
  const cut = text.length > SHOWN ? `${text.slice(0, SHOWN - 1).replace(/[\ud800-\udbff]$/, "")}…` : text;
  return cut.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, escaped);
}

function escaped(symbol: string): string {
  return `\\u${symbol.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const lenient: TextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The start of a byte range, fit for a message. */
export function printableBytes(bytes: Uint8Array, start: number, end: number): string {
  return printable(lenient.decode(bytes.subarray(start, Math.min(end, start + 4 * SHOWN + 4))));
}

/** A refusal without a place; the reader that knows row and column adds them with `placed`. */
export function refuse(rule: string, problem?: FormatProblem): FormatError {
  return new FormatError("TYPE_MISMATCH", { ...problem, rule });
}

/** The same error with a place. What the error knows already wins. */
export function placed(error: unknown, place: FormatProblem): unknown {
  if (!(error instanceof FormatError) || error.details["file"] !== undefined) return error;
  return new FormatError(error.code, {
    ...place,
    ...error.details,
    hint: error.hint ?? place.hint,
    cause: error.cause,
  });
}
