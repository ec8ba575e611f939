import type { Column, Schema } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { expect, test } from "vitest";
import { FormatError, jsonRow, openTable, writeTable } from "../src/index.ts";
import type { Format, OpenTableOptions } from "../src/types.ts";

/** What programs without types may ask for. */
const untyped = <T>(value: unknown): T => JSON.parse(JSON.stringify(value));
const F64 = { kind: "float64" } as const;
const schema: Schema = { fields: [{ name: "a", type: F64, nullable: true }], metadata: new Map() };
const three = columnOf(F64, [1, 2, 3]);

async function* one(columns: readonly Column[], numRows: number) {
  yield { schema, columns, numRows };
}

const written = async (format: Format, columns: readonly Column[] = [three], numRows = 3): Promise<number> => {
  let bytes = 0;
  for await (const chunk of writeTable(schema, one(columns, numRows), { format })) bytes += chunk.length;
  return bytes;
};

test.each([["CSV"], ["xlsx"], [null]])("%j is no format, to read or to write", async (format) => {
  const o = untyped<OpenTableOptions>({ format, name: "x" });
  const rule = `${JSON.stringify(format)} is no format`;
  await expect(openTable({ stream: new Blob(["a\n"]).stream() }, o)).rejects.toThrow(rule);
  await expect(written(o.format)).rejects.toThrow(rule);
});

test.each<[string, AsyncIterable<Uint8Array> | Iterable<unknown>, string]>([
  ["texts", ["a,b\n1,2\n"], "the stream gives strings"],
  ["bytes themselves", new TextEncoder().encode("a,b\n1,2\n"), "the stream gives numbers"],
  ["arrays", [[97, 10]], "the stream gives objects"],
])("a stream of %s is refused", async (_, given, rule) => {
  async function* pass() {
    yield* given;
  }
  const input: { stream: AsyncIterable<Uint8Array> } = Object.assign(
    { stream: new Blob([]).stream() },
    { stream: pass() },
  );
  const opened = openTable(input, { format: "csv", name: "x" });
  await expect(opened).rejects.toThrow(FormatError);
  await expect(opened).rejects.toThrow(rule);
});

test.each(["csv", "tsv", "jsonl", "parquet", "arrow"] as const)(
  "%s is not written of batches that do not fit",
  async (format) => {
    expect(await written(format)).toBeGreaterThan(0);
    await expect(written(format, [three], 5)).rejects.toThrow(/3 rows/);
    await expect(written(format, [], 3)).rejects.toThrow();
    const lie: Column = { layout: "fixed", type: F64, length: 3, values: Float32Array.of(1, 2, 3) };
    await expect(written(format, [lie])).rejects.toThrow('Column "a" is not what it says');
  },
);

test("a row that a batch does not have is no row", () => {
  const batch = { schema, columns: [three], numRows: 3 };
  expect(jsonRow(batch, 2)).toBe('{"a":3.0}');
  for (const row of [-1, 3, Number.NaN]) expect(() => jsonRow(batch, row)).toThrow(RangeError);
});
