import type { DataType } from "@usr/schema";
import { describe, expect, test } from "vitest";
import { openTable } from "../src/index.ts";
import { bytesOf, chunked, readRows, type Types } from "./helpers.ts";
import { refusal } from "./refusal.ts";

const string: DataType = { kind: "string" };

describe("rows", () => {
  test("blank lines, byte order mark, carriage returns and a missing last line end do not matter", async () => {
    for (const size of [1, 3, 1000]) {
      const { rows } = await readRows('\ufeff{"a":"1"}\r\n\n \t\r\n{ "a" : "2" }', { format: "jsonl" }, { a: string }, [
        size,
      ]);
      expect(rows).toEqual([["1"], ["2"]]);
    }
  });

  test("an empty input has no rows", async () => {
    expect((await readRows("", { format: "jsonl" }, { a: string })).rows).toEqual([]);
  });

  test("missing keys are missing cells; keys are asked for once, when seen first", async () => {
    const asked: string[] = [];
    const table = await openTable(
      { stream: chunked(bytesOf('{"a":"x"}\n{"b":"y","a":null}\n{}\n{"b":"z","c":1}\n')) },
      { format: "jsonl", name: "t" },
    );
    expect(table.columns).toBeUndefined();
    const counts: number[] = [];
    const resolve = (name: string): DataType | undefined => {
      asked.push(name);
      return name === "c" ? undefined : string;
    };
    for await (const batch of table.batches(resolve)) {
      counts.push(batch.numRows, batch.columns.size);
    }
    expect([asked, counts]).toEqual([
      ["a", "b", "c"],
      [4, 2],
    ]);
    const types: Types = { a: string, b: string };
    expect(
      (await readRows('{"a":"x"}\n{"b":"y","a":null}\n{}\n{"b":"z","c":1}\n', { format: "jsonl" }, types)).rows,
    ).toEqual([
      ["x", null],
      [null, "y"],
      [null, null],
      [null, "z"],
    ]);
  });

  test("a key that appears in a later batch is not in the earlier ones", async () => {
    const table = await openTable(
      { stream: chunked(bytesOf('{"a":"x"}\n{"b":"y"}\n')) },
      { format: "jsonl", name: "t", limits: { batchRows: 1 } },
    );
    const seen: (readonly string[])[] = [];
    for await (const batch of table.batches(() => string)) seen.push([...batch.columns.keys()]);
    expect(seen).toEqual([["a"], ["a", "b"]]);
  });

  test("keys in any order, escaped, and named like parts of the language", async () => {
    const text =
      '{"__proto__":"1","constructor":"2","ä":"3"}\n{"\\u00e4":"6","__\\u0070roto__":"4","constructor":"5"}\n';
    const types: Types = Object.fromEntries([
      ["__proto__", string],
      ["constructor", string],
      ["ä", string],
    ]);
    expect((await readRows(text, { format: "jsonl" }, types)).rows).toEqual([
      ["1", "2", "3"],
      ["4", "5", "6"],
    ]);
  });

  test("escapes", async () => {
    const { rows } = await readRows(
      '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\\u20AC\\ud800\\udc00é€𐀀"}',
      { format: "jsonl" },
      { a: string },
    );
    expect(rows).toEqual([['"\\/\b\f\n\r\t\0é€𐀀é€𐀀']]);
  });
});

describe("values", () => {
  const good: readonly (readonly [string, DataType, unknown])[] = [
    ["null", string, null],
    ['"NA"', string, "NA"],
    ["12", { kind: "int8" }, 12],
    ['"12"', { kind: "int8" }, 12],
    ["9007199254740993", { kind: "int64" }, 9007199254740993n],
    ['"-9007199254740993"', { kind: "int64" }, -9007199254740993n],
    ["-0", { kind: "float64" }, -0],
    ["1e2", { kind: "float64" }, 100],
    ['"NaN"', { kind: "float64" }, NaN],
    ["NaN", { kind: "float32" }, NaN],
    ["-Infinity", { kind: "float64" }, -Infinity],
    ['"Infinity"', { kind: "float16" }, Infinity],
    ["true", { kind: "bool" }, true],
    [" [ 1 , null , 3 ] ", { kind: "list", item: { kind: "int8" } }, [1, null, 3]],
    ['"2026-01-01T00:00:00Z"', { kind: "timestamp", unit: "ms", timezone: "UTC" }, 1767225600000n],
    ["null", { kind: "null" }, null],
  ];
  test.each(good)("%s as %j", async (text, type, value) => {
    expect((await readRows(`{"a":${text}}`, { format: "jsonl" }, { a: type })).rows).toEqual([[value]]);
  });

  const bad: readonly (readonly [string, DataType, string])[] = [
    ["1", string, "is not string"],
    ["true", string, "is not string"],
    ["{}", string, "is not string"],
    ["1.0", { kind: "int8" }, "is not int8"],
    ["true", { kind: "int8" }, "is not int8"],
    ["300", { kind: "int8" }, "is out of the range of int8"],
    ['"x"', { kind: "int8" }, "is not int8"],
    ['"1.5"', { kind: "float64" }, "is not float64"],
    ['"nan"', { kind: "float64" }, "is not float64"],
    ["1e400", { kind: "float64" }, "is out of the range of float64"],
    ['"true"', { kind: "bool" }, "is not bool"],
    ["1", { kind: "bool" }, "is not bool"],
    ["1767225600000", { kind: "timestamp", unit: "ms" }, "is not timestamp[ms]"],
    ['"today"', { kind: "timestamp", unit: "ms" }, "is not an RFC 3339 time"],
    ['"[1]"', { kind: "list", item: { kind: "int8" } }, "is not list<int8>"],
    ["[[1]]", { kind: "list", item: { kind: "int8" } }, "is not int8"],
    ["[1]", { kind: "struct", fields: [{ name: "x", type: string }] }, "is not struct<x:string>"],
    ["0", { kind: "null" }, "is not null"],
  ];
  test.each(bad)("%s is no %j", async (text, type, rule) => {
    const error = await refusal(readRows(`{"a":null}\n\n{"a":${text}}`, { format: "jsonl", name: "in" }, { a: type }));
    expect(error.code).toBe("TYPE_MISMATCH");
    expect(error.details).toMatchObject({ file: "in", row: 2, line: 3, column: "a" });
    expect(error.details["value"]).toBeTypeOf("string");
    expect(error.message).toContain(rule);
  });
});

const OBJECT = "each line must hold one JSON object";

describe.each([
  ["asked for", { a: string }],
  ["left out", {}],
])("malformed lines, where the column is %s", (_, types: Types) => {
  const cases: readonly (readonly [string, string])[] = [
    ["[1]", OBJECT],
    ["1", OBJECT],
    ["null", OBJECT],
    ["{", "expected a key in quotes"],
    ['{"a"', "expected :"],
    ['{"a":', "expected a value"],
    ['{"a":"x"', "expected , or }"],
    ['{"a":"x",}', "expected a key in quotes"],
    ['{"a":"x"} {}', "text follows the object"],
    ["{a:1}", "expected a key in quotes"],
    ['{"a":"x","a":"y"}', "a key stands twice"],
    ['{"a":"x","\\u0061":"y"}', "a key stands twice"],
    ['{"b":{"c":1,"c":2}}', "a key stands twice"],
    ['{"b":[1,2}', "expected , or ]"],
    ['{"b":[1,]}', "expected a value"],
    ['{"b":01}', "leading zero"],
    ['{"b":1.}', "a number ends in its point"],
    ['{"b":1e}', "empty exponent"],
    ['{"b":+1}', "expected a value"],
    ['{"b":-}', "expected a value"],
    ['{"b":12x}', "a number runs into other text"],
    ['{"b":nul}', "expected a value"],
    ['{"b":nulls}', "expected a value"],
    ["{'b':1}", "expected a key in quotes"],
    ['{"a":"x', "a string has no closing quote"],
    ['{"a":"\\x"}', "an unknown escape"],
    ['{"a":"\\u12g4"}', "four hex digits"],
    ['{"a":"\\ud800"}', "half a surrogate pair"],
    ['{"a":"\\udc00\\ud800"}', "half a surrogate pair"],
    ['{"a":"\t"}', "raw control character"],
    ['{"a":"\0"}', "raw control character"],
    ["\0", OBJECT],
  ];
  test.each(cases)("%j", async (text, rule) => {
    for (const size of [1, 1000]) {
      const error = await refusal(readRows(`{"a":"0"}\n${text}\n`, { format: "jsonl", name: "in" }, types, [size]));
      expect([error.code, error.details["row"], error.details["line"]]).toEqual(["CORRUPT", 2, 2]);
      expect(error.details["byte"]).toBeGreaterThanOrEqual(10);
      expect(error.message).toContain(rule);
    }
  });

  test("invalid UTF-8", async () => {
    const bytes = new Uint8Array([...bytesOf('{"a":"é'), 0xff, ...bytesOf('"}\n')]);
    const error = await refusal(readRows(bytes, { format: "jsonl" }, types));
    expect([error.code, error.details["byte"], error.message.includes("invalid UTF-8")]).toEqual(["CORRUPT", 8, true]);
  });
});

describe("limits", () => {
  const list = (item: DataType, depth: number): DataType =>
    depth === 0 ? item : { kind: "list", item: list(item, depth - 1) };
  test.each([
    ["a long line", `{"a":"${"x".repeat(100)}"}`, { maxFieldBytes: 100 }, "a line is longer than 100 bytes"],
    ["a line that never ends", `{"a":"${"x".repeat(1e6)}`, { maxFieldBytes: 100 }, "a line is longer than 100 bytes"],
    ["100,000 levels, left out", `{"b":${"[".repeat(1e5)}`, {}, "nested deeper than 128"],
    ["100,000 objects, left out", `{"b":${'{"x":'.repeat(1e5)}`, {}, "nested deeper than 128"],
    ["100,000 levels, asked for", `{"a":${"[".repeat(1e5)}`, {}, "nested deeper than 128"],
    [
      "too many keys",
      `{${Array.from({ length: 9 }, (_, i) => `"k${i}":1`).join()}}`,
      { maxColumns: 8 },
      "more than 8 different keys",
    ],
  ])("%s", async (_, text, limits, rule) => {
    const error = await refusal(readRows(`${text}\n`, { format: "jsonl", limits }, { a: list(string, 200) }, [64]));
    expect(error.code).toBe("TOO_LARGE");
    expect(error.message).toContain(rule);
  });

  test("as deep as allowed is read", async () => {
    const text = `{"a":${"[".repeat(20)}"x"${"]".repeat(20)},"b":${"[".repeat(127)}${"]".repeat(127)}}`;
    const { rows } = await readRows(text, { format: "jsonl" }, { a: list(string, 20) });
    expect(JSON.stringify(rows[0]?.[0])).toBe(`${"[".repeat(20)}"x"${"]".repeat(20)}`);
  });
});
