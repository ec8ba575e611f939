import { columnOf } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { META, STATS } from "../src/footer/format.ts";
import { nullCount, openParquet, type ParquetFile, writeParquet } from "../src/index.ts";
import { getI32, getSize, getStruct } from "../src/thrift/fields.ts";
import { bytesSource, collect, readAll } from "./canon.ts";
import { batchOf, schemaOf, tableArb } from "./tables.ts";

/** Everything that opening tells. */
function told(file: ParquetFile): unknown {
  const { schema, unsupported, columnNames, numRows, leafColumns, createdBy, rowGroups, footer } = file;
  return {
    ...{ schema, unsupported, columnNames, numRows, leafColumns, createdBy, rowGroups },
    columns: footer.columns,
    declared: footer.declared,
    keyValues: footer.keyValues,
    chunks: footer.rowGroups.map(({ chunks }) => chunks.map((chunk) => ({ ...chunk, meta: chunk.meta }))),
    nulls: schema.fields.map(({ name }) => nullCount(file, name)),
  };
}

const stamped = async (timezone: string, values: number): Promise<Uint8Array> => {
  const type = { kind: "timestamp", unit: "us", timezone } as const;
  const schema = { fields: [{ name: "at", type, nullable: true }], metadata: new Map([["n", `${values}`]]) };
  const column = columnOf(type, new Array<bigint>(values).fill(7n));
  return collect(writeParquet(schema, [{ columns: [column], numRows: values }]));
};

describe("a footer", () => {
  it("says the same whatever file it is likened to", async () => {
    const table = tableArb({ fixedLists: true, maxRows: 20 });
    await fc.assert(
      fc.asyncProperty(table, table, async (one, other) => {
        const [a, b] = await Promise.all([one, other].map((t) => collect(writeParquet(schemaOf(t), [batchOf(t)]))));
        const alone = await openParquet(bytesSource(a!));
        const like = await openParquet(bytesSource(b!));
        const likened = await openParquet(bytesSource(a!), { like });
        expect(told(likened)).toEqual(told(alone));
        expect(await readAll(likened)).toEqual(await readAll(alone));
        for (const { numRows, chunks } of alone.footer.rowGroups)
          for (const { meta, ...chunk } of chunks.map((c) => ({ ...c, meta: c.meta }))) {
            expect(chunk.numValues).toBe(getSize(meta, META.numValues));
            expect(chunk.length).toBe(getSize(meta, META.totalCompressed));
            expect(chunk.uncompressed).toBe(getSize(meta, META.totalUncompressed));
            expect(chunk.codec).toBe(getI32(meta, META.codec));
            const statistics = getStruct(meta, META.statistics);
            expect(chunk.nulls).toBe(statistics && getSize(statistics, STATS.nullCount));
            expect(chunk.numValues).toBeGreaterThanOrEqual(numRows);
          }
      }),
      { numRuns: testRuns(60) },
    );
  });

  it("is held once with that of a file of the same columns, unless ARROW:schema tells them apart", async () => {
    const [utc, longer, berlin] = await Promise.all(
      [stamped("UTC", 3), stamped("UTC", 5), stamped("Europe/Berlin", 3)].map(async (bytes) =>
        bytesSource(await bytes),
      ),
    );
    const like = await openParquet(utc!);
    const same = await openParquet(longer!, { like });
    expect(same.schema.fields).toBe(like.schema.fields);
    expect(same.footer.declared).toBe(like.footer.declared);
    expect([same.numRows, same.schema.metadata.get("n")]).toEqual([5, "5"]);
    const apart = await openParquet(berlin!, { like });
    expect(apart.schema.fields[0]!.type).toEqual({ kind: "timestamp", unit: "us", timezone: "Europe/Berlin" });
  });
});
