/// <reference types="node" />
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { memoryStorage, type ReadHandle } from "@usr/storage";
import { goldenDatasets, goldenPath, goldenRoots } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { decodeEvents, encodeEvent } from "../src/index.ts";
import { compareLogs } from "../src/merge/index.ts";
import { bytesOf, sample, textOf } from "./sample.ts";

const line = (n: number): string => textOf(encodeEvent(sample(n)));

describe("decodeEvents", () => {
  it("gives events, and problems with their place", () => {
    const log = `${line(1)}\n  \r\n{"event": "cluster_attach", "columns": ["é"]}\nnot json\n${line(2).replace("\n", "\r\n")}{"action": "x"}\n[]\n${line(3).slice(0, 40)}`;
    const { events, problems, torn } = decodeEvents(bytesOf(log));
    expect(events.map(({ args }) => args["n"])).toEqual([1, 2]);
    expect(torn).toBe(true);
    expect(problems.map(({ kind, line: at, text }) => [kind, at, text])).toEqual([
      ["foreign", 4, '{"event": "cluster_attach", "columns": ["é"]}'],
      ["malformed", 5, "not json"],
      ["foreign", 7, '{"action": "x"}'],
      ["foreign", 8, "[]"],
      ["torn", 9, line(3).slice(0, 40)],
    ]);
    for (const { offset, text } of problems) {
      const bytes = bytesOf(text);
      expect(textOf(bytesOf(log).subarray(offset, offset + bytes.length))).toBe(text);
    }
  });
  it("names what a foreign line lacks", () => {
    const [problem] = decodeEvents(bytesOf(line(1).replace('"args":{"n":1}', '"args":[1]'))).problems;
    expect(problem).toMatchObject({
      kind: "foreign",
      message: "The line is not an event: args is missing or of another type.",
    });
  });
  it("takes a whole last line without its newline", () => {
    expect(decodeEvents(bytesOf(line(1).trimEnd()))).toMatchObject({ events: [sample(1)], problems: [], torn: true });
    expect(decodeEvents(new Uint8Array(0))).toEqual({ events: [], problems: [], torn: false });
  });
  it("keeps fields it does not know, in their place", () => {
    const given = line(1).trimEnd().replace('{"event_version":1,', '{"x":{"y":[1]},"event_version":2,');
    const [event] = decodeEvents(bytesOf(`${given}\n`)).events;
    expect(JSON.stringify(event)).toBe(given);
    expect(event === undefined ? "" : textOf(encodeEvent(event))).toBe(`${given}\n`);
  });
  it("reads the bare tokens of Python, and no others", () => {
    const given = line(1).replace(
      '"n":1',
      '"a":NaN,"b":[-Infinity,Infinity],"c":"NaN \\"Infinity","d":"NaN","e":"NaN_","f":""',
    );
    expect(decodeEvents(bytesOf(given)).events[0]?.args).toEqual({
      a: Number.NaN,
      b: [-1 / 0, 1 / 0],
      c: 'NaN "Infinity',
      d: "NaN",
      e: "NaN_",
      f: "",
    });
    expect(decodeEvents(bytesOf(line(1).replace('"n":1', '"n":xNaN'))).problems[0]?.kind).toBe("malformed");
  });
  it("survives bytes that are no text", () => {
    const { events, problems } = decodeEvents(Uint8Array.of(0xff, 0xfe, 10, 0, 0, 0, 10, ...encodeEvent(sample(1))));
    expect(events.length).toBe(1);
    expect(problems.map(({ kind }) => kind)).toEqual(["malformed", "malformed"]);
  });
});

describe("golden logs", () => {
  const logs = goldenRoots().flatMap((root) =>
    goldenDatasets(root).map(({ dataset, info }) => ({
      name: `${root}/${dataset}`,
      info,
      path: join(goldenPath(root), dataset, ".events.log"),
    })),
  );
  it("hold as many events as the Python program counted", () => {
    let counted = 0;
    for (const { name, info, path } of logs) {
      if (info === undefined) continue;
      const { events, problems, torn } = decodeEvents(existsSync(path) ? readFileSync(path) : new Uint8Array(0));
      expect([name, events.length]).toEqual([name, info["events"]]);
      expect(problems.map(({ kind }) => kind)).toEqual(name === "events/torn" ? ["torn"] : []);
      expect(torn).toBe(name === "events/torn");
      counted += events.length;
    }
    expect(counted).toBeGreaterThan(250);
  });
  it("are written again to the same bytes, integers beyond 2 ** 53 aside", () => {
    let lines = 0;
    const rounded: string[] = [];
    for (const { path } of logs) {
      if (!existsSync(path)) continue;
      const text = readFileSync(path, "utf8");
      for (const given of text.split("\n").slice(0, -1)) {
        const [event] = decodeEvents(bytesOf(given)).events;
        const again = event === undefined ? "" : textOf(encodeEvent(event)).trimEnd();
        if (/:9007199254740993\b/.test(given)) rounded.push(again.replace("9007199254740992.0", "9007199254740993"));
        expect(rounded.at(-1) === given || again === given, again).toBe(true);
        lines++;
      }
    }
    expect(lines).toBeGreaterThan(250);
    expect(rounded.length).toBe(2);
  });
});

describe("a line of more than 64 MiB", () => {
  // More than the system's longest text must not end a reader; this is as much as is looked into, and a byte.
  const long = new Uint8Array(2 ** 26 + 1).fill(0x78);
  const log = Buffer.concat([bytesOf(line(1)), long, bytesOf(`\n${line(2)}`)]);

  it("is a problem that holds its beginning, and the events around it are read", () => {
    const { events, problems, torn } = decodeEvents(log);
    expect([events.map(({ args }) => args["n"]), torn]).toEqual([[1, 2], false]);
    expect(problems).toEqual([
      {
        kind: "malformed",
        line: 2,
        offset: line(1).length,
        text: "x".repeat(1000),
        message: "The line has 67108865 bytes.",
      },
    ]);
    expect(decodeEvents(long).problems).toMatchObject([{ kind: "torn", message: "The line has 67108865 bytes." }]);
    expect(decodeEvents(new Uint8Array(2 ** 26 + 1).fill(0x20)).problems).toHaveLength(1);
  });

  it("is not brought into another log", async () => {
    const handle = async (bytes: Uint8Array): Promise<ReadHandle> => {
      const storage = memoryStorage();
      await storage.put("l", bytes);
      return (await storage.open("l"))!;
    };
    const one = { handle: await handle(log), start: 0 };
    await expect(compareLogs(one, undefined)).rejects.toMatchObject({
      code: "TOO_LARGE",
      details: { bytes: 2 ** 26 + 1 },
    });
    // One that has no end counts for nothing yet.
    const torn = { handle: await handle(log.subarray(0, line(1).length + long.length)), start: 0 };
    expect((await compareLogs(torn, undefined)).onlyA).toHaveLength(1);
  });
});
