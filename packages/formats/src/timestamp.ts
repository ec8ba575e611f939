import { type DataType, formatType, parseTimestamp } from "@usr/schema";
import { refuse } from "./error.ts";

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

const NS_PER_400_YEARS = 146_097n * 86_400_000_000_000n;

/** Years outside 0001 to 9999 as `formatTimestamp` writes them, with a sign and six digits or more: read in a year like it, 400 years apart. */
function parseFarTimestamp(text: string): ReturnType<typeof parseTimestamp> {
  const match = /^([+-]\d{6,7})(-.*)$/.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const cycle = Math.floor(year / 400) - 5;
  const near = parseTimestamp(`${year - cycle * 400}${match[2]}`);
  return near === undefined
    ? undefined
    : { epochNs: near.epochNs + BigInt(cycle) * NS_PER_400_YEARS, hasZone: near.hasZone };
}
