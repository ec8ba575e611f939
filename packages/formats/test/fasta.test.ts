import type { DataType, Value } from "@usr/schema";
import { describe, expect, test } from "vitest";
import { openTable, type WriteTableOptions } from "../src/index.ts";
import { batchOf, bytesOf, chunked, readRows, schemaOf, type Types, written, writtenText } from "./helpers.ts";
import { refusal } from "./refusal.ts";

const string: DataType = { kind: "string" };

describe("reading", () => {
  test.each([
    ["several lines, case kept", ">a\nACGT\nacgt\n>b\nGG\n"],
    ["carriage returns", ">a\r\nACGT\r\nacgt\r\n>b\r\nGG\r\n"],
    ["blank lines between and within records", "\n\r\n>a\nACGT\n\nacgt\n\n\n>b\n\nGG\n\n"],
    ["no last line end", ">a\nACGTacgt\n>b\nGG"],
    ["a byte order mark", "\ufeff>a\nACGTacgt\n>b\nGG\n"],
  ])("%s", async (_, text) => {
    for (const size of [1, 2, 5, 1000]) {
      const { names, rows } = await readRows(text, { format: "fasta" }, undefined, [size]);
      expect(names).toEqual(["name", "description", "sequence"]);
      expect(rows).toEqual([
        ["a", null, "ACGTacgt"],
        ["b", null, "GG"],
      ]);
    }
  });

  test("the first word names the record, the rest describes it", async () => {
    const { rows } = await readRows(">sp|P1|X  some >text, Ü\t1 \nMK*\n> b\nM\n>\nM\n", { format: "fasta" });
    expect(rows).toEqual([
      ["sp|P1|X", "some >text, Ü\t1 ", "MK*"],
      ["b", null, "M"],
      ["", null, "M"],
    ]);
  });

  test("an empty input has no rows", async () => {
    expect((await readRows("", { format: "fasta" })).rows).toEqual([]);
    expect((await readRows("\n\n", { format: "fasta" })).rows).toEqual([]);
  });

  test("columns are converted as text is", async () => {
    const types: Types = { name: { kind: "int8" } };
    expect((await readRows(">7\nA\n", { format: "fasta" }, types)).rows).toEqual([[7]]);
    const error = await refusal(readRows(">7\nA\n>x\nA\n", { format: "fasta" }, types));
    expect(error.details).toMatchObject({ row: 2, line: 3, byte: 5, column: "name", value: "x" });
  });

  test.each([
    ["text before the first record", "ACGT\n>a\nA\n", "text stands before the first record", { line: 1, byte: 0 }],
    [
      "an empty record",
      ">a\nA\n>b x\n\n>c\nA\n",
      "the record has no sequence",
      { row: 2, line: 3, byte: 5, value: ">b x" },
    ],
    ["an empty last record", ">a", "the record has no sequence", { row: 1, line: 1 }],
    ["a NUL", ">a\nA\0\n", "a NUL byte", { row: 1, line: 2, byte: 4 }],
    ["a lone carriage return", ">a\rACGT\r", "a carriage return stands alone", { row: 1, line: 1, byte: 2 }],
  ])("%s", async (_, text, rule, place) => {
    for (const size of [1, 1000]) {
      const error = await refusal(readRows(text, { format: "fasta", name: "in.fa" }, undefined, [size]));
      expect([error.code, error.details["file"]]).toEqual(["CORRUPT", "in.fa"]);
      expect(error.message).toContain(rule);
      expect(error.details).toMatchObject(place);
    }
  });

  test("invalid UTF-8", async () => {
    const bytes = new Uint8Array([...bytesOf(">a é"), 0xe9, ...bytesOf("\nA\n")]);
    expect((await refusal(readRows(bytes, { format: "fasta" }))).details).toMatchObject({
      line: 1,
      byte: 5,
      rule: "invalid UTF-8",
    });
  });

  test("a record beyond the limit", async () => {
    const error = await refusal(
      readRows(`>a\n${"ACGT\n".repeat(1e5)}`, { format: "fasta", limits: { maxFieldBytes: 1000 } }, undefined, [100]),
    );
    expect([error.code, error.message.includes("longer than 1000 bytes")]).toEqual(["TOO_LARGE", true]);
  });

  test("16,384 records a batch", async () => {
    const table = await openTable(
      { stream: chunked(bytesOf(">a\nA\n".repeat(20_000)), [999]) },
      { format: "fasta", name: "t" },
    );
    const sizes: number[] = [];
    for await (const { firstRow, numRows } of table.batches(() => string)) sizes.push(firstRow, numRows);
    expect(sizes).toEqual([1, 16_384, 16_385, 3_616]);
  });
});

describe("writing", () => {
  const types: Types = {
    id: string,
    sequence: string,
    x__n: { kind: "int64" },
    x__f: { kind: "float32" },
    x__l: { kind: "list", item: string },
  };
  const rows: readonly (readonly Value[])[] = [
    ["i1", "ACGTACGTAC", 9007199254740993n, 0.5, ["a\nb"]],
    ["i2", "AC", null, null, null],
  ];
  const text = (o: Partial<WriteTableOptions>): Promise<string> => writtenText(types, rows, { format: "fasta", ...o });

  test("one line a sequence, the id in the header", async () => {
    expect(await text({})).toBe(">i1\nACGTACGTAC\n>i2\nAC\n");
  });

  test("lines of a given length", async () => {
    expect(await text({ fastaWrap: 4 })).toBe(">i1\nACGT\nACGT\nAC\n>i2\nAC\n");
    expect(await text({ fastaWrap: 5 })).toBe(">i1\nACGTA\nCGTAC\n>i2\nAC\n");
  });

  test("a header of columns; missing is nothing", async () => {
    expect(await text({ fastaHeader: "{id} n={x__n} {{f}}={x__f} {x__l}" })).toBe(
      '>i1 n=9007199254740993 {f}=0.5 ["a\\nb"]\nACGTACGTAC\n>i2 n= {f}= \nAC\n',
    );
  });

  test("a line end in a header value becomes a blank", async () => {
    const out = await writtenText({ id: string, sequence: string }, [["a\r\n>b", "A"]], { format: "fasta" });
    expect(out).toBe(">a >b\nA\n");
  });

  test.each([
    ["{nope}", "UNKNOWN_COLUMN", "is not among the columns to write"],
    ["{id", "USAGE", "has a brace without its partner"],
    ["id}", "USAGE", "has a brace without its partner"],
    ["{}", "UNKNOWN_COLUMN", "is not among the columns to write"],
  ])("template %s", async (fastaHeader, code, rule) => {
    const error = await refusal(text({ fastaHeader }));
    expect([error.code, error.message.includes(rule)]).toEqual([code, true]);
  });

  test.each([
    [null, "needs a sequence"],
    ["", "needs a sequence"],
    ["AC GT", "cannot stand"],
    ["A\nC", "cannot stand"],
    [">A", "cannot stand"],
  ])("sequence %j", async (sequence, rule) => {
    const error = await refusal(
      writtenText(
        { id: string, sequence: string },
        [
          ["a", "A"],
          ["b", sequence],
        ],
        { format: "fasta" },
      ),
    );
    expect([error.code, error.details["row"], error.message.includes(rule)]).toEqual(["TYPE_MISMATCH", 2, true]);
  });

  test("a table without a sequence, a bad line length, a sequence that is no text", async () => {
    expect((await refusal(writtenText({ id: string }, [], { format: "fasta" }))).code).toBe("USAGE");
    expect((await refusal(text({ fastaWrap: -1 }))).code).toBe("USAGE");
    expect((await refusal(text({ fastaSequence: "x__n" }))).code).toBe("TYPE_MISMATCH");
  });

  test("sequences come back, whatever the line length and the chunks", async () => {
    for (const fastaWrap of [0, 1, 60, 70]) {
      const sequences = Array.from({ length: 50 }, (_, i) => "ACGT".repeat(i + 1).slice(0, 1 + ((i * 37) % 199)));
      const table = { id: string, sequence: string };
      const bytes = await written(
        schemaOf(table),
        [
          batchOf(
            table,
            sequences.map((sequence, i) => [`s${i}`, sequence]),
          ),
        ],
        { format: "fasta", fastaWrap },
      );
      const back = await readRows(bytes, { format: "fasta" }, { name: string, sequence: string }, [1, 13, 64]);
      expect(back.rows).toEqual(sequences.map((sequence, i) => [`s${i}`, sequence]));
    }
  });
});
