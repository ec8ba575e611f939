import { type DataType, formatType, parseTimestamp } from "@usr/schema";
import { refuse } from "../error.ts";
import { utf8Text } from "../utf8.ts";

export type TimestampType = Extract<DataType, { kind: "timestamp" }>;

export const NS_PER: Readonly<Record<TimestampType["unit"], bigint>> = { ms: 1_000_000n, us: 1_000n, ns: 1n };

/** RFC 3339 text as the type's count since the epoch. Throws where the zone is missing or too much, digits would be lost, or the range ends. */
export function textToTimestamp(text: string, type: TimestampType): bigint {
  const parsed = parseTimestamp(text) ?? parseFarTimestamp(text);
  if (parsed === undefined) throw refuse("is not an RFC 3339 time such as 2026-01-31T12:00:00Z");
  const zoned = type.timezone !== undefined;
  if (parsed.hasZone !== zoned) {
    const [has, needs] = zoned ? ["has no zone", "needs one"] : ["has a zone", "takes none"];
    throw refuse(`${has}, ${formatType(type)} ${needs}`);
  }
  const per = NS_PER[type.unit];
  if (parsed.epochNs % per !== 0n) throw refuse(`has digits that ${formatType(type)} cannot hold`);
  const value = parsed.epochNs / per;
  if (BigInt.asIntN(64, value) !== value) throw refuse(`is out of the range of ${formatType(type)}`);
  return value;
}

/**
 * The same from ASCII bytes. The common form, `2026-01-31T12:00:00.123456` with `Z` or without, is read here several times faster; anything else goes
 * the long way, with the same result.
 */
export function bytesToTimestamp(bytes: Uint8Array, start: number, end: number, type: TimestampType): bigint {
  return commonForm(bytes, start, end, type) ?? textToTimestamp(utf8Text(bytes, start, end), type);
}

const DIGITS: Readonly<Record<TimestampType["unit"], number>> = { ms: 3, us: 6, ns: 9 };
const FORM = "0000-00-00T00:00:00";

function commonForm(bytes: Uint8Array, start: number, end: number, type: TimestampType): bigint | undefined {
  const zoned = type.timezone !== undefined;
  const stop = zoned ? end - 1 : end;
  const digits = DIGITS[type.unit];
  const places = stop - start - 20;
  if (stop - start !== 19 && (places < 1 || places > digits || bytes[start + 19] !== 0x2e)) return undefined;
  if (zoned && bytes[stop] !== 0x5a) return undefined;
  for (let i = 0; i < 19; i++) {
    const byte = bytes[start + i]!;
    const wanted = FORM.charCodeAt(i);
    if (wanted === 0x30 ? byte < 0x30 || byte > 0x39 : byte !== wanted) return undefined;
  }
  let fraction = 0;
  for (let at = start + 20; at < stop; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    fraction = fraction * 10 + digit;
  }
  if (places > 0) fraction *= 10 ** (digits - places);
  else fraction = 0;
  const two = (at: number): number => (bytes[start + at]! - 0x30) * 10 + bytes[start + at + 1]! - 0x30;
  const year = two(0) * 100 + two(2);
  const [month, day, hour, minute, second] = [two(5), two(8), two(11), two(14), two(17)];
  // years below 1600 and days that a month may lack are left to the long way
  if (year < 1600 || month < 1 || month > 12 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59)
    return undefined;
  const milliseconds = Date.UTC(year, month - 1, day, hour, minute, second);
  if (type.unit === "ms") return BigInt(milliseconds + fraction);
  const value = BigInt(milliseconds / 1000) * BigInt(10 ** digits) + BigInt(fraction);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

const NS_PER_400_YEARS = 146_097n * 86_400_000_000_000n;

/** Years outside 0001 to 9999 as `formatTimestamp` writes them, with a sign and six digits or more: read in a year like it, 400 years apart. */
function parseFarTimestamp(text: string): ReturnType<typeof parseTimestamp> {
  const match = /^([+-]\d{6,9})(-.*)$/.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const cycle = Math.floor(year / 400) - 5;
  const near = parseTimestamp(`${year - cycle * 400}${match[2]}`);
  return near === undefined
    ? undefined
    : { epochNs: near.epochNs + BigInt(cycle) * NS_PER_400_YEARS, hasZone: near.hasZone };
}
