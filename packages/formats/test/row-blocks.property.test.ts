import type { Batch, DataType, Value } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { jsonRow } from "../src/index.ts";

// Rows are put together in blocks, by WebAssembly where there is one: long rows, many columns and plain columns with one byte that is not.

const STRING: DataType = { kind: "string" };
const plainText = fc
  .tuple(fc.constantFrom("A", "GATTACA", "x-_.~0"), fc.integer({ min: 1, max: 60 }))
  .map(([symbols, times]) => symbols.repeat(times));
const special = fc.constantFrom(...'",\\\t\n\r ~\u007f\u0080é\ufeff€', "", "\ufeffA", "a\\b", "-+.,~");
/** One text, and how often it comes: rare ones are the byte that makes a column other than plain. */
const cells = (length: number): fc.Arbitrary<readonly Value[]> =>
  fc
    .tuple(
      fc.array(plainText, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(length - 1), fc.oneof(special, fc.constant(null))), { maxLength: 2 }),
      fc.option(fc.tuple(fc.nat(length - 1), fc.integer({ min: 60_000, max: 600_000 })), { freq: 2 }),
    )
    .map(([plain, rare, long]) => {
      const values: Value[] = Array.from({ length }, (_, row) => plain[row % plain.length]!);
      for (const [row, value] of rare) values[row] = value;
      if (long !== null) values[long[0]] = "ACGT-".repeat(long[1] / 5);
      return values;
    });
const table: fc.Arbitrary<Batch> = fc.integer({ min: 1, max: 2500 }).chain((length) =>
  fc.tuple(fc.array(cells(length), { minLength: 1, maxLength: 4 }), fc.constantFrom(0, 1, 600)).map(([texts, more]) => {
    const columns = [
      ...texts.map((values) => columnOf(STRING, values)),
      columnOf(
        { kind: "int32" },
        Array.from({ length }, (_, row) => (row * 7919) % 100_003),
      ),
      columnOf(
        { kind: "list", item: { kind: "int8" } },
        Array.from({ length }, (_, row) => [row % 100, null]),
      ),
      ...Array.from({ length: length < 20 ? more : 0 }, (_, i) =>
        columnOf(
          { kind: "int8" },
          Array.from({ length }, (__, row) => (row * i) % 100),
        ),
      ),
    ];
    return {
      schema: {
        fields: columns.map(({ type }, i) => ({ name: `c${i}`, type, nullable: true })),
        metadata: new Map(),
      },
      columns,
      numRows: length,
    };
  }),
);

/** The cell of a row of csv, from the JSON of the row. */
const csvCell = (json: unknown): string => {
  if (json === null) return "";
  const text = typeof json === "string" ? json : JSON.stringify(json);
  const quoted = text === "" || /[",\r\n]/.test(text) || Buffer.from(text)[0] === 0xef;
  return quoted ? `"${text.replaceAll('"', '""')}"` : text;
};

const writtenBy = async (
  { writeTable }: typeof import("../src/index.ts"),
  batch: Batch,
  format: "csv" | "jsonl",
): Promise<Buffer> => {
  async function* batches(): AsyncGenerator<Batch> {
    yield batch;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTable(batch.schema, batches(), { format })) chunks.push(chunk);
  return Buffer.concat(chunks);
};

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe.each(["with", "without"])("rows in blocks, %s WebAssembly", (mode) => {
  it("are the rows one by one", async () => {
    if (mode === "without") vi.stubGlobal("WebAssembly", undefined);
    vi.resetModules();
    const formats = await import("../src/index.ts");
    await fc.assert(
      fc.asyncProperty(table, async (batch) => {
        const rows = Array.from({ length: batch.numRows }, (_, row) => jsonRow(batch, row));
        const jsonl = await writtenBy(formats, batch, "jsonl");
        expect(jsonl.equals(Buffer.from(rows.map((row) => `${row}\n`).join("")))).toBe(true);
        const lines = [batch.schema.fields.map(({ name }) => name).join(",")];
        for (const row of rows) lines.push(Object.values(JSON.parse(row)).map(csvCell).join(","));
        const csv = await writtenBy(formats, batch, "csv");
        expect(csv.equals(Buffer.from(lines.map((line) => `${line}\n`).join("")))).toBe(true);
      }),
      { numRuns: testRuns(60) },
    );
  });
});
