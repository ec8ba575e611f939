import { isValid } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extendColumns, extendParquet } from "../src/extend.ts";
import { chunkOf, openParquet, type ParquetFile, type RowGroup, readBatches, writeParquet } from "../src/index.ts";
import { rowGroupFilter } from "../src/lookup.ts";
import { bytesSource, canonColumn, collect, readAll } from "./canon.ts";
import { batchOf, schemaOf, type TableSpec, tableArb } from "./tables.ts";

const groupsOf = (spec: TableSpec, start: number, end: number, size: number): RowGroup[] => {
  const groups: RowGroup[] = [];
  for (let at = start; at < end; at += size) groups.push(batchOf(spec, at, Math.min(at + size, end)));
  return groups;
};

const join = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
};

const open = (bytes: Uint8Array): Promise<ParquetFile> => openParquet(bytesSource(bytes));

/** Bytes of the file that no chunk, offset index, bloom filter, footer or magic takes. */
const deadBytes = (bytes: Uint8Array, file: ParquetFile): number => {
  let used = 4 + (bytes.length - file.footer.dataEnd);
  for (const { chunks } of file.footer.rowGroups)
    for (const { length, offsetIndex, filter } of chunks)
      used += length + (offsetIndex?.length ?? 0) + (filter?.length ?? 0);
  return bytes.length - used;
};

/** Every text of a column is in the filter of its row group, and every row group with texts has one. */
const filtersHold = async (file: ParquetFile, name: string): Promise<void> => {
  for (const [g, { startRow, numRows }] of file.rowGroups.entries()) {
    const filter = await rowGroupFilter(file, g, name);
    for await (const batch of readBatches(file, { columns: [name], start: startRow, end: startRow + numRows })) {
      const column = batch.columns[0];
      for (let i = 0; column?.layout === "utf8" && i < column.length; i++)
        if (isValid(column, i))
          expect(filter?.mayHold(column.data, column.offsets[i]!, column.offsets[i + 1]!)).toBe(true);
    }
  }
};

describe("a file that goes on where another ends", () => {
  it("has the rows of both, ranges and indexes too, after any number of extensions, and no dead bytes", {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        tableArb({ fixedLists: true, maxRows: 240 }),
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 5 }),
        async (spec, drops) => {
          const schema = schemaOf(spec);
          const texts = schema.fields.filter(({ type }) => type.kind === "string").map(({ name }) => name);
          const o = { pageBytes: 300, bloomFilters: texts };
          const step = Math.max(1, Math.ceil(spec.rows / (drops.length + 1)));
          let end = Math.min(step, spec.rows);
          let bytes = await collect(writeParquet(schema, groupsOf(spec, 0, end, 17), o));
          for (const drop of drops) {
            const file = await open(bytes);
            const keep = Math.max(0, file.rowGroups.length - drop);
            const start = file.rowGroups[keep]?.startRow ?? end;
            end = Math.min(end + step, spec.rows);
            const groups = groupsOf(spec, start, end, 23);
            const more = extendParquet(schema, file, keep, groups, o);
            expect(more === undefined).toBe(keep === 0);
            if (more === undefined) {
              bytes = await collect(writeParquet(schema, groups, o));
              continue;
            }
            bytes = join(bytes.subarray(0, more.length), await collect(more.tail));
          }
          const file = await open(bytes);
          expect(deadBytes(bytes, file)).toBe(0);
          const rows = spec.columns.map((c) => canonColumn(c).slice(0, end));
          if (file.numRows === 0) return;
          expect((await readAll(file)).columns).toEqual(rows);
          for (const name of texts) await filtersHold(file, name);
          const range = { start: end >> 2, end: (3 * end) >> 2 };
          expect((await readAll(file, range)).columns).toEqual(rows.map((c) => c.slice(range.start, range.end)));
        },
      ),
      { numRuns: testRuns(100) },
    );
  });

  it("is refused where the kept groups cannot stay as they are", async () => {
    const type = { kind: "int32" } as const;
    const column = { layout: "fixed", type, length: 2, values: Int32Array.of(1, 2) } as const;
    const field = { name: "a", type, nullable: true };
    const schema = { fields: [field], metadata: new Map<string, string>() };
    const group = { numRows: 2, columns: [column] };
    const file = await open(await collect(writeParquet(schema, [group])));
    const tried = (fields: (typeof field)[], keep: number): unknown =>
      extendParquet({ fields, metadata: new Map() }, file, keep, [group]);
    expect(tried([field], 1)).toBeDefined();
    expect(tried([field], 0)).toBeUndefined();
    expect(tried([{ ...field, name: "b" }], 1)).toBeUndefined();
    expect(tried([{ ...field, nullable: false }], 1)).toBeUndefined();
    expect(tried([field, { ...field, name: "b" }], 1)).toBeUndefined();
    const empty = await open(await collect(writeParquet(schema, [])));
    expect(extendParquet(schema, empty, 0, [group])).toBeUndefined();
  });

  it("takes other metadata", async () => {
    const type = { kind: "int32" } as const;
    const columns = [{ layout: "fixed", type, length: 1, values: Int32Array.of(1) } as const];
    const fields = [{ name: "a", type, nullable: true }];
    const old = await collect(writeParquet({ fields, metadata: new Map([["k", "old"]]) }, [{ numRows: 1, columns }]));
    const more = extendParquet({ fields, metadata: new Map([["k", "new"]]) }, await open(old), 1, [])!;
    const file = await open(join(old.subarray(0, more.length), await collect(more.tail)));
    expect([file.schema.metadata.get("k"), file.numRows]).toEqual(["new", 1]);
  });
});

describe("a file that gains columns", () => {
  it("has all of them, ranges and indexes too, whatever the first ones were, and no dead bytes; a chunk of another file is copied", {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        tableArb({ fixedLists: true, maxRows: 120 }),
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (spec, steps, fromOther) => {
          const schema = schemaOf(spec);
          const first = (count: number): typeof schema => ({ ...schema, fields: schema.fields.slice(0, count) });
          const groups = groupsOf(spec, 0, spec.rows, 17);
          const texts = schema.fields.filter(({ type }) => type.kind === "string").map(({ name }) => name);
          const options = (count: number): { pageBytes: number; bloomFilters: string[] } => ({
            pageBytes: 300,
            bloomFilters: texts.filter((name) => first(count).fields.some((field) => field.name === name)),
          });
          const other = await open(await collect(writeParquet(schema, groups, options(schema.fields.length))));
          let count = 1;
          const some = groups.map(({ numRows, columns }) => ({ numRows, columns: columns.slice(0, 1) }));
          let bytes = await collect(writeParquet(first(1), some, options(1)));
          for (const step of steps) {
            const file = await open(bytes);
            const held = count;
            count = Math.min(schema.fields.length, count + step);
            const wider = groups.map(
              ({ numRows, columns }, g): RowGroup => ({
                numRows,
                columns: columns.slice(0, count).map((column, i) => {
                  const { name } = schema.fields[i]!;
                  return i < held ? chunkOf(file, g, name) : fromOther ? chunkOf(other, g, name) : column;
                }),
              }),
            );
            const more = extendColumns(first(count), file, wider, options(count));
            expect(more === undefined).toBe(spec.rows === 0);
            if (more === undefined) return;
            bytes = join(bytes.subarray(0, more.length), await collect(more.tail));
          }
          const file = await open(bytes);
          expect(deadBytes(bytes, file)).toBe(0);
          const rows = spec.columns.slice(0, count).map((c) => canonColumn(c));
          expect((await readAll(file)).columns).toEqual(rows);
          for (const name of options(count).bloomFilters) await filtersHold(file, name);
          const range = { start: spec.rows >> 2, end: (3 * spec.rows) >> 2 };
          expect((await readAll(file, range)).columns).toEqual(rows.map((c) => c.slice(range.start, range.end)));
        },
      ),
      { numRuns: testRuns(100) },
    );
  });
});
