import { sequenceId } from "@usr/id";
import { openParquet, type ParquetFile } from "@usr/parquet";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Finding, Findings } from "../src/read/findings.ts";
import { checkRows } from "../src/read/validate-rows.ts";
import { baseBytes, type Cells } from "./make.ts";

// Rows without NULLs are checked column by column, the others one by one: both say the same of the same rows.

const KINDS = [
  ["dna", "dna_4", "ACGTacgt"],
  ["dna", "dna_5", "ACGTN"],
  ["rna", "rna_4", "ACGU"],
  ["protein", "protein_20", "ACDEFGHIKLMNPQRSTVWY"],
  // what nobody knows, and what does not go together
  ["dna", "rna_4", "ACGU"],
  ["xna", "dna_4", "ACGT"],
] as const;

interface Row {
  readonly id: string;
  readonly bio_type: string;
  readonly sequence: string;
  readonly alphabet: string;
  readonly length: number;
}

const sound = fc
  .tuple(fc.constantFrom(...KINDS), fc.array(fc.nat(), { minLength: 1, maxLength: 90 }))
  .map(([[bio_type, alphabet, symbols], picks]): Row => {
    const sequence = picks.map((pick) => symbols[pick % symbols.length]).join("");
    const id = bio_type === "xna" ? "0".repeat(40) : sequenceId(bio_type, sequence);
    return { id, bio_type, sequence, alphabet, length: sequence.length };
  });
const fault: fc.Arbitrary<(row: Row) => Partial<Row>> = fc.constantFrom<((row: Row) => Partial<Row>)[]>(
  () => ({ id: "" }),
  () => ({ id: "f".repeat(40) }),
  ({ id }) => ({ id: id.toUpperCase() }),
  ({ id }) => ({ id: ` ${id}` }),
  ({ id }) => ({ id: `${id.slice(0, 39)}${id.endsWith("0") ? "1" : "0"}` }),
  ({ sequence }) => ({ sequence: ` ${sequence}\n` }),
  ({ sequence }) => ({ sequence: `${sequence}é` }),
  ({ sequence }) => ({ sequence: `${sequence.slice(1)}-` }),
  () => ({ sequence: "" }),
  () => ({ sequence: " \t" }),
  ({ length }) => ({ length: length + 1 }),
  ({ length }) => ({ length: -length }),
  () => ({ alphabet: "" }),
  ({ bio_type }) => ({ bio_type: `${bio_type} ` }),
);
const row = fc
  .tuple(sound, fc.option(fault, { freq: 4 }))
  .map(([good, change]): Row => ({ ...good, ...change?.(good) }));
// Runs of one kind are usual.
const rows = fc
  .array(fc.tuple(row, fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 40 })
  .map((some) => some.flatMap(([one, times]) => Array.from({ length: times }, () => one)));

async function fileOf(table: readonly Row[], nulls: boolean): Promise<ParquetFile> {
  const cells = (of: (row: Row) => string | number): Cells => (nulls ? [...table.map(of), null] : table.map(of));
  const bytes = await baseBytes({
    sequences: [...table, ...(nulls ? ["A"] : [])].map(() => "A"),
    groupRows: 50,
    instead: {
      id: ["string", cells(({ id }) => id)],
      bio_type: ["string", cells(({ bio_type }) => bio_type)],
      sequence: ["string", cells(({ sequence }) => sequence)],
      alphabet: ["string", cells(({ alphabet }) => alphabet)],
      length: ["int32", cells(({ length }) => length)],
    },
  });
  return await openParquet({ meta: { size: bytes.length }, read: async (at, length) => bytes.slice(at, at + length) });
}

async function found(file: ParquetFile): Promise<readonly Finding[]> {
  const all: Finding[] = [];
  const findings: Findings = { add: (finding) => void all.push(finding), count: () => all.length, problems: () => [] };
  for await (const _ of checkRows(file, "demo", findings)) void _;
  return all;
}

test("rows checked column by column and one by one get the same findings", async () => {
  let faults = 0;
  await fc.assert(
    fc.asyncProperty(rows, async (table) => {
      const fast = await found(await fileOf(table, false));
      // Groups of 50 rows: the NULL row makes the last group, and with a single one all, be looked at row by row.
      const slow = await found(await fileOf(table.slice(0, 49), true));
      const last = `row ${Math.min(table.length, 49) + 1} `;
      const limit = table.slice(0, 49).length;
      const rowOf = ({ where }: Finding): number => Number(/ row (\d+) /.exec(where)![1]);
      expect(fast.filter((finding) => rowOf(finding) <= limit)).toEqual(
        slow.filter(({ where }) => !where.includes(last)),
      );
      faults += fast.length;
    }),
    { numRuns: testRuns(150) },
  );
  expect(faults).toBeGreaterThan(100);
});
