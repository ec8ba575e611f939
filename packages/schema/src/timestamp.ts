import type { TimestampUnit } from "./types.ts";

const PATTERN = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))?$/;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const PER_SECOND: Readonly<Record<TimestampUnit, bigint>> = { ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n };

/**
 * Reads an RFC 3339 time to the nanosecond: `T`, `t` or a blank between date and time; zone `Z`, `z`, `±hh:mm` or none (`hasZone` false, the
 * fields are then taken as UTC). Years 0001 to 9999 of the proleptic Gregorian calendar.
 *
 * Anything else is `undefined`: days the month does not have, 24:00, leap seconds, a fraction finer than a nanosecond (zeros are let through).
 */
export function parseTimestamp(text: string): { readonly epochNs: bigint; readonly hasZone: boolean } | undefined {
  const match = PATTERN.exec(text);
  if (match === null) {
    return undefined;
  }
  const field = (group: number): number => Number(match[group]);
  const year = field(1);
  const month = field(2);
  const day = field(3);
  const hour = field(4);
  const minute = field(5);
  const second = field(6);
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) {
    return undefined;
  }
  if (hour > 23 || minute > 59 || second > 59) {
    return undefined;
  }
  const fraction = match[7] ?? "";
  if (/[^0]/.test(fraction.slice(9))) {
    return undefined;
  }
  let seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
  const sign = match[9];
  if (sign !== undefined) {
    const offsetHour = field(10);
    const offsetMinute = field(11);
    if (offsetHour > 23 || offsetMinute > 59) {
      return undefined;
    }
    const offset = offsetHour * 3_600 + offsetMinute * 60;
    seconds += sign === "+" ? -offset : offset;
  }
  return {
    epochNs: BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0")),
    hasZone: match[8] !== undefined || sign !== undefined,
  };
}

/**
 * RFC 3339 in UTC with six fraction digits (nine for `ns`), `Z` iff `zoned`. `value` counts `unit` since 1970-01-01T00:00:00Z.
 * Years outside 0001 to 9999, which RFC 3339 does not have, are written with a sign and at least six digits: `-000043-03-15T…`, `+010000-01-01T…`.
 */
export function formatTimestamp(value: bigint, unit: TimestampUnit, zoned: boolean): string {
  const perSecond = PER_SECOND[unit];
  const perDay = perSecond * 86_400n;
  let within = value % perDay;
  if (within < 0n) {
    within += perDay;
  }
  const { year, month, day } = civilFromDays(Number((value - within) / perDay));
  const second = Number(within / perSecond);
  const fraction = (within % perSecond)
    .toString()
    .padStart(unit === "ms" ? 3 : unit === "us" ? 6 : 9, "0")
    .padEnd(6, "0");
  const time = `${two(Math.floor(second / 3_600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}.${fraction}`;
  return `${yearText(year)}-${two(month)}-${two(day)}T${time}${zoned ? "Z" : ""}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function yearText(year: number): string {
  return year >= 1 && year <= 9999
    ? String(year).padStart(4, "0")
    : `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}`;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : MONTH_DAYS[month - 1]!;
}

/** Days since 1970-01-01, by eras of 400 years that start on 1 March. Numbers stay far below 2^53. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilFromDays(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}
