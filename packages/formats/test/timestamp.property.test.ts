import type { TimestampUnit } from "@usr/schema";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesToTimestamp, type TimestampType, textToTimestamp } from "../src/columns/timestamp.ts";
import { FormatError } from "../src/index.ts";
import { bytesOf } from "./helpers.ts";

function outcome(read: () => bigint): bigint | string {
  try {
    return read();
  } catch (error) {
    return error instanceof FormatError ? error.message : String(error);
  }
}

const digits = (length: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min: 0, max }).map((value) => String(value).padStart(length, "0"));

test("the fast way and the long way agree, in values and in refusals", () => {
  const text = fc
    .tuple(
      fc.oneof(digits(4, 9999), fc.constantFrom("1599", "1600", "1677", "2262", "2263", "0000")),
      digits(2, 13),
      digits(2, 32),
      digits(2, 25),
      digits(2, 60),
      digits(2, 60),
      fc.oneof(
        fc.constantFrom("", ".", ".x"),
        fc.nat(999_999_999).map((value) => `.${value}`),
        digits(9, 99_999).map((value) => `.${value}`),
      ),
      fc.constantFrom("", "", "Z", "Z", "z", "+01:00", "ZZ"),
      fc.constantFrom("T", "T", "T", "t", " ", "_"),
    )
    .map(
      ([year, month, day, hour, minute, second, fraction, zone, t]) =>
        `${year}-${month}-${day}${t}${hour}:${minute}:${second}${fraction}${zone}`,
    );
  const type = fc
    .tuple(fc.constantFrom<TimestampUnit>("ms", "us", "ns"), fc.boolean())
    .map(
      ([unit, zoned]): TimestampType =>
        zoned ? { kind: "timestamp", unit, timezone: "UTC" } : { kind: "timestamp", unit },
    );
  fc.assert(
    fc.property(text, type, (value, as) => {
      const bytes = bytesOf(`x${value}1`);
      expect(outcome(() => bytesToTimestamp(bytes, 1, bytes.length - 1, as))).toBe(
        outcome(() => textToTimestamp(value, as)),
      );
    }),
    { numRuns: 20_000 },
  );
});
