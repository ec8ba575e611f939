import { openParquet, type RowGroup, readBatches, writeParquet } from "@usr/parquet";
import type { Batch, Column, Field, Value } from "@usr/schema";
import { columnOf, sliceColumn, valueAt } from "@usr/schema/columns";
import { memoryStorage } from "@usr/storage";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, it } from "vitest";
import { groupsWithout, smallerGroups } from "../src/write/base/row-groups.ts";
import { createRowMask } from "../src/write/base/row-mask.ts";

const NUMBER: Field = { name: "n", type: { kind: "int32" }, nullable: true };
const TEXT: Field = { name: "t", type: { kind: "string" }, nullable: true };
const WIDE: Field = { name: "v", type: { kind: "list", item: { kind: "float64" } }, nullable: true };
const schema = { fields: [NUMBER, TEXT, WIDE], metadata: new Map() };

it("rows in smaller groups are the rows of groups as large as the base's", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 15 }),
      fc.array(fc.nat(160), { maxLength: 60 }),
      async (sizes, step, gone) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const rows = Array.from({ length: total }, (_, i) => i);
        const numbers = columnOf(NUMBER.type, rows);
        const texts = columnOf(
          TEXT.type,
          rows.map((i) => (i % 3 === 0 ? null : `t${i}`)),
        );
        const wide = columnOf(
          WIDE.type,
          rows.map((i) => [i, i / 2]),
        );
        const dropped = createRowMask(total);
        for (const row of gone) if (row < total) dropped.add(row);
        const starts = sizes.map((_, g) => sizes.slice(0, g).reduce((sum, size) => sum + size, 0));
        const groups = sizes.map((numRows, g) => ({
          numRows,
          columns: [numbers, texts].map((column) => sliceColumn(column, starts[g]!, starts[g]! + numRows)),
        }));
        const storage = memoryStorage();
        await storage.put("base", writeParquet({ fields: [NUMBER, TEXT], metadata: new Map() }, groups));
        const file = await openParquet((await storage.open("base"))!);
        async function* byGroup(): AsyncGenerator<ReadonlyMap<string, Column>, undefined> {
          for (const [g, start] of starts.entries())
            yield new Map([["v", sliceColumn(wide, start, start + sizes[g]!)]]);
          return undefined;
        }
        async function* byBatch(): AsyncGenerator<Batch> {
          for (const [g, start] of starts.entries()) {
            const end = start + sizes[g]!;
            for (let at = start; at < end; at += step) {
              const columns = [sliceColumn(wide, at, Math.min(end, at + step))];
              yield { schema: { fields: [WIDE], metadata: new Map() }, columns, numRows: columns[0]!.length };
            }
          }
        }
        const read = async (name: string, made: AsyncIterable<RowGroup>): Promise<readonly Value[][]> => {
          await storage.put(name, writeParquet(schema, made));
          const values: Value[][] = [];
          for await (const batch of readBatches(await openParquet((await storage.open(name))!)))
            for (let i = 0; i < batch.numRows; i++) values.push(batch.columns.map((column) => valueAt(column, i)));
          return values;
        };
        const small = await read("small", smallerGroups(file, schema, dropped, byBatch()));
        expect(small).toEqual(await read("large", groupsWithout(file, schema, dropped, byGroup())));
        expect(small).toHaveLength(total - dropped.size);
      },
    ),
    { numRuns: testRuns(60) },
  );
});
