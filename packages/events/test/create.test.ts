import { describe, expect, it } from "vitest";
import { createEvent, EventError, encodeEvent, type JsonObject, uuidv7 } from "../src/index.ts";
import { input, sample, textOf } from "./sample.ts";

const args = (given: JsonObject): JsonObject => sample(0, { args: given }).args;
const HIDDEN = "***REDACTED***";

describe("the envelope", () => {
  it("is written in the order of the Python program, then event_id, then recovered", () => {
    const id = "019bd6f2-2c00-7000-8000-000000000000";
    const event = sample(3, {
      eventId: id,
      recovered: true,
      registryHash: "f958",
      args: { n: 3, source_param: "/data/ä.csv" },
    });
    expect(textOf(encodeEvent(event))).toBe(
      '{"event_version":1,"timestamp_utc":"2026-09-21T14:13:20.000000Z","action":"import_rows","dataset":{"name":"demo","root":"/data/usr"},' +
        '"args":{"n":3,"source_param":"/data/\\u00e4.csv"},"metrics":{"rows_written":3,"rows_skipped":0},"artifacts":{"base":{}},"maintenance":{},' +
        '"fingerprint":{"rows":3,"cols":7,"size_bytes":2974},"registry_hash":"f958","actor":{"tool":"usr","run_id":"run-1","host":"vm","pid":7},' +
        `"version":"0.1.0","event_id":"${id}","recovered":true}\n`,
    );
  });
  it("has no recovered unless true, and null for what is absent", () => {
    const event = sample(0, { dataset: { name: "demo", root: null }, recovered: false });
    expect(Object.keys(event).at(-1)).toBe("event_id");
    expect(event.registry_hash).toBeNull();
    expect(event.dataset.root).toBeNull();
  });
  it("puts the fixed metrics first and keeps the others", () => {
    const { metrics } = sample(0, { metrics: { extra: 1, rows_skipped: 2, rows_written: 3 } });
    expect(JSON.stringify(metrics)).toBe('{"rows_written":3,"rows_skipped":2,"extra":1}');
  });
  it("merges artifacts key by key", () => {
    const event = sample(0, { action: "tombstone", metrics: { rows: 2 }, artifacts: { part: "p" } });
    expect(event.artifacts).toEqual({ overlay: { namespace: "usr" }, part: "p" });
  });
});

describe("refusals", () => {
  const code = (changes: Parameters<typeof input>[1]): unknown => {
    try {
      createEvent(input(0, changes));
    } catch (error) {
      if (error instanceof EventError) return error.code;
      throw error;
    }
    return undefined;
  };
  it("an incomplete event", () => {
    expect(code({})).toBeUndefined();
    expect(code({ action: " " })).toBe("BAD_EVENT");
    expect(code({ timestamp: "2026-09-21T14:13:20Z" })).toBe("BAD_EVENT");
    expect(code({ eventId: "7" })).toBe("BAD_EVENT");
    expect(code({ actor: { tool: "usr", run_id: " " } })).toBe("BAD_EVENT");
  });
  it("metrics nobody gave: nothing is made up", () => {
    expect(() => createEvent(input(0, { action: "attach", metrics: { rows_matched: 1 } }))).toThrow(
      expect.objectContaining({
        code: "BAD_EVENT",
        details: { action: "attach", missing: ["rows_incoming", "rows_missing"] },
      }),
    );
    expect(code({ action: "attach", metrics: undefined })).toBe("BAD_EVENT");
    expect(code({ action: "pull", metrics: undefined })).toBeUndefined();
  });
  it("what could not be written, before anything is changed", () => {
    expect(code({ args: { deep: [{ x: Number.NaN }] } })).toBe("NOT_JSON");
    expect(() => createEvent(input(0, { args: { deep: [{ x: -1 / 0 }] } }))).toThrow("args.deep[0].x is -Infinity");
    expect(code({ args: { long: "x".repeat(1_048_576) } })).toBe("TOO_LARGE");
  });
  it("one byte more than 1 MiB", () => {
    const room = 1_048_576 - encodeEvent(sample(0, { args: { long: "" } })).length;
    expect(encodeEvent(sample(0, { args: { long: "x".repeat(room) } })).length).toBe(1_048_576);
    expect(code({ args: { long: "x".repeat(room + 1) } })).toBe("TOO_LARGE");
  });
});

describe("redaction", () => {
  it("hides the values of sensitive keys at any depth, whatever they are", () => {
    expect(
      args({
        password: 1,
        "API-Key": "k",
        " Bearer ": null,
        max_tokens: 5,
        session_id: [1],
        "pass-word": "no word of the list",
        deep: { list: [{ webhook_url: "u", kept: 1 }], cookie: { a: 1 } },
      }),
    ).toEqual({
      password: HIDDEN,
      "API-Key": HIDDEN,
      " Bearer ": HIDDEN,
      max_tokens: HIDDEN,
      session_id: HIDDEN,
      "pass-word": "no word of the list",
      deep: { list: [{ webhook_url: HIDDEN, kept: 1 }], cookie: HIDDEN },
    });
  });
  it("knows authors from authorization", () => {
    const author = { author: "a", Authors: "b", authored_by: "c", "co-author": "d", author_email: "e" };
    expect(args(author)).toEqual(author);
    const secret = [
      "auth",
      "oauth",
      "authorization",
      "authorise",
      "authority",
      "author_token",
      "authenticated",
      "secauthorret_auth",
    ];
    for (const key of secret) expect(args({ [key]: "x" })).toEqual({ [key]: HIDDEN });
    expect(args({ secauthorret: "x" })).toEqual({ secauthorret: "x" });
  });
  it("hides command-line flags in lists", () => {
    expect(
      args({
        argv: [
          "run",
          "--password=x=y",
          "--token",
          "--verbose",
          "--n",
          3,
          "-auth",
          { a: 1 },
          "token",
          "--author",
          "me",
          "--api-key",
        ],
      }),
    ).toEqual({
      argv: [
        "run",
        `--password=${HIDDEN}`,
        "--token",
        HIDDEN,
        "--n",
        3,
        "-auth",
        HIDDEN,
        "token",
        "--author",
        "me",
        "--api-key",
      ],
    });
  });
  it("touches args alone", () => {
    const event = sample(0, {
      metrics: { rows_written: 0, rows_skipped: 0, tokens: 1 },
      artifacts: { session: 2 },
      maintenance: { auth: 3 },
    });
    expect([event.metrics["tokens"], event.artifacts["session"], event.maintenance["auth"]]).toEqual([1, 2, 3]);
  });
});

describe("uuidv7", () => {
  it("is the example of RFC 9562", () => {
    const random = Uint8Array.of(0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f);
    expect(uuidv7(1_645_557_742_000_999n, random)).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  });
  it("sorts by time, and needs ten random bytes", () => {
    const at = (ms: bigint, fill: number): string => uuidv7(ms * 1000n, new Uint8Array(10).fill(fill));
    expect(at(1n, 255) < at(2n, 0)).toBe(true);
    expect(at(2n ** 48n - 1n, 0).startsWith("ffffffff-ffff-7000-8000")).toBe(true);
    expect(() => at(2n ** 48n, 0)).toThrow(EventError);
    expect(() => uuidv7(0n, new Uint8Array(9))).toThrow(EventError);
  });
});
