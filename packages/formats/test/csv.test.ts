import type { DataType } from "@usr/schema";
import { describe, expect, test } from "vitest";
import { FormatError, openTable } from "../src/index.ts";
import { bytesOf, chunked, readRows, type Types, writtenText } from "./helpers.ts";
import { refusal } from "./refusal.ts";

const string: DataType = { kind: "string" };

describe("text stays what it is", () => {
  test.each(["NA", "nan", "INF", "1e5", "007", "True", "null", "None", " x ", "+1", "'"])(
    "%j as string",
    async (text) => {
      expect((await readRows(`a,b\n${text},x\n`, { format: "csv" })).rows).toEqual([[text, "x"]]);
    },
  );

  test("an empty cell is missing, a quoted empty one is empty text", async () => {
    expect((await readRows('a,b,c\n,"",x\n', { format: "csv" })).rows).toEqual([[null, "", "x"]]);
  });

  test("who quotes every cell is told how a missing value is written", async () => {
    const { message, hint } = await refusal(
      readRows('"a","b"\n"1",""\n', { format: "csv", name: "in" }, { b: { kind: "int8" } }),
    );
    expect(message).toContain('row 1, line 2, byte 12, column b: "" is not int8');
    expect(hint).toBe("A quoted empty cell is empty text; a missing value is a cell without quotes.");
  });

  test.each([
    ["line feeds", "a,b\n1,2\n3,4\n"],
    ["carriage returns and line feeds", "a,b\r\n1,2\r\n3,4\r\n"],
    ["no last line end", "a,b\n1,2\n3,4"],
    ["a byte order mark", "\ufeffa,b\n1,2\n3,4\n"],
    ["blank lines", "a,b\n\n1,2\n\r\n3,4\n\n\n"],
    ["quotes everywhere", '"a","b"\n"1","2"\n"3","4"\n'],
  ])("%s", async (_, text) => {
    for (const size of [1, 2, 3, 1000]) {
      const { names, rows } = await readRows(text, { format: "csv" }, undefined, [size]);
      expect(names).toEqual(["a", "b"]);
      expect(rows).toEqual([
        ["1", "2"],
        ["3", "4"],
      ]);
    }
  });

  test("quoted line ends, delimiters and doubled quotes belong to the cell", async () => {
    const { rows } = await readRows('a,b\n"x\r\ny","1,2"\n"""q""",""""\n', { format: "csv" });
    expect(rows).toEqual([
      ["x\r\ny", "1,2"],
      ['"q"', '"'],
    ]);
  });

  test("in a table of one column a blank line is a missing cell", async () => {
    expect((await readRows("a\n\nx\n", { format: "csv" })).rows).toEqual([[null], ["x"]]);
    expect(await writtenText({ a: string }, [[null], [""], ["x"]], { format: "csv" })).toBe('a\n\n""\nx\n');
  });

  test("a tsv is the same with tabs", async () => {
    expect((await readRows('a\tb\n1,2\t"x\ty"\n', { format: "tsv" })).rows).toEqual([["1,2", "x\ty"]]);
    expect(await writtenText({ a: string, b: string }, [["1,2", "x\ty"]], { format: "tsv" })).toBe(
      'a\tb\n1,2\t"x\ty"\n',
    );
  });

  test("a header alone is a table without rows, and its columns are asked for", async () => {
    const { names, rows, batches } = await readRows("a,b\n", { format: "csv" });
    expect({ names, rows, batches }).toEqual({ names: ["a", "b"], rows: [], batches: 0 });
  });

  test("columns that are not wanted are not converted", async () => {
    const types: Types = { b: { kind: "int8" } };
    expect((await readRows("a,b\nnot a number,5\n", { format: "csv" }, types)).rows).toEqual([[5]]);
  });
});

describe("a cell becomes the type asked for and nothing else", () => {
  const good: readonly (readonly [string, DataType, unknown])[] = [
    ["+007", { kind: "int8" }, 7],
    ["-128", { kind: "int8" }, -128],
    ["9223372036854775807", { kind: "int64" }, 9223372036854775807n],
    ["-9223372036854775808", { kind: "int64" }, -9223372036854775808n],
    ["0000000000000000000000000012", { kind: "int64" }, 12n],
    ["18446744073709551615", { kind: "uint64" }, 18446744073709551615n],
    ["tRuE", { kind: "bool" }, true],
    ["FALSE", { kind: "bool" }, false],
    ["NaN", { kind: "float32" }, NaN],
    ["-Infinity", { kind: "float16" }, -Infinity],
    ["0.1", { kind: "float32" }, Math.fround(0.1)],
    ["1e-400", { kind: "float64" }, 0],
    ["2026-01-31T01:02:03.5+02:00", { kind: "timestamp", unit: "us", timezone: "UTC" }, 1769814123500000n],
    ["1970-01-01T00:00:00.000000001", { kind: "timestamp", unit: "ns" }, 1n],
    [
      '"[9007199254740993,""-9223372036854775808"",null]"',
      { kind: "list", item: { kind: "int64" } },
      [9007199254740993n, -9223372036854775808n, null],
    ],
    ['"[1.5,NaN,""Infinity""]"', { kind: "list", item: { kind: "float64" } }, [1.5, NaN, Infinity]],
    ["[]", { kind: "list", item: string }, []],
    ["[]", { kind: "fixed_size_list", item: string, size: 0 }, []],
    [
      '"{""b"":[true]}"',
      {
        kind: "struct",
        fields: [
          { name: "a", type: string },
          { name: "b", type: { kind: "list", item: { kind: "bool" } } },
        ],
      },
      { a: null, b: [true] },
    ],
    [
      '"{""__proto__"":""x""}"',
      { kind: "struct", fields: [{ name: "__proto__", type: string }] },
      JSON.parse('{"__proto__":"x"}'),
    ],
  ];
  test.each(good)("%s as %j", async (text, type, value) => {
    expect((await readRows(`x,a\n1,${text}\n`, { format: "csv" }, { a: type })).rows).toEqual([[value]]);
  });

  const bad: readonly (readonly [string, DataType, string])[] = [
    ["1.0", { kind: "int8" }, "is not int8"],
    ["1e3", { kind: "int64" }, "is not int64"],
    ["128", { kind: "int8" }, "is out of the range of int8"],
    ["-1", { kind: "uint64" }, "is out of the range of uint64"],
    ["9223372036854775808", { kind: "int64" }, "is out of the range of int64"],
    ["9".repeat(400), { kind: "int64" }, "is out of the range of int64"],
    ['""', { kind: "int64" }, "is not int64"],
    ["yes", { kind: "bool" }, "is not bool"],
    ["1", { kind: "bool" }, "is not bool"],
    ["nan", { kind: "float64" }, "is not float64"],
    ["inf", { kind: "float64" }, "is not float64"],
    ["+Infinity", { kind: "float64" }, "is not float64"],
    ["1e999", { kind: "float64" }, "is out of the range of float64"],
    ["65520", { kind: "float16" }, "is out of the range of float16"],
    ['"1,5"', { kind: "float64" }, "is not float64"],
    ["2026-01-31", { kind: "timestamp", unit: "us" }, "is not an RFC 3339 time"],
    ["2026-01-31T00:00:00", { kind: "timestamp", unit: "us", timezone: "UTC" }, "has no zone"],
    ["2026-01-31T00:00:00Z", { kind: "timestamp", unit: "us" }, "has a zone"],
    ["2026-01-31T00:00:00.0000001", { kind: "timestamp", unit: "us" }, "has digits that timestamp[us] cannot hold"],
    ["9999-01-01T00:00:00", { kind: "timestamp", unit: "ns" }, "is out of the range of timestamp[ns]"],
    ["[1", { kind: "list", item: { kind: "int8" } }, "is not JSON for list<int8>"],
    ["[1] 2", { kind: "list", item: { kind: "int8" } }, "is not JSON for list<int8>"],
    ["['a']", { kind: "list", item: string }, "is not JSON for list<string>"],
    ["[1]", { kind: "list", item: string }, "is not string"],
    ["[300]", { kind: "list", item: { kind: "int8" } }, "is out of the range of int8"],
    ['"[1,2]"', { kind: "fixed_size_list", item: { kind: "int8" }, size: 3 }, "has 2 items"],
    ['"{""c"":1}"', { kind: "struct", fields: [{ name: "a", type: string }] }, "is no field of struct<a:string>"],
    [
      '"{""a"":""x"",""a"":""y""}"',
      { kind: "struct", fields: [{ name: "a", type: string }] },
      "is not JSON for struct<a:string>",
    ],
  ];
  test.each(bad)("%s is no %j: %s", async (text, type, rule) => {
    const error = await refusal(readRows(`x,a\n1,\n2,${text}\n`, { format: "csv", name: "in.csv" }, { a: type }));
    expect(error.code).toBe("TYPE_MISMATCH");
    expect(error.details).toMatchObject({ file: "in.csv", row: 2, line: 3, byte: 9, column: "a" });
    expect(error.message).toContain(rule);
  });
});

describe("malformed tables are refused with their place", () => {
  const cases: readonly (readonly [string, string, string, Record<string, unknown>])[] = [
    ["an empty input", "", "the input is empty", { line: 1 }],
    ["a byte order mark alone", "\ufeff", "the input is empty", { line: 1 }],
    ["an empty header line", "\na\n", "the header line is empty", { line: 1 }],
    ["a header twice", "a,b,a\n", "the header names this column twice", { line: 1, column: "a" }],
    ["a short row", "a,b\n1,2\n3\n", "the row has 1 cell, the header 2", { row: 2, line: 3, byte: 8 }],
    ["a long row", "a,b\n1,2,3\n", "the row has 3 cells, the header 2", { row: 1, line: 2, byte: 4 }],
    ["a lone quote", 'a,b\n1,2"3\n', "a quote stands inside a cell", { row: 1, line: 2, byte: 7, column: "b" }],
    [
      "an unclosed quote",
      'a,b\n1,"2\n3,4\n',
      "a quoted cell is never closed",
      { row: 1, line: 2, byte: 6, column: "b" },
    ],
    [
      "text after a closing quote",
      'a,b\n"1\n" x,2\n',
      "text follows a closing quote",
      { row: 1, line: 3, byte: 8, column: "a" },
    ],
    ["a NUL", "a,b\n1,2\0\n", "a NUL byte", { row: 1, line: 2, byte: 7, column: "b" }],
    ["a quoted NUL", 'a,b\n1,"\n\0"\n', "a NUL byte", { row: 1, line: 3, byte: 8, column: "b" }],
    [
      "a lone carriage return",
      "a,b\n1\r,2\n",
      "a carriage return stands alone",
      { row: 1, line: 2, byte: 5, column: "a" },
    ],
    ["a lone carriage return at the end", "a,b\n1,2\r", "a carriage return stands alone", { row: 1, line: 2, byte: 7 }],
  ];
  test.each(cases)("%s", async (_, text, rule, place) => {
    for (const size of [1, 1000]) {
      const error = await refusal(readRows(text, { format: "csv", name: "in.csv" }, undefined, [size]));
      expect(error.code).toBe("CORRUPT");
      expect(error.message).toContain(rule);
      expect(error.details).toMatchObject({ file: "in.csv", ...place });
    }
  });

  test.each([
    ["a stray continuation byte", [0x80]],
    ["an overlong form", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["past U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["a character cut off", [0xe2, 0x82]],
  ])("invalid UTF-8: %s", async (_, bytes) => {
    for (const quote of ["", '"']) {
      for (const size of [1, 1000]) {
        const content = new Uint8Array([...bytesOf(`a,b\nx,${quote}é`), ...bytes, ...bytesOf(`${quote}\n`)]);
        const error = await refusal(readRows(content, { format: "csv" }, undefined, [size]));
        expect(error.message).toContain("invalid UTF-8");
        expect(error.details).toMatchObject({ row: 1, line: 2, byte: 8 + quote.length, column: "b" });
      }
    }
  });

  test.each(["\u007f", "é", "€", "𐀀", "\ufeff", "\u0001"])(
    "%j is a cell like any other, cut anywhere",
    async (text) => {
      for (const size of [1, 2, 3, 5, 1000]) {
        expect((await readRows(`a,b\n${text},"${text}"\n`, { format: "csv" }, undefined, [size])).rows).toEqual([
          [text, text],
        ]);
      }
    },
  );
});

describe("limits", () => {
  test.each([
    ["a long cell", `a\n${"x".repeat(101)}\n`, { maxFieldBytes: 100 }, "a cell is longer than 100 bytes"],
    ["a cell that never ends", `a\n"${"x\n".repeat(1e6)}`, { maxFieldBytes: 100 }, "a cell is longer than 100 bytes"],
    ["a long row", `a,b\n${"x".repeat(60)},${"y".repeat(60)}`, { maxRowBytes: 100 }, "a row is longer than 100 bytes"],
    ["100,000 columns", `${"x,".repeat(100_000)}\n`, {}, "a row has more than 65536 cells"],
    ["a deep cell", `a\n${"[".repeat(1e5)}\n`, {}, "JSON is nested deeper than 128"],
  ])("%s", async (_, text, limits, rule) => {
    const type: DataType = text.includes("[") ? { kind: "list", item: string } : string;
    const error = await refusal(
      readRows(text, { format: "csv", limits }, text.startsWith("x") ? undefined : { a: type }, [7, 64]),
    );
    expect(error.message).toContain(rule);
  });

  test("60,000 columns are read", async () => {
    const names = Array.from({ length: 60_000 }, (_, i) => `c${i}`);
    const { rows } = await readRows(
      `${names.join(",")}\n${names.join(",")}\n`,
      { format: "csv", limits: { batchRows: 4 } },
      { c59999: string },
    );
    expect(rows).toEqual([["c59999"]]);
  });

  test("a cell of 32 MiB that arrives in small chunks takes linear time", async () => {
    const cell = "ACGT".repeat(8 << 20);
    const { rows } = await readRows(`a,b\n"${cell}",x\n`, { format: "csv" }, undefined, [65_536]);
    expect([String(rows[0]?.[0]).length, rows[0]?.[1]]).toEqual([cell.length, "x"]);
  });

  test("16,384 rows a batch at most, numbered from 1", async () => {
    const text = `a\n${Array.from({ length: 40_000 }, (_, i) => i).join("\n")}\n`;
    const { rows, batches } = await readRows(text, { format: "csv" }, { a: { kind: "int32" } });
    expect([rows.length, batches, rows[39_999]]).toEqual([40_000, 3, [39_999]]);
  });
});

test("stopping early releases the stream", async () => {
  let released = false;
  async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) yield bytesOf("a,b\n");
    } finally {
      released = true;
    }
  }
  const table = await openTable({ stream: source() }, { format: "csv", name: "t", limits: { batchRows: 2 } });
  for await (const _ of table.batches(() => string)) break;
  expect(released).toBe(true);
});

test("an aborted signal ends the reading", async () => {
  const controller = new AbortController();
  const table = await openTable(
    { stream: chunked(bytesOf(`a\n${"x\n".repeat(100)}`), [10]) },
    { format: "csv", name: "t", signal: controller.signal, limits: { batchRows: 2 } },
  );
  const read = async (): Promise<void> => {
    for await (const _ of table.batches(() => string)) controller.abort();
  };
  await expect(read()).rejects.toThrow("aborted");
});

test("a column that is refused stops the reading before any row", async () => {
  const table = await openTable({ stream: chunked(bytesOf("a,b\n1,2\n")) }, { format: "csv", name: "t" });
  const reading = async (): Promise<void> => {
    for await (const _ of table.batches((name) => {
      throw new Error(`no ${name}`);
    }));
  };
  await expect(reading()).rejects.toThrow("no a");
});

test("random access input is read in pieces", async () => {
  const bytes = bytesOf(`a\n${"x".repeat(100)}\n`);
  const file = {
    meta: { size: bytes.length },
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
  };
  const table = await openTable({ file }, { format: "csv", name: "t" });
  let rows = 0;
  for await (const batch of table.batches(() => string)) rows += batch.numRows;
  expect([table.columns, rows]).toEqual([[{ name: "a" }], 1]);
});

describe("formula-safe text", () => {
  const types: Types = { text: string, n: { kind: "int8" }, l: { kind: "list", item: { kind: "int8" } } };

  test("only text that would run gets an apostrophe, and numbers stay", async () => {
    const rows = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'=x", "'x", "x=", ""].map((text) => [text, -1, [-1]]);
    const text = await writtenText(types, rows, { format: "csv", formulaSafe: true });
    expect(
      text
        .split("\n")
        .slice(1, -1)
        .map((line) => line.replace(/,-1,\[-1\]$/, "")),
    ).toEqual(["'=1+1", "'+1", "'-1", "'@x", "'\tx", '"\'\rx"', "''=x", "'x", "x=", '""']);
    expect((await readRows(text, { format: "csv", formulaSafe: true }, types)).rows).toEqual(rows);
  });

  test("without the option nothing is added", async () => {
    expect(await writtenText({ text: string }, [["=1"]], { format: "csv" })).toBe("text\n=1\n");
  });
});

test("what csv cannot carry is refused", async () => {
  const error = await refusal(writtenText({ a: string }, [["x\0y"]], { format: "csv" }));
  expect([error instanceof FormatError, error.code, error.details["column"]]).toEqual([true, "NOT_SUPPORTED", "a"]);
  expect((await refusal(writtenText({}, [], { format: "csv" }))).code).toBe("USAGE");
});

test("values in messages are short and free of control characters", async () => {
  const error = await refusal(
    readRows(`a\n"\u001b[31m\u009b${"9".repeat(500)}x"\n`, { format: "csv" }, { a: { kind: "int8" } }),
  );
  expect(error.message).not.toMatch(/\p{Cc}/u);
  expect(error.message).toContain("\\u001b[31m\\u009b999");
  expect(String(error.details["value"]).replaceAll(/\\u[0-9a-f]{4}/g, "?").length).toBe(60);
});
