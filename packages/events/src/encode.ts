import { EventError } from "./error.ts";
import type { JsonValue, LoggedEvent } from "./types.ts";

/** Longest line that is written, its newline included: a reader of the Python program takes no longer one. */
const MAX_BYTES = 1_048_576;

/**
 * The line of an event, newline included: the bytes of Python's `json.dumps(event, separators=(",", ":"))`, all ASCII, keys in the order of
 * the object. Numbers that are safe integers are written as integers, all others as Python writes a float. Throws `EventError` `NOT_JSON` for
 * NaN and the infinities, `TOO_LARGE` for a line beyond 1 MiB.
 */
export function encodeEvent(event: LoggedEvent): Uint8Array {
  const line = new TextEncoder().encode(`${json({ ...event }, "")}\n`);
  if (line.length > MAX_BYTES) {
    throw new EventError(
      "TOO_LARGE",
      `The event ${event.action} takes ${line.length} bytes, more than ${MAX_BYTES}.`,
      { bytes: line.length, limit: MAX_BYTES, action: event.action },
      { hint: "Keep long lists out of args and metrics: put them in a file and name it." },
    );
  }
  return line;
}

const json = (value: JsonValue, where: string): string => {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return number(value, where);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, i) => json(item, `${where}[${i}]`)).join(",")}]`;
  const pairs: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) pairs.push(`${quote(key)}:${json(item, where === "" ? key : `${where}.${key}`)}`);
  }
  return `{${pairs.join(",")}}`;
};

/** `JSON.stringify` escapes quotes, backslashes, controls and lone surrogates as Python does; DEL and the rest of Unicode are left to escape here. */
const quote = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Both languages print the shortest digits that read back the same; they differ in when they turn to an exponent, and how it looks. */
const number = (value: number, where: string): string => {
  if (!Number.isFinite(value)) {
    throw new EventError("NOT_JSON", `The value of ${where} is ${value}, which JSON cannot hold.`, { where, value });
  }
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value);
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16)
    return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  const plain = Object.is(value, -0) ? "-0" : String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
};
