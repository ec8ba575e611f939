import { parseType, type Schema, type Value } from "@usr/schema";
import { goldenDatasets, goldenRoots } from "@usr/testkit";
import { describe, expect, test } from "vitest";
import { jsonRow, jsonRows, openTable } from "../src/index.ts";
import { batchOf, bytesOf, chunked, readRows, type Types } from "./helpers.ts";

describe("golden rows", () => {
  const datasets = goldenRoots().flatMap(goldenDatasets);

  test.each(datasets.map((golden) => [`${golden.root}/${golden.dataset}`, golden] as const))(
    "%s is read and written to the same lines",
    async (_, golden) => {
      const lines = golden.rows ?? [];
      if (golden.info === undefined || lines.length === 0)
        return expect(golden.error !== undefined || lines.length === 0).toBe(true);
      const types: Types = Object.fromEntries(fieldsOf(golden.info).map(({ name, type }) => [name, parseType(type)]));
      const out: string[] = [];
      const table = await openTable(
        { stream: chunked(bytesOf(lines.join("\n")), [4096]) },
        { format: "jsonl", name: golden.dataset },
      );
      for await (const { columns, numRows } of table.batches((name) => types[name])) {
        const schema: Schema = {
          fields: [...columns].map(([name, { type }]) => ({ name, type, nullable: true })),
          metadata: new Map(),
        };
        for (const line of jsonRows({ schema, columns: [...columns.values()], numRows })) out.push(asciiOnly(line));
      }
      expect(out).toEqual(lines);
    },
  );

  test("they are many", () => {
    expect(datasets.reduce((sum, golden) => sum + (golden.rows?.length ?? 0), 0)).toBeGreaterThan(10_000);
  });
});

function fieldsOf(
  info: Readonly<Record<string, unknown>>,
): readonly { readonly name: string; readonly type: string }[] {
  const fields = info["fields"];
  if (!Array.isArray(fields)) throw new Error("info.json names no fields");
  return fields.map((field) => ({ name: String(field[0] ?? field.name), type: String(field[1] ?? field.type) }));
}

function asciiOnly(text: string): string {
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

describe("values", () => {
  const line = (type: string, ...values: readonly Value[]): readonly string[] =>
    [
      ...jsonRows(
        batchOf(
          { a: parseType(type) },
          values.map((value) => [value]),
        ),
      ),
    ].map((text) => text.slice(5, -1));

  test("numbers", () => {
    expect(
      line("int64", 9007199254740992n, -9007199254740992n, 9007199254740993n, -9007199254740993n, 0n, null),
    ).toEqual(["9007199254740992", "-9007199254740992", '"9007199254740993"', '"-9007199254740993"', "0", "null"]);
    expect(line("uint64", 18446744073709551615n, 12n)).toEqual(['"18446744073709551615"', "12"]);
    expect(
      line("float64", 1, -0, 1e16, 123456789012345680, 1e-4, 1e-5, 1.5e-7, 1e22, 5e-324, NaN, Infinity, -Infinity),
    ).toEqual([
      "1.0",
      "-0.0",
      "1e+16",
      "1.2345678901234568e+17",
      "0.0001",
      "1e-05",
      "1.5e-07",
      "1e+22",
      "5e-324",
      '"NaN"',
      '"Infinity"',
      '"-Infinity"',
    ]);
    expect(line("float32", 0.1, 3.4028234663852886e38)).toEqual(["0.10000000149011612", "3.4028234663852886e+38"]);
    expect(line("float16", 0.1, 65504)).toEqual(["0.0999755859375", "65504.0"]);
    expect(line("bool", true, false, null)).toEqual(["true", "false", "null"]);
  });

  test("times have six digits, nine for ns, and Z where the type has a zone", () => {
    expect(line("timestamp[ms]", 1n)).toEqual(['"1970-01-01T00:00:00.001000"']);
    expect(line("timestamp[us, Europe/Berlin]", 1n)).toEqual(['"1970-01-01T00:00:00.000001Z"']);
    expect(line("timestamp[ns, UTC]", -1n)).toEqual(['"1969-12-31T23:59:59.999999999Z"']);
  });

  test("lists and structs are native", () => {
    expect(line("list<float64>", [NaN, null, 1], [])).toEqual(['["NaN",null,1.0]', "[]"]);
    expect(
      line("struct<a:int64,b:list<string>>", { a: 9007199254740993n, b: ["x"] }, { a: null, b: null }, null),
    ).toEqual(['{"a":"9007199254740993","b":["x"]}', '{"a":null,"b":null}', "null"]);
    expect(line("fixed_size_list<int8>[2]", [1, 2], null, [null, 3])).toEqual(["[1,2]", "null", "[null,3]"]);
  });

  test("text is UTF-8, control characters are escaped", () => {
    const texts = ['a"\\/', "é€𐀀", "\0\n\u001b[31m", "\u007f\u009b\u2028"];
    expect(line("string", ...texts)).toEqual([
      '"a\\"\\\\/"',
      '"é€𐀀"',
      '"\\u0000\\n\\u001b[31m"',
      '"\\u007f\\u009b\\u2028"',
    ]);
    for (const text of texts) expect(line("string", text)).toEqual(line("string", text, "x").slice(0, 1));
    expect(line("string", "plain", "text")).toEqual(['"plain"', '"text"']);
  });
});

test("keys are in column order and quoted", () => {
  const string = parseType("string");
  const batch = batchOf({ 'b"': string, a: string }, [["1", "2"]]);
  expect(jsonRow(batch, 0)).toBe('{"b\\"":"1","a":"2"}');
  expect(jsonRow({ schema: { fields: [], metadata: new Map() }, columns: [], numRows: 1 }, 0)).toBe("{}");
});

test("a slice of a column is read at its own place", async () => {
  const { sliceColumn } = await import("@usr/schema/columns");
  const batch = batchOf({ a: parseType("string"), l: parseType("list<int8>") }, [
    ["x", [1]],
    ["yy", [2, 3]],
    ["é", null],
    [null, [4]],
  ]);
  const sliced = {
    schema: batch.schema,
    numRows: 2,
    columns: batch.columns.map((column) => sliceColumn(column, 1, 3)),
  };
  expect([...jsonRows(sliced)]).toEqual(['{"a":"yy","l":[2,3]}', '{"a":"é","l":null}']);
  expect(
    (await readRows([...jsonRows(sliced)].join("\n"), { format: "jsonl" }, { l: parseType("list<int8>") })).rows,
  ).toEqual([[[2, 3]], [null]]);
});
