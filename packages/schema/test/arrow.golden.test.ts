/// <reference types="node" />
import { readdirSync, readFileSync } from "node:fs";
import { type Batch, SchemaError, type Value } from "@usr/schema";
import { readArrow } from "@usr/schema/arrow";
import { valueAt } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const FOLDER = new URL("./fixtures/arrow/", import.meta.url);
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".arrow"));
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, FOLDER)));

/** Rows as JSON that tells 64-bit integers apart. */
const expected: readonly Readonly<Record<string, unknown>>[] = JSON.parse(
  readFileSync(new URL("expected.json", FOLDER), "utf8"),
);

async function readAll(bytes: Uint8Array, columns?: readonly string[]): Promise<readonly Batch[]> {
  const found: Batch[] = [];
  const reader = await readArrow(
    (async function* () {
      yield bytes;
    })(),
  );
  for await (const batch of reader.batches(columns === undefined ? {} : { columns })) found.push(batch);
  return found;
}

const said = (value: Value): unknown => {
  if (typeof value === "bigint") return { bigint: String(value) };
  if (Array.isArray(value)) return value.map(said);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, said(inner)]));
  return value;
};

const rowsOf = (batches: readonly Batch[]): readonly Readonly<Record<string, unknown>>[] =>
  batches.flatMap(({ schema, columns, numRows }) =>
    Array.from({ length: numRows }, (_, row) =>
      Object.fromEntries(schema.fields.map(({ name }, i) => [name, said(valueAt(columns[i]!, row))])),
    ),
  );

const TYPES = {
  ...{ text: "string", word: "string", i8: "int8", u16: "uint16", i32: "int32", i64: "int64", u64: "uint64" },
  ...{ f32: "float32", f64: "float64", flag: "bool", ms: "timestamp", us: "timestamp", list: "list", lists: "list" },
  ...{ pair: "fixed_size_list", point: "struct" },
};

describe("Arrow files of pyarrow and polars", () => {
  it("are there", () => {
    expect(names.length).toBeGreaterThan(15);
    expect(expected.length).toBe(13);
  });

  it.each(names)("%s holds the table it was made of", async (name) => {
    const batches = await readAll(bytesOf(name));
    expect(rowsOf(batches)).toEqual(expected);
    for (const { schema } of batches) {
      expect(Object.fromEntries(schema.fields.map((field) => [field.name, field.type.kind]))).toEqual(TYPES);
      const [ms, us] = ["ms", "us"].map((key) => schema.fields.find((field) => field.name === key)?.type);
      expect(ms).toEqual({ kind: "timestamp", unit: "ms" });
      expect(us).toEqual({ kind: "timestamp", unit: "us", timezone: "UTC" });
    }
  });

  it.each(names)("%s, damaged anywhere, is other rows or refused, and cut anywhere never more rows", async (name) => {
    const good = bytesOf(name);
    const at = fc.oneof(
      fc.nat(good.length - 1),
      fc.nat(400).map((n) => Math.max(0, good.length - 1 - n)),
    );
    const edits = fc.array(fc.tuple(at, fc.oneof(fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255))), { maxLength: 2 });
    const attempt = async (bytes: Uint8Array): Promise<readonly unknown[]> => {
      try {
        return rowsOf(await readAll(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(SchemaError);
        return [];
      }
    };
    await fc.assert(
      fc.asyncProperty(edits, async (edits) => {
        const bytes = good.slice();
        for (const [place, byte] of edits) bytes[place] = byte;
        await attempt(bytes);
      }),
      { numRuns: testRuns(100) },
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), async (size) => {
        const rows = await attempt(good.slice(0, size));
        expect(rows).toEqual(expected.slice(0, rows.length));
      }),
      { numRuns: testRuns(20) },
    );
  });
});
