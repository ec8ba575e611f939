import type { Batch, DataType, Value } from "@usr/schema";
import { columnOf, valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonRow, writeTable } from "../src/index.ts";

// Text is copied four bytes at a time where it can be: whatever stands where, the bytes are those of the rule.
const symbol = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(..."ACGTNacgt0123456789-_.~") },
  { weight: 2, arbitrary: fc.constantFrom(...'"\\,\t\r\n {}/+,!\u007f\u0080\u009f\u2028\ufeffé€😀') },
);
const text = fc.array(symbol, { maxLength: 40 }).map((parts) => parts.join(""));
const nullable = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(values, { freq: 8 });
const EDGES = [0, -0, 1e-4, 9.999999999999999e-5, 1e15, 1e16, 9999999999999998, 1e21, -1e22, 0.1, 5e-324, Number.NaN];
const COLUMNS: readonly (readonly [DataType, fc.Arbitrary<Value>])[] = [
  [{ kind: "string" }, nullable(text)],
  [{ kind: "string" }, text],
  [{ kind: "int32" }, fc.oneof(fc.integer(), fc.constantFrom(0, 9, 10, 99, 100, -(2 ** 31), 2 ** 31 - 1))],
  [{ kind: "uint32" }, fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(10 ** 9, 2 ** 32 - 1))],
  [{ kind: "int8" }, nullable(fc.integer({ min: -128, max: 127 }))],
  [
    { kind: "int64" },
    fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(0n, 1n, 2n ** 32n)),
  ],
  [
    { kind: "timestamp", unit: "us", timezone: "UTC" },
    nullable(fc.constantFrom(0n, 1n, 2n ** 32n, 1_760_000_000_123_456n)),
  ],
  [{ kind: "float64" }, nullable(fc.double())],
  [{ kind: "float64" }, fc.oneof(fc.double({ min: -1, max: 1 }), fc.integer(), fc.constantFrom(...EDGES))],
  [{ kind: "float32" }, fc.double().map(Math.fround)],
  [{ kind: "bool" }, nullable(fc.boolean())],
  [{ kind: "list", item: { kind: "string" } }, nullable(fc.array(nullable(text), { maxLength: 3 }))],
];
const table: fc.Arbitrary<Batch> = fc
  .tuple(
    fc.array(fc.tuple(...COLUMNS.map(([, values]) => values)), { minLength: 1, maxLength: 12 }),
    // columns with one and the same value
    fc.tuple(...COLUMNS.map(() => fc.boolean())),
  )
  .map(([rows, constant]) => ({
    schema: {
      fields: COLUMNS.map(([type], i) => ({ name: i === 0 ? 'a "b",\u0080' : `c${i}`, type, nullable: true })),
      metadata: new Map(),
    },
    columns: COLUMNS.map(([type], i) =>
      columnOf(
        type,
        rows.map((row) => (constant[i] === true ? rows[0]![i]! : row[i]!)),
      ),
    ),
    numRows: rows.length,
  }));

async function written(batch: Batch, format: "csv" | "tsv" | "jsonl"): Promise<string> {
  async function* batches(): AsyncGenerator<Batch> {
    yield batch;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTable(batch.schema, batches(), { format })) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** The rule of docs/cli.md for one cell; how numbers and times are spelled is taken from the JSON of the row. */
function naiveCell(batch: Batch, column: number, row: number, delimiter: string): string {
  const value = valueAt(batch.columns[column]!, row);
  if (value === null) return "";
  const one = {
    schema: { fields: [batch.schema.fields[column]!], metadata: new Map() },
    columns: [batch.columns[column]!],
    numRows: batch.numRows,
  };
  const json = jsonRow(one, row).slice(JSON.stringify(batch.schema.fields[column]!.name).length + 2, -1);
  const { kind } = batch.schema.fields[column]!.type;
  const plain = typeof value === "string" ? value : kind === "list" ? json : json.replaceAll('"', "");
  const quoted =
    plain === "" || plain.startsWith("\ufeff") || [...`"\r\n${delimiter}`].some((special) => plain.includes(special));
  // the first byte of a byte order mark also begins other characters, which are quoted with it
  const marked = Buffer.from(plain)[0] === 0xef;
  return quoted || marked ? `"${plain.replaceAll('"', '""')}"` : plain;
}

describe("text put together from bytes", () => {
  it("is what the rule says of csv and tsv", async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom("csv" as const, "tsv" as const), async (batch, format) => {
        const delimiter = format === "csv" ? "," : "\t";
        const lines = Array.from({ length: batch.numRows }, (_, row) =>
          batch.columns.map((_, i) => naiveCell(batch, i, row, delimiter)).join(delimiter),
        );
        const text = await written(batch, format);
        expect(text.slice(text.indexOf(`c${COLUMNS.length - 1}\n`) + `c${COLUMNS.length - 1}\n`.length)).toBe(
          lines.map((line) => `${line}\n`).join(""),
        );
      }),
      { numRuns: testRuns(300) },
    );
  });

  it("spells floats alike in blocks and alone", async () => {
    const values = Array.from({ length: 5_000 }, (_, i) => (i % 13 === 0 ? i : Math.sin(i) * 10 ** ((i % 40) - 20)));
    const batch: Batch = {
      schema: { fields: [{ name: "x", type: { kind: "float64" }, nullable: true }], metadata: new Map() },
      columns: [
        columnOf(
          { kind: "float64" },
          values.map((value, i) => (i % 17 === 3 ? null : value)),
        ),
      ],
      numRows: values.length,
    };
    const lines = Array.from({ length: batch.numRows }, (_, row) => jsonRow(batch, row));
    expect(await written(batch, "jsonl")).toBe(lines.map((line) => `${line}\n`).join(""));
    const cells = lines.map((line) => line.slice(5, -1)).map((cell) => (cell === "null" ? "" : cell));
    expect(await written(batch, "csv")).toBe(["x", ...cells].map((line) => `${line}\n`).join(""));
  });

  it("is what jsonRow gives, line by line", async () => {
    await fc.assert(
      fc.asyncProperty(table, async (batch) => {
        const lines = Array.from({ length: batch.numRows }, (_, row) => `${jsonRow(batch, row)}\n`);
        expect(await written(batch, "jsonl")).toBe(lines.join(""));
      }),
      { numRuns: testRuns(300) },
    );
  });
});
