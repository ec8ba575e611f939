import * as v from "valibot";
import type { EventLine, JsonObject, LineProblem, LoggedEvent } from "./types.ts";

const object = v.custom<JsonObject>((value) => typeof value === "object" && value !== null && !Array.isArray(value));

/** What makes a line an event. Everything else a line holds is kept unseen. */
const envelope = () =>
  v.looseObject({
    event_version: v.pipe(v.number(), v.integer()),
    timestamp_utc: v.string(),
    action: v.pipe(v.string(), v.nonEmpty()),
    dataset: v.looseObject({ name: v.string(), root: v.nullable(v.string()) }),
    args: object,
    metrics: object,
    artifacts: object,
    maintenance: object,
    fingerprint: object,
    registry_hash: v.nullable(v.string()),
    actor: v.intersect([object, v.looseObject({ tool: v.string(), run_id: v.string() })]),
    version: v.string(),
    event_id: v.optional(v.string()),
    recovered: v.optional(v.boolean()),
  });

let made: ReturnType<typeof envelope> | undefined;

/** Put together for the first line: most commands read none. */
const schema = (): ReturnType<typeof envelope> => {
  made ??= envelope();
  return made;
};

const isEvent = (value: unknown): value is LoggedEvent => v.is(schema(), value);

/**
 * All events of a log, in order, and what else lies in it. Never throws: blank lines are skipped, the bare `NaN` and `Infinity` of Python's
 * logs are read as those numbers, other lines become problems. `torn`: the last line has no newline. It is an event if it is whole, as after
 * a crash just before the newline, and a problem otherwise. Integers beyond 2 ** 53 are rounded, as in any JavaScript reader of JSON.
 */
export function decodeEvents(bytes: Uint8Array): {
  readonly events: readonly LoggedEvent[];
  readonly problems: readonly LineProblem[];
  readonly torn: boolean;
} {
  const events: LoggedEvent[] = [];
  const problems: LineProblem[] = [];
  for (let offset = 0, line = 1; offset < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, offset);
    const end = newline < 0 ? bytes.length : newline;
    const decoded = decodeLine({ bytes: bytes.subarray(offset, end), offset, terminated: newline >= 0 }, line);
    if (decoded?.kind === "event") events.push(decoded.event);
    else if (decoded !== undefined) problems.push(decoded.problem);
    offset = end + 1;
  }
  return { events, problems, torn: bytes.length > 0 && bytes.at(-1) !== NEWLINE };
}

export const NEWLINE = 10;

/** A line of a log without its newline, which only the last line may lack. */
export interface RawLine {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly terminated: boolean;
}

/** The longest line that is looked into, in bytes; ours have a MiB at most, and the system's longest text has not much more. */
export const LONGEST_LINE: number = 2 ** 26;

/** `undefined` = a blank line. One that is too long is a problem that holds its beginning. */
export function decodeLine(raw: RawLine, line: number | undefined): EventLine | undefined {
  const tooLong = raw.bytes.length > LONGEST_LINE;
  const text = new TextDecoder().decode(tooLong ? raw.bytes.subarray(0, SHOWN) : raw.bytes);
  if (text.trim() === "" && !tooLong) return undefined;
  const problem = (kind: LineProblem["kind"], message: string): EventLine => ({
    kind: "problem",
    problem: { kind, line, offset: raw.offset, text, message },
  });
  if (tooLong) return problem(raw.terminated ? "malformed" : "torn", `The line has ${raw.bytes.length} bytes.`);
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    return raw.terminated
      ? problem("malformed", `The line is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
      : problem("torn", "The last line is cut off before its end.");
  }
  if (isEvent(value)) return { kind: "event", event: value, text, line, offset: raw.offset };
  const issue = v.safeParse(schema(), value).issues?.[0];
  const where = issue && v.getDotPath(issue);
  return problem("foreign", `The line is not an event${where ? `: ${where} is missing or of another type` : ""}.`);
}

const SHOWN = 1000;

/** JSON, and Python's bare `NaN`, `Infinity`, `-Infinity`. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // A decimal beyond the range of a double reads as an infinity; for NaN there is no such literal, so a string the line lacks stands in.
    let mark = "NaN";
    while (text.includes(`"${mark}"`)) mark += "_";
    const strict = text.replace(/"(?:[^"\\]|\\.)*"|NaN|Infinity/g, (part) =>
      part === "NaN" ? `"${mark}"` : part === "Infinity" ? "1e999" : part,
    );
    return JSON.parse(strict, (_key, value: unknown) => (value === mark ? Number.NaN : value));
  }
};
