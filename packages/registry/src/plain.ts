import type { YamlValue } from "./types.ts";
import { yamlFloat, yamlInt, yamlTime } from "./values.ts";

export type PlainKind = "str" | "bool" | "float" | "int" | "merge" | "null" | "timestamp" | "value";

/** What YAML 1.1 takes an unquoted scalar for: its implicit types as PyYAML has them, in its order. */
export const plainKind = (text: string): PlainKind => {
  // All else starts with a digit, a sign or a mark, or is a word as short as "false".
  if (text.length > 5 && isLetter(text.charCodeAt(0))) return "str";
  if (/^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/.test(text)) return "bool";
  if (
    /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/.test(
      text,
    )
  )
    return "float";
  if (
    /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/.test(
      text,
    )
  )
    return "int";
  if (text === "<<") return "merge";
  if (/^(?:~|null|Null|NULL|)$/.test(text)) return "null";
  if (
    /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/.test(
      text,
    )
  )
    return "timestamp";
  return text === "=" ? "value" : "str";
};

const isLetter = (unit: number): boolean => (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a;

/** Reads an unquoted scalar as PyYAML's safe loader does; throws `RangeError` for a number or a time that it refuses. */
export const readPlain = (text: string): YamlValue => {
  switch (plainKind(text)) {
    case "null":
      return null;
    case "bool":
      return ["yes", "true", "on"].includes(text.toLowerCase());
    case "int":
      return yamlInt(readInt(text));
    case "float":
      return yamlFloat(readFloat(text));
    case "timestamp":
      return readTime(text);
    case "merge":
    case "value":
      throw new RangeError(`An unquoted ${text} has no value; put it in quotes.`);
    case "str":
      return text;
  }
};

// Python refuses to read longer numbers
const MAX_DIGITS = 4300;

const readInt = (text: string): bigint => {
  const digits = text.replaceAll("_", "").replace(/^[-+]/, "");
  const size = magnitude(digits, text);
  return text.startsWith("-") ? -size : size;
};

const magnitude = (digits: string, text: string): bigint => {
  if (digits.length > MAX_DIGITS) throw new RangeError("A number has more than 4300 digits.");
  if (digits === "0b" || digits === "0x") throw new RangeError(`${text} is no number.`);
  if (/^0[bx]/.test(digits)) return BigInt(digits);
  if (digits.includes(":")) return digits.split(":").reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  return digits.startsWith("0") ? BigInt(`0o${digits}`) : BigInt(digits);
};

const readFloat = (text: string): number => {
  const digits = text.replaceAll("_", "").toLowerCase().replace(/^[-+]/, "");
  const sign = text.startsWith("-") ? -1 : 1;
  if (digits === ".inf") return sign * Infinity;
  // ".nan" is no number to JavaScript either; parts of sixty are summed from the last place up, so that rounding falls as in Python
  let [value, base] = [0, 1];
  for (const part of digits.split(":").reverse()) {
    value += Number(part) * base;
    base *= 60;
  }
  return sign * value;
};

const readTime = (text: string): YamlValue => {
  const [
    ,
    year = "",
    month = "",
    day = "",
    hour,
    minute = "",
    second = "",
    fraction = "",
    zone,
    sign,
    zoneHour,
    zoneMinute,
  ] =
    /^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?)?$/.exec(
      text,
    ) ?? [];
  const date = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  if (year === "0000" || !isDay(date)) throw new RangeError(`${text} is no day of the calendar.`);
  if (hour === undefined) return yamlTime("date", date);
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    throw new RangeError(`${text} is no time of the day.`);
  const micros = fraction.slice(0, 6).padEnd(6, "0");
  const offset = zone === undefined ? "" : zoneOffset(text, sign, Number(zoneHour ?? 0) * 60 + Number(zoneMinute ?? 0));
  const point = Number(micros) === 0 ? "" : `.${micros}`;
  return yamlTime("datetime", `${date} ${hour.padStart(2, "0")}:${minute}:${second}${point}${offset}`);
};

const isDay = (date: string): boolean => {
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
};

const zoneOffset = (text: string, sign: string | undefined, minutes: number): string => {
  if (minutes >= 24 * 60) throw new RangeError(`The offset of ${text} is a day or more.`);
  const pad = (value: number): string => value.toString().padStart(2, "0");
  return `${sign === "-" && minutes > 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
};
