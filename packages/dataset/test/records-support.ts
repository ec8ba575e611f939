import { readBatches } from "@usr/parquet";
import { type Batch, formatType } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { expect } from "vitest";
import { readState } from "../src/records/index.ts";
import type { WritableRoot } from "../src/write/index.ts";
import { idsOf } from "./make.ts";
import { freshRoot } from "./support.ts";
import { bytesUnder, changedPaths, parquetAt, rowsOf, writableRoot } from "./write-support.ts";

// What the tests of delete, restore and state share.

export const SEQUENCES: readonly string[] = ["AAAA", "CCCC", "GGGG", "TTTT", "ACGT", "TGCA"];
export const IDS: readonly string[] = idsOf(SEQUENCES);
export const A: string = IDS[0]!;
export const C: string = IDS[1]!;
export const G: string = IDS[2]!;
export const T: string = IDS[3]!;
export const UNKNOWN: string = "0".repeat(40);
export const USR = "demo/_derived/usr.parquet";
export const STATE = "demo/_derived/usr_state.parquet";

export const TYPES: Readonly<Record<string, readonly string[]>> = {
  [USR]: ["string", "bool", "timestamp[us, UTC]", "string"],
  [STATE]: ["string", "bool", "string", "string", "string", "list<string>"],
};

/** Rows of a file as arrays of cells. */
export const cellsAt = async (root: WritableRoot, path: string): Promise<readonly (readonly unknown[])[]> => {
  const rows: (readonly unknown[])[] = [];
  for await (const batch of readBatches(await parquetAt(root.storage, path)))
    for (let row = 0; row < batch.numRows; row++) rows.push(batch.columns.map((column) => valueAt(column, row)));
  return rows;
};

const rowsOfBatch = (batch: Batch): readonly Record<string, unknown>[] =>
  Array.from({ length: batch.numRows }, (_, row) =>
    Object.fromEntries(batch.schema.fields.map(({ name }, c) => [name, valueAt(batch.columns[c]!, row)])),
  );

export const stateOf = async (
  root: WritableRoot,
  ids: readonly string[],
  o: { readonly id?: string; readonly allowMissing?: boolean } = {},
): Promise<readonly (readonly unknown[])[]> => {
  const rows: (readonly unknown[])[] = [];
  for await (const batch of readState(root, o.id ?? "demo", { ids, allowMissing: o.allowMissing }))
    for (const row of rowsOfBatch(batch)) rows.push(Object.values(row));
  return rows;
};

export const typesAt = async (root: WritableRoot, path: string): Promise<readonly string[]> =>
  (await parquetAt(root.storage, path)).schema.fields.map(({ type }) => formatType(type));

export const sequences = async (root: WritableRoot): Promise<readonly unknown[]> =>
  (await rowsOf(root, "demo", { columns: ["sequence"] })).map((row) => row["sequence"]);

/** Runs `act`, which must change nothing, not a byte. */
export const unchanged = async <R>(root: WritableRoot, act: () => Promise<R>): Promise<R> => {
  const before = await bytesUnder(root.storage);
  const result = await act();
  expect(changedPaths(before, await bytesUnder(root.storage))).toEqual([]);
  return result;
};

/** `WritableRoot` over a copy of a golden root, with a clock after its files. */
export const goldenRoot = async (name: string): Promise<WritableRoot> => ({
  ...writableRoot((await freshRoot(name)).storage),
  clock: (
    (now) => () =>
      (now += 1000n)
  )(1_800_000_000_000_000n),
});
