import { describe, expect, it } from "vitest";
import {
  createEvent,
  decodeEvents,
  EventError,
  type EventInput,
  encodeEvent,
  type JsonObject,
  uuidv7,
} from "../src/index.ts";
import { bytesOf, input, sample, textOf } from "./sample.ts";

const refusal = (work: () => unknown): EventError => {
  try {
    work();
  } catch (error) {
    if (error instanceof EventError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
};

describe("what each action says", () => {
  const USR = { overlay: { namespace: "usr" } };
  const STATE = { overlay: { namespace: "usr_state" } };
  it.each<[string, readonly string[], JsonObject]>([
    ["init", ["rows"], { overlays: [] }],
    ["import_rows", ["rows_written", "rows_skipped"], { base: {} }],
    ["attach", ["rows_incoming", "rows_matched", "rows_missing"], { overlay: {} }],
    ["write_overlay_part", ["rows_incoming", "rows_written", "rows_missing"], { overlay: {} }],
    ["tombstone", ["rows"], USR],
    ["restore", ["rows"], USR],
    ["state_set", ["rows"], STATE],
    ["state_clear", ["rows"], STATE],
    ["snapshot", ["rows"], { snapshot: {} }],
    ["materialize", ["overlays", "rows"], {}],
    ["dedupe", ["rows_total", "rows_dropped", "groups"], { base: {} }],
    ["registry_freeze", ["updated"], {}],
    ["remove_overlay", ["removed"], { overlay: {} }],
    ["pull", [], {}],
  ])("%s", (action, names, artifacts) => {
    const metrics = Object.fromEntries(names.map((name, n) => [name, n]));
    const event = createEvent(input(0, { action, metrics: Object.fromEntries(Object.entries(metrics).reverse()) }));
    expect(JSON.stringify(event.metrics)).toBe(JSON.stringify(metrics));
    expect(event.artifacts).toEqual(artifacts);
    for (const name of names) {
      const { [name]: _, ...rest } = metrics;
      expect(refusal(() => createEvent(input(0, { action, metrics: rest }))).details).toEqual({
        action,
        missing: [name],
      });
    }
    expect(createEvent(input(0, { action, metrics, artifacts: { overlay: 1 } })).artifacts["overlay"]).toBe(1);
  });
  it("may have no args, no metrics and no artifacts of its own", () => {
    const event = createEvent(input(0, { action: "pull", args: undefined, metrics: undefined, artifacts: undefined }));
    expect([event.args, event.metrics, event.artifacts, event.maintenance]).toStrictEqual([{}, {}, {}, {}]);
    expect([event.event_version, event.version]).toEqual([1, "0.1.0"]);
    expect(sample(0, { version: "7", maintenance: { reason: "r" } })).toMatchObject({
      version: "7",
      maintenance: { reason: "r" },
    });
  });
});

describe("refusals name what is wrong", () => {
  const stamp = "2026-09-21T14:13:20.000000Z";
  const id = "019bd6f2-2c00-7000-8000-000000000000";
  it.each<[string, Partial<EventInput>, Readonly<Record<string, unknown>>]>([
    ["a blank action", { action: "\t" }, { action: "\t" }],
    ["a time behind something", { timestamp: `x${stamp}` }, { timestamp: `x${stamp}` }],
    ["a time before something", { timestamp: `${stamp} ` }, { timestamp: `${stamp} ` }],
    [
      "a time in another zone",
      { timestamp: stamp.replace("Z", "+00:00") },
      { timestamp: stamp.replace("Z", "+00:00") },
    ],
    ["an id behind something", { eventId: `0${id}` }, { eventId: `0${id}` }],
    ["an id before something", { eventId: `${id}0` }, { eventId: `${id}0` }],
    ["an id in capitals", { eventId: id.toUpperCase() }, { eventId: id.toUpperCase() }],
    ["a blank tool", { actor: { tool: " ", run_id: "r" } }, { actor: { tool: " ", run_id: "r" } }],
    ["a blank run", { actor: { tool: "t", run_id: "" } }, { actor: { tool: "t", run_id: "" } }],
  ])("%s", (_, changes, details) => {
    expect(refusal(() => createEvent(input(0, changes)))).toMatchObject({
      code: "BAD_EVENT",
      details,
      name: "EventError",
    });
  });
  it("values and sizes", () => {
    expect(refusal(() => sample(0, { args: { deep: [{ x: Number.NaN }] } }))).toMatchObject({
      code: "NOT_JSON",
      details: { where: "args.deep[0].x", value: Number.NaN },
    });
    const size = encodeEvent(sample(0, { args: { long: "" } })).length + 1_048_576;
    expect(refusal(() => sample(0, { args: { long: "x".repeat(1_048_576) } }))).toMatchObject({
      code: "TOO_LARGE",
      details: { bytes: size, limit: 1_048_576, action: "import_rows" },
    });
  });
  it("times before 1970, and too little chance", () => {
    const random = new Uint8Array(10);
    expect(refusal(() => uuidv7(-1000n, random))).toMatchObject({
      code: "BAD_EVENT",
      details: { random: 10, nowUs: -1000n },
    });
    expect(refusal(() => uuidv7(0n, random.subarray(1))).details).toEqual({ random: 9, nowUs: 0n });
    expect(uuidv7(0n, random)).toBe("00000000-0000-7000-8000-000000000000");
  });
});

describe("values as Python writes them", () => {
  it.each<[number, string]>([
    [0, "0"],
    [-7, "-7"],
    [-0, "-0.0"],
    [1.5, "1.5"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [-0.000012, "-1.2e-05"],
    [5e-324, "5e-324"],
    [2 ** 53 - 1, "9007199254740991"],
    [2 ** 53, "9007199254740992.0"],
    [9_999_999_999_999_998, "9999999999999998.0"],
    [1e16, "1e+16"],
    [1.5e300, "1.5e+300"],
    [123456.789, "123456.789"],
  ])("%d", (value, text) => {
    expect(textOf(encodeEvent(sample(0, { args: { value } })))).toContain(`"args":{"value":${text}}`);
  });
  it.each([
    ["é~", '"\\u00e9~"'],
    ["\u007f", '"\\u007f"'],
    ["🧬", '"\\ud83e\\uddec"'],
    ['"\\\n', '"\\"\\\\\\n"'],
    ["\u0001", '"\\u0001"'],
  ])("%j", (value, text) => {
    expect(textOf(encodeEvent(sample(0, { args: { [value]: value } })))).toContain(`"args":{${text}:${text}}`);
  });
  it("true, null, lists and objects, without what is not given", () => {
    const args = { a: true, b: null, c: [1, [], {}], d: undefined, e: { f: false } };
    expect(textOf(encodeEvent(sample(0, { args })))).toContain(
      '"args":{"a":true,"b":null,"c":[1,[],{}],"e":{"f":false}}',
    );
  });
});

describe("a line that is no event", () => {
  const whole = sample(1, { recovered: true });
  const told = (changes: Readonly<Record<string, unknown>>): unknown => {
    const { events, problems } = decodeEvents(bytesOf(`${JSON.stringify({ ...whole, ...changes })}\n`));
    return events.length > 0 ? "event" : [problems[0]?.kind, problems[0]?.message];
  };
  const lacks = (where: string): unknown => [
    "foreign",
    `The line is not an event: ${where} is missing or of another type.`,
  ];

  it.each<[string, readonly unknown[], readonly unknown[]]>([
    ["event_version", [undefined, 1.5, "1", null], [2]],
    ["timestamp_utc", [undefined, 1], ["at noon"]],
    ["action", [undefined, "", 1], ["x"]],
    ["args", [undefined, [], "a", null], [{ x: [1] }]],
    ["metrics", [undefined, [], 1, null], [{ x: 1 }]],
    ["artifacts", [undefined, []], [{}]],
    ["maintenance", [undefined, []], [{}]],
    ["fingerprint", [undefined, [], null], [{}]],
    ["registry_hash", [undefined, 1], [null, "a"]],
    ["version", [undefined, 1, null], ["0"]],
    ["event_id", [1, null], [undefined, "x"]],
    ["recovered", [1, "true", null], [undefined, false]],
  ])("%s", (name, wrong, right) => {
    for (const value of wrong) expect([value, told({ [name]: value })]).toEqual([value, lacks(name)]);
    for (const value of right) expect([value, told({ [name]: value })]).toEqual([value, "event"]);
  });
  it("its dataset, its actor, and no object at all", () => {
    expect(told({ dataset: { name: "d", root: null, x: 1 }, actor: { tool: "t", run_id: "r", x: 1 } })).toBe("event");
    expect(told({ dataset: { root: null } })).toEqual(lacks("dataset.name"));
    expect(told({ dataset: { name: "d" } })).toEqual(lacks("dataset.root"));
    expect(told({ actor: { tool: "t" } })).toEqual(lacks("actor.run_id"));
    expect(told({ actor: { run_id: "r" } })).toEqual(lacks("actor.tool"));
    expect(told({ actor: [] })).toEqual(lacks("actor"));
    const messages = decodeEvents(bytesOf('7\n{"a":\n"NaN\nno\n{"b"')).problems.map(({ message }) => message);
    expect(messages[0]).toBe("The line is not an event.");
    for (const message of messages.slice(1, 4)) expect(message).toMatch(/^The line is not JSON: .+/);
    expect(messages.slice(4)).toEqual(["The last line is cut off before its end."]);
  });
});

describe("redaction", () => {
  const words = "secret token password passwd api_key apikey webhook auth credential bearer cookie session".split(" ");
  it.each(words)("%s", (word) => {
    const hidden = "***REDACTED***";
    const args = { [`x${word}s`]: 1, argv: [`--${word}=1`, `-${word.toUpperCase()}`, "2", "3"] };
    expect(sample(0, { args }).args).toEqual({
      [`x${word}s`]: hidden,
      argv: [`--${word}=${hidden}`, `-${word.toUpperCase()}`, hidden, "3"],
    });
  });
});
