import { formatTimestamp, parseTimestamp } from "@usr/schema";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("parseTimestamp", () => {
  it.each([
    ["1970-01-01T00:00:00Z", 0n, true],
    ["1970-01-01t00:00:00z", 0n, true],
    ["1970-01-01 00:00:00", 0n, false],
    ["1970-01-01T00:00:00.000000001Z", 1n, true],
    ["1969-12-31T23:59:59.999999999Z", -1n, true],
    ["2000-02-29T12:30:45.5+05:30", 951807645500000000n, true],
    ["2026-01-01T00:00:00-23:59", 1767311940000000000n, true],
    ["2026-01-01T00:00:00.1234567890000Z", 1767225600123456789n, true],
    ["0001-01-01T00:00:00Z", -62135596800000000000n, true],
    ["9999-12-31T23:59:59.999999999Z", 253402300799999999999n, true],
  ])("reads %s", (text, epochNs, hasZone) => {
    expect(parseTimestamp(text)).toEqual({ epochNs, hasZone });
  });

  it.each([
    "",
    "2026-01-01",
    "2026-01-01T00:00",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00,5Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2016-12-31T23:59:60Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "+002026-01-01T00:00:00Z",
    "-2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+00:60",
    "2026-01-01T00:00:00+0000",
    "2026-01-01T00:00:00 Z",
    " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
    "2026-01-01T00:00:00.0000000001Z",
    "２026-01-01T00:00:00Z",
  ])("refuses %j", (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  it("agrees with Date, to the millisecond, on every day of the calendar", () => {
    const day = fc.record({
      year: fc.integer({ min: 1, max: 9999 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 1, max: 31 }),
      ms: fc.integer({ min: 0, max: 86_399_999 }),
    });
    fc.assert(
      fc.property(day, ({ year, month, day, ms }) => {
        const date = new Date(0);
        date.setUTCFullYear(year, month - 1, day);
        const exists = date.getUTCDate() === day;
        const time = new Date(ms).toISOString().slice(10);
        const pad = (value: number, size: number): string => String(value).padStart(size, "0");
        const parsed = parseTimestamp(`${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}${time}`);
        expect(parsed).toEqual(
          exists ? { epochNs: BigInt(date.getTime() + ms) * 1_000_000n, hasZone: true } : undefined,
        );
      }),
      { numRuns: testRuns(2000) },
    );
  });
});

describe("the calendar", () => {
  it("has the days around the end of February that Date has, of every year", () => {
    for (let year = 1; year <= 9999; year++) {
      for (const [month, day] of [
        [2, 28],
        [2, 29],
        [3, 1],
      ] as const) {
        const date = new Date(0);
        date.setUTCFullYear(year, month - 1, day);
        const text = `${String(year).padStart(4, "0")}-0${month}-${String(day).padStart(2, "0")}T00:00:00`;
        const epochNs = BigInt(date.getTime()) * 1_000_000n;
        const exists = date.getUTCDate() === day;
        const parsed = parseTimestamp(text);
        if (parsed?.epochNs !== (exists ? epochNs : undefined)) expect([text, parsed]).toEqual([text, epochNs]);
        const written = formatTimestamp(BigInt(date.getTime()), "ms", false);
        if (exists && written !== `${text}.000000`) expect(written).toBe(`${text}.000000`);
      }
    }
  });
});

describe("formatTimestamp", () => {
  it.each([
    [951782400000n, "ms", true, "2000-02-29T00:00:00.000000Z"],
    [0n, "ms", true, "1970-01-01T00:00:00.000000Z"],
    [-1n, "ms", false, "1969-12-31T23:59:59.999000"],
    [-1n, "us", true, "1969-12-31T23:59:59.999999Z"],
    [-1n, "ns", true, "1969-12-31T23:59:59.999999999Z"],
    [-62135596800001n, "ms", true, "+000000-12-31T23:59:59.999000Z"],
    [253402300800000n, "ms", true, "+010000-01-01T00:00:00.000000Z"],
    [-(2n ** 63n), "ns", false, "1677-09-21T00:12:43.145224192"],
    [2n ** 63n - 1n, "us", true, "+294247-01-10T04:00:54.775807Z"],
    [-(2n ** 63n), "us", true, "-290308-12-21T19:59:05.224192Z"],
    [2n ** 63n - 1n, "ms", true, "+292278994-08-17T07:12:55.807000Z"],
    [-(2n ** 63n), "ms", true, "-292275055-05-16T16:47:04.192000Z"],
  ] as const)("writes %d %s", (value, unit, zoned, text) => {
    expect(formatTimestamp(value, unit, zoned)).toBe(text);
  });

  it("is read back exactly", () => {
    const units = { ms: 1_000_000n, us: 1000n, ns: 1n } as const;
    const unit = fc.constantFrom("ms", "us", "ns");
    const ns = fc.bigInt({ min: -62135596800000000000n, max: 253402300799999999999n });
    fc.assert(
      fc.property(unit, ns, fc.boolean(), (unit, ns, zoned) => {
        const value = ns / units[unit];
        const parsed = parseTimestamp(formatTimestamp(value, unit, zoned));
        expect(parsed).toEqual({ epochNs: value * units[unit], hasZone: zoned });
      }),
      { numRuns: testRuns(2000) },
    );
  });

  it("agrees with Date where Date reaches", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -8_640_000_000_000_000n, max: 8_640_000_000_000_000n }), (ms) => {
        const iso = new Date(Number(ms)).toISOString();
        expect(formatTimestamp(ms, "ms", true)).toBe(iso.replace("Z", "000Z"));
      }),
      { numRuns: testRuns(2000) },
    );
  });
});
