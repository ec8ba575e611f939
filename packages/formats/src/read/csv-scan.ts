import { FormatError } from "../error.ts";
import type { ByteWindow, Limits } from "../source.ts";
import { utf8Step } from "../utf8.ts";

export const QUOTED = 1;
/** The quoted cell holds doubled quotes. */
export const DOUBLED = 2;

/** The cells of one row as byte ranges of the window, without their quotes. */
export interface RowScan {
  /** Cells so far; in a fault the index of the cell at fault. */
  count: number;
  starts: Int32Array;
  ends: Int32Array;
  flags: Uint8Array;
  /** Where the next row starts. */
  next: number;
  /** Line ends that the row spans. */
  lines: number;
}

export function rowScan(columns: number): RowScan {
  return {
    count: 0,
    starts: new Int32Array(columns),
    ends: new Int32Array(columns),
    flags: new Uint8Array(columns),
    next: 0,
    lines: 0,
  };
}

/** Byte classes that end a fast run: inside quotes only quote, line feed, NUL and non-ASCII; outside also delimiter and carriage return. */
export interface CsvDialect {
  readonly delimiter: number;
  readonly plain: Uint8Array;
  readonly quoted: Uint8Array;
}

export function csvDialect(delimiter: "," | "\t"): CsvDialect {
  const stops = (symbols: string): Uint8Array => {
    const table = new Uint8Array(256).fill(1, 0x80);
    for (const symbol of symbols) table[symbol.charCodeAt(0)] = 1;
    return table;
  };
  return { delimiter: delimiter.charCodeAt(0), plain: stops(`\0"\r\n${delimiter}`), quoted: stops('\0"\n') };
}

function fault(window: ByteWindow, at: number, rule: string, hint?: string): FormatError {
  return new FormatError("CORRUPT", { byte: window.origin + at, rule, hint });
}

const BARE_CR = "a carriage return stands alone, without a line feed or quotes";

/**
 * Scans the row that starts at `window.at` by RFC 4180, strictly. False = the window ends before the row does. One scan of a row is one pass over
 * its bytes; nothing is copied.
 */
export function scanRow(window: ByteWindow, dialect: CsvDialect, row: RowScan, limits: Limits): boolean {
  const { bytes, end, final } = window;
  const { delimiter, plain, quoted } = dialect;
  let at = window.at;
  let lines = 0;
  row.count = 0;
  for (;;) {
    let start = at;
    let flags = 0;
    let stop: number;
    if (bytes[at] === 0x22 && at < end) {
      flags = QUOTED;
      start = ++at;
      for (;;) {
        while (quoted[bytes[at]!] === 0) at++;
        if (at >= end) {
          checkField(window, start, end, limits);
          if (final) throw fault(window, start - 1, "a quoted cell is never closed");
          return false;
        }
        const byte = bytes[at]!;
        if (byte === 0x22) {
          if (at + 1 >= end && !final) return false;
          if (at + 1 >= end || bytes[at + 1] !== 0x22) break;
          flags |= DOUBLED;
          at += 2;
        } else if (byte === 0x0a) {
          lines++;
          at++;
        } else {
          const step = multibyte(window, at);
          if (step < 0) return false;
          at += step;
        }
      }
      stop = at++;
      if (at < end && plain[bytes[at]!] === 0) throw fault(window, at, "text follows a closing quote");
      if (at < end && (bytes[at] === 0x22 || bytes[at]! >= 0x80 || bytes[at] === 0)) {
        throw fault(window, at, "text follows a closing quote");
      }
    } else {
      for (;;) {
        while (plain[bytes[at]!] === 0) at++;
        if (at >= end) break;
        const byte = bytes[at]!;
        if (byte === 0x22) {
          throw fault(
            window,
            at,
            "a quote stands inside a cell that does not start with one",
            "Quote the whole cell and double the quotes in it.",
          );
        }
        if (byte === delimiter || byte === 0x0a || byte === 0x0d) break;
        const step = multibyte(window, at);
        if (step < 0) return false;
        at += step;
      }
      stop = at;
    }
    checkField(window, start, stop, limits);
    if (row.count === row.starts.length) {
      if (row.count >= limits.maxColumns) {
        throw new FormatError("TOO_LARGE", {
          byte: window.origin + start,
          rule: `a row has more than ${limits.maxColumns} cells`,
        });
      }
      grow(row);
    }
    row.starts[row.count] = start;
    row.ends[row.count] = stop;
    row.flags[row.count] = flags;
    row.count++;
    if (at >= end) {
      if (!final) return false;
      row.next = at;
      break;
    }
    const byte = bytes[at]!;
    if (byte === delimiter) {
      at++;
      continue;
    }
    if (byte === 0x0d) {
      if (at + 1 >= end && !final) return false;
      if (at + 1 >= end || bytes[at + 1] !== 0x0a) {
        row.count--;
        throw fault(window, at, BARE_CR);
      }
      at++;
    }
    lines++;
    row.next = at + 1;
    break;
  }
  row.lines = lines;
  return true;
}

/** Bytes of the non-ASCII character at `at`; -1 = cut off by the window. */
function multibyte(window: ByteWindow, at: number): number {
  if (window.bytes[at] === 0) throw fault(window, at, "a NUL byte");
  const step = utf8Step(window.bytes, at, window.end);
  if (step === 0 || (step < 0 && window.final)) throw fault(window, at, "invalid UTF-8", "Save the file as UTF-8.");
  return step;
}

function checkField(window: ByteWindow, start: number, end: number, limits: Limits): void {
  if (end - start <= limits.maxFieldBytes) return;
  throw new FormatError("TOO_LARGE", {
    byte: window.origin + start,
    rule: `a cell is longer than ${limits.maxFieldBytes} bytes`,
    hint: "A quote that is opened and never closed looks like this too.",
  });
}

function grow(row: RowScan): void {
  const size = Math.max(16, row.starts.length * 2);
  const starts = new Int32Array(size);
  starts.set(row.starts);
  const ends = new Int32Array(size);
  ends.set(row.ends);
  const flags = new Uint8Array(size);
  flags.set(row.flags);
  row.starts = starts;
  row.ends = ends;
  row.flags = flags;
}
