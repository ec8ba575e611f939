import { openParquet } from "@usr/parquet";
import type { Value } from "@usr/schema";
import { expect, test } from "vitest";
import { validate } from "../src/index.ts";
import type { Problem } from "../src/types.ts";
import { baseBytes, idsOf, parquetBytes, registryText, rootOf } from "./make.ts";

// Keys that lie in the bytes of the base's ids are not decoded where the base has no fault. What is found is the same as of the same keys in
// other bytes, for any fault of either file.

const SEQUENCES = Array.from(
  { length: 40 },
  (_, row) => "ACGT".repeat(4).slice(row % 7) + "ACGT"[row % 4]!.repeat(row),
);
const IDS = idsOf(SEQUENCES);
const GROUP = 10;
const FILTERED = { bloomFilters: ["id"] };

const changed = (row: number, id: string | null): readonly (string | null)[] =>
  IDS.map((own, i) => (i === row ? id : own));

const part = (ids: readonly Value[], groupRows: number, createdBy?: string): Promise<Uint8Array> =>
  parquetBytes(
    { id: ["string", ids], mock__score: ["float64", ids.map((_, row) => row / 4)] },
    {
      "usr:overlay_namespace": "mock",
      "usr:overlay_key": "id",
      "usr:overlay_created_at": "2026-03-01T00:00:00.000000Z",
    },
    groupRows,
    { ...FILTERED, createdBy },
  );

/** The filter of the last row group says that none of its ids is there. */
async function withoutLastFilter(bytes: Uint8Array): Promise<Uint8Array> {
  const file = await openParquet({ meta: { size: bytes.length }, read: async (at, n) => bytes.slice(at, at + n) });
  const { offset, length } = file.footer.rowGroups.at(-1)!.chunks[file.columnNames.indexOf("id")]!.filter!;
  return bytes.slice().fill(0, offset + length - 32, offset + length);
}

async function problemsOf(base: Uint8Array, overlay: Uint8Array): Promise<readonly Problem[]> {
  const root = await rootOf({
    "registry.yaml": registryText({ mock: { mock__score: "float64" } }),
    "demo/records.parquet": base,
    "demo/_derived/mock.parquet": overlay,
  });
  return (await validate(root, "demo", { strict: true })).problems;
}

const same = (bytes: Uint8Array): Uint8Array => bytes;
const CASES = [
  { name: "no fault", ids: IDS, codes: [] },
  { name: "an id twice", ids: changed(35, IDS[3]!), codes: ["DUPLICATE_ID", "DUPLICATE_KEY", "ID_MISMATCH"] },
  { name: "an id missing", ids: changed(35, null), codes: ["MISSING_ID", "MISSING_KEY"] },
  { name: "a blank id", ids: changed(35, " "), codes: ["MISSING_ID", "MISSING_KEY"] },
  { name: "a padded id", ids: changed(35, ` ${IDS[35]!}`), codes: ["CORRUPT", "CORRUPT"] },
  { name: "a filter of the base", ids: IDS, base: withoutLastFilter, codes: ["CORRUPT"] },
  { name: "a filter of the part", ids: IDS, part: withoutLastFilter, codes: ["CORRUPT"] },
  { name: "both filters", ids: IDS, base: withoutLastFilter, part: withoutLastFilter, codes: ["CORRUPT", "CORRUPT"] },
  { name: "another program's part", ids: IDS, createdBy: "other", codes: [] },
] as const;

test.each(CASES)("the same is found of keys alike and unlike: $name", async ({ ids, codes, ...o }) => {
  const spoilBase = "base" in o ? o.base : same;
  const spoilPart = "part" in o ? o.part : same;
  const createdBy = "createdBy" in o ? o.createdBy : undefined;
  const base = await spoilBase(
    await baseBytes({ sequences: SEQUENCES, instead: { id: ["string", ids] }, groupRows: GROUP, write: FILTERED }),
  );
  const alike = await problemsOf(base, await spoilPart(await part(ids, GROUP, createdBy)));
  const codesOf = (problems: readonly Problem[]): readonly string[] =>
    problems.map(({ code }) => code).filter((code) => code !== "MISSING_METADATA");
  expect(codesOf(alike)).toEqual(expect.arrayContaining([...codes]));
  // Row groups of another length: the filters are of other rows, but the last row is in the last group of both.
  const unlike = await problemsOf(base, await spoilPart(await part(ids, GROUP / 2, createdBy)));
  expect(codesOf(alike)).toEqual(codesOf(unlike));
});
