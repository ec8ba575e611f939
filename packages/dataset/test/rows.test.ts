import { buildKeyIndex, type KeyIndex, matchKeys } from "@usr/overlay";
import { openParquet, type ParquetFile, readBatches } from "@usr/parquet";
import type { Column } from "@usr/schema";
import { columnOf } from "@usr/schema/columns";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findRows, idIndex, idLookup } from "../src/read/lookup.ts";
import { type RowRange, readRanges } from "../src/read/rows.ts";
import { baseBytes, idsOf } from "./make.ts";

const fileOf = async (bytes: Uint8Array): Promise<ParquetFile> =>
  openParquet({
    meta: { size: bytes.length },
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  });

describe("findRows", () => {
  it("gives the same rows with filters and without, for ids that are there and ids that are not", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[ACGT]{1,3}$/), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.stringMatching(/^[ACGT]{1,3}$/), { maxLength: 12 }),
        async (sequences, groupRows, asked) => {
          const ids = idsOf(sequences);
          const wanted = [...idsOf(asked), "no id", ""];
          const expected = new Map<string, number[]>();
          for (const id of wanted) {
            const rows = ids.flatMap((other, row) => (other === id ? [row] : []));
            if (rows.length > 0) expected.set(id, rows);
          }
          for (const write of [{}, { bloomFilters: ["id"] }, { bloomFilters: ["id"], createdBy: "somebody" }]) {
            const file = await fileOf(await baseBytes({ sequences, groupRows, write }));
            expect(new Map([...(await findRows(file, wanted))].sort())).toEqual(new Map([...expected].sort()));
          }
        },
      ),
      { numRuns: testRuns(100) },
    );
  });
});

describe("idLookup", () => {
  it("knows the ids asked for as an index of the whole base does, however often it is asked", async () => {
    const name = fc.constantFrom("a", "b", " a", "a\t", "c".repeat(40), "d", "", " ", "e".repeat(40));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(name, { nil: null }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.array(fc.option(name, { nil: null }), { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        async (ids, groupRows, questions) => {
          const instead = { id: ["string", ids] } as const;
          const sequences = ids.map(() => "A");
          for (const write of [{}, { bloomFilters: ["id"], createdBy: "somebody" }]) {
            const file = await fileOf(await baseBytes({ sequences, groupRows, write, instead }));
            const whole = await buildKeyIndex("id", readBatches(file, { columns: ["id"] }));
            const ask = idLookup(file);
            const under = idIndex(file);
            for (const question of questions) {
              const column = columnOf({ kind: "string" }, question);
              const index = await ask(column);
              await under.ask(column);
              expect([...matchKeys(under.index).match(column)]).toEqual([...matchKeys(whole).match(column)]);
              expect(index).toMatchObject({ key: "id", numRows: file.numRows, complete: true });
              expect([...matchKeys(index).match(column)]).toEqual([...matchKeys(whole).match(column)]);
              for (let row = 0; row < ids.length; row++)
                if (question.some((id) => id?.trim() === ids[row]?.trim()))
                  expect(index.next(row)).toBe(whole.next(row));
            }
          }
        },
      ),
      { numRuns: testRuns(100) },
    );
  });

  it("keeps the ids of the base once many were asked for", async () => {
    const sequences = Array.from({ length: 300 }, (_, i) =>
      i.toString(4).replace(/\d/g, (digit) => "ACGT"[Number(digit)]!),
    );
    const file = await fileOf(await baseBytes({ sequences, write: { bloomFilters: ["id"] } }));
    const ids = idsOf(sequences);
    const many = Array.from({ length: 5000 }, (_, i) => ids[i % 300]!);
    const [few, all] = [await idLookup(file)(textOf([ids[7]!])), await idLookup(file)(textOf(many))];
    const known = (index: KeyIndex): number =>
      matchKeys(index)
        .match(textOf(ids))
        .filter((row) => row >= 0).length;
    expect([known(few), known(all)]).toEqual([1, 300]);
  });
});

it("finds thousands of ids of a base that is far larger, without a table of it", async () => {
  const rows = 150_000;
  const groupRows = 30_000;
  const sequences = Array.from({ length: rows }, (_, i) =>
    i.toString(4).replace(/\d/g, (digit) => "ACGT"[Number(digit)]!),
  );
  const ids = idsOf(sequences);
  const strangers = idsOf(Array.from({ length: 1600 }, (_, i) => "A".repeat(20 + i)));
  // One in white space, as only others store it, and one that is no SHA-1.
  const stored = ids.with(50_001, ` ${ids[50_001]}\t`).with(7, "seven");
  const asked = [...ids.filter((_, i) => i % 50 === 1), "seven", "eight", "", ...strangers];
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  const expected = asked.map((id) => (id === "" ? -2 : id === "seven" ? 7 : (rowOf.get(id) ?? -1)));
  const instead = { id: ["string", stored] } as const;
  for (const write of [{ createdBy: "somebody" }, { bloomFilters: ["id"], createdBy: "somebody" }, {}]) {
    const file = await fileOf(await baseBytes({ sequences, groupRows, write, instead }));
    const index = await idLookup(file)(textOf(asked));
    expect([...matchKeys(index).match(textOf(asked))]).toEqual(expected);
    // What nobody asked for is not known.
    expect(matchKeys(index).match(textOf([ids[2]!]))[0]).toBe(-1);
  }
});

const textOf = (values: readonly string[]): Column => columnOf({ kind: "string" }, values);

describe("readRanges without columns", () => {
  it("counts the rows of each range in batches that neither cross row groups nor grow with them", async () => {
    const bytes = await baseBytes({ sequences: ["A", "C", "G", "T", "AA", "AC", "AG"], groupRows: 3 });
    const small = await fileOf(bytes);
    expect(
      await counted(small, [
        { start: 1, end: 5 },
        { start: 6, end: 7 },
      ]),
    ).toEqual([
      [1, 2],
      [3, 2],
      [6, 1],
    ]);
    // Only the footer is asked: a group may be as large as other writers make it.
    const group = { numRows: 200_000, startRow: 0, byteSize: 0 };
    const large = { ...small, numRows: 200_000, rowGroups: [group] };
    expect(await counted(large, [{ start: 10, end: 200_000 }])).toEqual([
      [10, 65_536],
      [65_546, 65_536],
      [131_082, 65_536],
      [196_618, 3_382],
    ]);
  });
});

const counted = async (
  file: ParquetFile,
  ranges: readonly RowRange[],
): Promise<readonly (readonly [number, number])[]> => {
  const found: (readonly [number, number])[] = [];
  for await (const { batch, row } of readRanges(file, ranges, [])) found.push([row, batch.numRows]);
  return found;
};
