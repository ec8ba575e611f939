/// <reference types="node" />
import { countComparisons, oracle, testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEvent, decodeEvents, encodeEvent, type JsonObject, type JsonValue } from "../src/index.ts";
import { input, textOf } from "./sample.ts";

const SCRIPT = `
import json, struct
def value(x):
    kind, v = x
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(v))[0]
    if kind == "list":
        return [value(y) for y in v]
    if kind == "object":
        return {k: value(y) for k, y in v}
    return v
def main(event):
    return json.dumps(value(event), separators=(",", ":"))
`;

/** A value with its Python type: what JSON would blur, a float crosses as its bits. */
const typed = (value: JsonValue | undefined): readonly [string, unknown] => {
  if (typeof value === "number" && (!Number.isSafeInteger(value) || Object.is(value, -0))) {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setFloat64(0, value);
    return ["float", bits.getBigUint64(0).toString(16).padStart(16, "0")];
  }
  if (Array.isArray(value)) return ["list", value.map(typed)];
  if (typeof value === "object" && value !== null)
    return ["object", Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, typed(item)]]))];
  return ["plain", value ?? null];
};

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }),
  // single UTF-16 units: lone surrogates among them
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
  fc.string({
    unit: fc.constantFrom(
      "\0",
      "\b",
      "\t",
      "\n",
      "\v",
      "\f",
      "\r",
      "\x1f",
      '"',
      "\\",
      "/",
      "\x7f",
      "\x80",
      "\u2028",
      "\ufeff",
      "🧬",
    ),
    maxLength: 8,
  }),
);
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1, max: 1, noNaN: true }),
  fc.integer({ min: -330, max: 308 }).map((power) => Number(`1e${power}`)),
  fc
    .integer({ min: -20, max: 25 })
    .chain((power) => fc.integer({ min: -9999, max: 9999 }).map((n) => Number(`${n}e${power}`))),
  fc.constantFrom(
    0,
    -0,
    5e-324,
    1.7976931348623157e308,
    2 ** 53,
    2 ** 53 + 2,
    1e16,
    9999999999999998,
    1e21,
    1e-4,
    0.00001,
    123456.789,
  ),
);
const { object } = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  object: fc.dictionary(text, tie("value"), { maxKeys: 4, noNullPrototype: true }),
}));

describe.skipIf(!process.env["USR_ORACLE_PYTHON"])("against Python's json.dumps", () => {
  it("random events are the same bytes, and are read back to the same values", async () => {
    const python = oracle();
    if (python === undefined) throw new Error("unreachable without Python");
    await using worker = python.worker(SCRIPT);
    const numRuns = testRuns(5000);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(text, text, object, object, object, async (action, name, args, metrics, maintenance) => {
        const event = createEvent(
          input(1, {
            action: `x${action}`,
            dataset: { name, root: null },
            args,
            metrics,
            artifacts: metrics,
            maintenance,
          }),
        );
        const line = encodeEvent(event);
        expect(textOf(line)).toBe(`${await worker.ask(typed({ ...event }))}\n`);
        expect(line.every((byte) => byte < 0x80)).toBe(true);
        const { events, problems } = decodeEvents(line);
        expect(problems).toEqual([]);
        expect(events).toEqual([event]);
        compared++;
      }),
      { numRuns },
    );
    expect(compared).toBeGreaterThanOrEqual(numRuns);
    countComparisons("events: encoded bytes", compared);
  });
});
