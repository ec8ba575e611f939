import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openParquet, ParquetError, type ParquetFile, writeParquet } from "../src/index.ts";
import { passStruct, readThrift, thriftCursor } from "../src/thrift/read.ts";
import { bytesSource, collect } from "./canon.ts";
import { batchOf, schemaOf, type TableSpec, tableArb } from "./tables.ts";

const MANY = testRuns(300);

/** A file of several row groups, and some of its footer's bytes put in place of others. */
const damagedArb = fc.record({
  spec: tableArb({ fixedLists: false, maxRows: 20 }),
  groups: fc.integer({ min: 1, max: 4 }),
  damage: fc.array(
    fc.record({
      at: fc.noBias(fc.integer({ min: 0, max: 999_999 })),
      byte: fc.integer({ min: 0, max: 255 }),
    }),
    { maxLength: 3 },
  ),
});

const fileOf = async (spec: TableSpec, groups: number): Promise<Uint8Array> =>
  collect(
    writeParquet(
      schemaOf(spec),
      Array.from({ length: groups }, () => batchOf(spec)),
      { bloomFilters: [] },
    ),
  );

const footerOf = (file: Uint8Array): Uint8Array => {
  const length = new DataView(file.buffer, file.byteOffset).getUint32(file.length - 8, true);
  return file.subarray(file.length - 8 - length, file.length - 8);
};

const said = async (look: () => Promise<ParquetFile>): Promise<unknown> => {
  try {
    const { rowGroups, numRows, schema, footer } = await look();
    return { rowGroups, numRows, schema, chunks: footer.rowGroups.map(({ chunks }) => chunks) };
  } catch (error) {
    if (error instanceof ParquetError && error.message.startsWith("t.parquet: ")) return "refused";
    throw error;
  }
};

test("a file whose rows are counted says the same once it is asked for its row groups, or is refused as it would be", async () => {
  let refused = 0;
  let late = 0;
  await fc.assert(
    fc.asyncProperty(damagedArb, async ({ spec, groups, damage }) => {
      const bytes = await fileOf(spec, groups);
      const footer = footerOf(bytes);
      for (const { at, byte } of damage) footer[Math.floor((at * footer.length) / 1_000_000)] = byte;
      const source = bytesSource(bytes, "t.parquet");
      const whole = await said(() => openParquet(source));
      const counted = await said(() => openParquet(source, { counted: true }));
      expect(counted).toEqual(whole);
      if (whole !== "refused") return;
      refused++;
      if ((await openParquet(source, { counted: true }).catch(() => undefined)) !== undefined) late++;
    }),
    { numRuns: MANY },
  );
  expect(refused).toBeGreaterThan(MANY / 10);
  expect(late).toBeGreaterThan(0);
});

test("a struct is gone over where it is decoded, and with the same end", async () => {
  await fc.assert(
    fc.asyncProperty(
      damagedArb,
      fc.noBias(fc.integer({ min: 0, max: 4000 })),
      async ({ spec, groups, damage }, budget) => {
        const footer = footerOf(await fileOf(spec, groups));
        for (const { at, byte } of damage) footer[Math.floor((at * footer.length) / 1_000_000)] = byte;
        const ended = (read: () => number): number | string => {
          try {
            return read();
          } catch (error) {
            if (error instanceof ParquetError) return error.code;
            throw error;
          }
        };
        const passed = ended(() => {
          const c = thriftCursor(footer, 0, footer.length, budget);
          passStruct(c);
          return c.at;
        });
        expect(passed).toBe(ended(() => readThrift(footer, 0, footer.length, budget).next));
      },
    ),
    { numRuns: MANY },
  );
});
