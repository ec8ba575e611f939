import type { ReadHandle, Signal } from "@usr/storage";
import { decodeLine, LONGEST_LINE } from "../decode.ts";
import { EventError } from "../error.ts";
import { linesFrom } from "../lines.ts";
import type { LoggedEvent } from "../types.ts";

/** A line as two logs may share it. */
export interface LogLine {
  /** Without its newline, exactly as it lies there. */
  readonly text: string;
  /** `undefined` = a line of another tool. */
  readonly event: LoggedEvent | undefined;
}

/** Some bytes of a log, which begin a line. */
export interface LogRange {
  readonly handle: ReadHandle;
  readonly start: number;
}

/**
 * The lines of each log that the other lacks, in their order. Lines are the same where they carry the same `event_id`, or else the same
 * bytes as often. Blank lines and a last line that is cut off count for nothing: the whole line comes another time.
 *
 * `altered` are lines of `b` that carry an `event_id` of `a` and are other bytes, blanks at their end aside (a log that has been on Windows):
 * one of the logs is damaged, or somebody has edited it.
 *
 * Memory: the lines of both ranges; leave out what both are known to begin with.
 */
export const compareLogs = async (
  a: LogRange | undefined,
  b: LogRange | undefined,
  o: Signal = {},
): Promise<{
  readonly onlyA: readonly LogLine[];
  readonly onlyB: readonly LogLine[];
  readonly altered: readonly LogLine[];
}> => {
  const linesA = await namedLines(a, o);
  const linesB = await namedLines(b, o);
  return { onlyA: lacking(linesA, linesB), onlyB: lacking(linesB, linesA), altered: altered(linesA, linesB) };
};

/** The lines of `wanted` that `log` lacks. */
export const missingLines = async (
  log: LogRange | undefined,
  wanted: LogRange,
  o: Signal = {},
): Promise<readonly LogLine[]> => lacking(await namedLines(wanted, o), await namedLines(log, o));

/** The lines that a log does not hold. */
export const linesNotIn = async (
  lines: readonly LogLine[],
  log: LogRange,
  o: Signal = {},
): Promise<readonly LogLine[]> => {
  const held = await namedLines(log, o);
  const seen = new Map<string, number>();
  return lines.filter((line) => !held.has(nameOf(line, seen)));
};

/** What makes a line the same in two logs: its id, or its text and how often that has been there before. */
const nameOf = ({ text, event }: LogLine, seen: Map<string, number>): string => {
  if (event?.event_id !== undefined) return event.event_id;
  const count = seen.get(text) ?? 0;
  seen.set(text, count + 1);
  return `${count} ${text}`;
};

const lacking = (lines: ReadonlyMap<string, LogLine>, others: ReadonlyMap<string, LogLine>): readonly LogLine[] =>
  [...lines].filter(([name]) => !others.has(name)).map(([, line]) => line);

const altered = (lines: ReadonlyMap<string, LogLine>, others: ReadonlyMap<string, LogLine>): readonly LogLine[] =>
  [...others]
    .filter(([name, { text }]) => (lines.get(name)?.text ?? text).trimEnd() !== text.trimEnd())
    .map(([, line]) => line);

/** Lines by what makes them the same in two logs. */
const namedLines = async (range: LogRange | undefined, o: Signal): Promise<ReadonlyMap<string, LogLine>> => {
  const named = new Map<string, LogLine>();
  if (range === undefined) return named;
  const seen = new Map<string, number>();
  for await (const raw of linesFrom(range.handle, range.start, o)) {
    if (raw.terminated && raw.bytes.length > LONGEST_LINE)
      throw new EventError(
        "TOO_LARGE",
        `A line of ${raw.bytes.length} bytes is too long to be brought into another log.`,
        { offset: raw.offset, bytes: raw.bytes.length },
        { hint: "It is no event: take it out of the log." },
      );
    const line = decodeLine(raw, undefined);
    if (line === undefined || (line.kind === "problem" && line.problem.kind === "torn")) continue;
    const text = line.kind === "event" ? line.text : line.problem.text;
    const event = line.kind === "event" ? line.event : undefined;
    named.set(nameOf({ text, event }, seen), { text, event });
  }
  return named;
};
