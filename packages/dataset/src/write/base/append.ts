import type { ParquetFile, RowGroup } from "@usr/parquet";
import { chunkOf, readBatches } from "@usr/parquet";
import { extendColumns, extendParquet } from "@usr/parquet/extend";
import type { Schema } from "@usr/schema";
import { RECORDS } from "../../layout.ts";
import type { BaseTable } from "../../types.ts";
import type { Staged, Transaction } from "../types.ts";
import type { EarlyCopy } from "./early-copy.ts";
import type { LastRows } from "./last-rows.ts";
import { decodedColumns, ROW_GROUP_ROWS, type Rows, regroup, tableOptions } from "./row-groups.ts";

/** A group of this many bytes counts as full, however few its rows. */
const FULL_BYTES = 8 * 1024 * 1024;
/** A group of fewer rows never stays before new ones: writing it anew costs less than reading it as a group of its own. */
const SMALL_ROWS = 2048;
/** So many groups that are neither small nor full may stay. */
const MOST_PARTIAL = 8;
/** Most rows of old groups that one append writes anew. The groups our own appends leave behind never come to that. */
const MOST_ABSORBED = 2 * ROW_GROUP_ROWS;

/**
 * How many row groups at the start of a file stay as they are when `added` rows come behind them; the others are written anew with the new
 * rows. A full group stays, a small one does not. Those between stay until they make a full one with the new rows, or are `MOST_PARTIAL`.
 *
 * So a file that grew by appends has, beside its full groups, at most nine others at its end; and an append writes anew at most `SMALL_ROWS` rows,
 * and over many of them six rows for each that it adds: a full group takes up each row once more, and eight groups that are not
 * small make at least 14,336 new rows since the last time.
 */
export const groupsKept = (
  groups: readonly { readonly numRows: number; readonly byteSize: number }[],
  added: number,
): number => {
  const isFull = (at: number): boolean => {
    const { numRows, byteSize } = groups[at]!;
    return numRows >= ROW_GROUP_ROWS || byteSize > FULL_BYTES;
  };
  let kept = groups.length;
  let rows = added;
  const mayTake = (at: number, taken: number): boolean =>
    at >= 0 && !isFull(at) && taken - added + groups[at]!.numRows <= MOST_ABSORBED;
  while (mayTake(kept - 1, rows) && groups[kept - 1]!.numRows < SMALL_ROWS) rows += groups[--kept]!.numRows;
  let first = kept;
  while (mayTake(first - 1, rows)) rows += groups[--first]!.numRows;
  return rows >= ROW_GROUP_ROWS || kept - first >= MOST_PARTIAL ? first : kept;
};

/**
 * Stages the base with rows appended; `undefined` where there are none. `added` brings the columns of the file's schema. Memory is bounded by
 * one full row group. With `last` the rows that are written anew come from there where it holds them, and what was written is held for the next time.
 * With `copy`, which may begin while `added` is read, the base is copied by it, or it is discarded.
 */
export const stageAppended = async (
  tx: Transaction,
  base: BaseTable,
  schema: Schema,
  added: AsyncIterable<Rows>,
  o: { readonly last?: LastRows | undefined; readonly copy?: EarlyCopy | undefined } = {},
): Promise<Staged | undefined> => {
  try {
    const staged = await stage(tx, base, schema, added, o);
    if (staged === undefined) await o.copy?.discard();
    return staged;
  } catch (error) {
    await o.copy?.discard();
    throw error;
  }
};

const stage = async (
  tx: Transaction,
  base: BaseTable,
  schema: Schema,
  added: AsyncIterable<Rows>,
  { last, copy }: { readonly last?: LastRows | undefined; readonly copy?: EarlyCopy | undefined },
): Promise<Staged | undefined> => {
  const { file, meta } = base;
  const { ahead, pieces } = await lookAhead(added, ROW_GROUP_ROWS);
  if (ahead === 0) return undefined;
  const keep = groupsKept(file.rowGroups, ahead);
  const start = file.rowGroups[keep]?.startRow ?? file.numRows;
  const old = last?.since(meta.etag, start) ?? stored(file, start);
  const rows = oneAfterTheOther(old, pieces);
  const passing = last?.passing(meta.etag, start, rows);
  const staged = await stageAfterGroups(tx, base, schema, keep, regroup(file.schema, passing?.rows ?? rows), copy);
  passing?.written(staged.etag);
  return staged;
};

/**
 * Stages the base with the columns of its file under `schema`: its first `keep` row groups, copied by the store itself where it can, and others
 * after them. Columns that other programs declared as never missing and `schema` does not are encoded anew, as columns that may be.
 */
export const stageAfterGroups = async (
  tx: Transaction,
  { file, meta }: BaseTable,
  schema: Schema,
  keep: number,
  more: Iterable<RowGroup> | AsyncIterable<RowGroup>,
  copy?: EarlyCopy,
): Promise<Staged> => {
  const { extend } = tx.storage;
  const extension = extend && extendParquet(schema, file, keep, more, tableOptions(schema));
  if (extension !== undefined && copy !== undefined) return copy.extended(extension);
  await copy?.discard();
  return extension === undefined
    ? tx.stageParquet(schema, copied(file, schema, keep, more))
    : tx.stageAfter({ path: RECORDS, etag: meta.etag, length: extension.length }, extension.tail);
};

/** Stages row groups that hold all column chunks of the base and further columns. Where the store can go on from a file, the chunks stay as they lie. */
export const stageMoreColumns = (
  tx: Transaction,
  { file, meta }: BaseTable,
  schema: Schema,
  groups: AsyncIterable<RowGroup>,
): Promise<Staged> => {
  const { extend } = tx.storage;
  const extension = extend && extendColumns(schema, file, groups, tableOptions(schema));
  return extension === undefined
    ? tx.stageParquet(schema, groups)
    : tx.stageAfter({ path: RECORDS, etag: meta.etag, length: extension.length }, extension.tail);
};

/** Pulls until `enough` rows are there or the source ends; `pieces` brings them and the rest. */
const lookAhead = async (
  source: AsyncIterable<Rows>,
  enough: number,
): Promise<{ readonly ahead: number; readonly pieces: AsyncIterable<Rows> }> => {
  const iterator = source[Symbol.asyncIterator]();
  const held: Rows[] = [];
  let ahead = 0;
  while (ahead < enough) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    held.push(value);
    ahead += value.numRows;
  }
  async function* pieces(): AsyncGenerator<Rows> {
    try {
      yield* held.splice(0);
      yield* { [Symbol.asyncIterator]: () => iterator };
    } finally {
      await iterator.return?.();
    }
  }
  return { ahead, pieces: pieces() };
};

/** The rows of a file from row `start` on. */
async function* stored(file: ParquetFile, start: number): AsyncGenerator<Rows> {
  if (start < file.numRows) yield* readBatches(file, { start, end: file.numRows });
}

async function* oneAfterTheOther(...sources: readonly (Iterable<Rows> | AsyncIterable<Rows>)[]): AsyncGenerator<Rows> {
  for (const source of sources) yield* source;
}

async function* copied(
  file: ParquetFile,
  { fields }: Schema,
  keep: number,
  more: Iterable<RowGroup> | AsyncIterable<RowGroup>,
): AsyncGenerator<RowGroup> {
  const widened = fields.filter(({ nullable }, i) => nullable && !file.schema.fields[i]!.nullable).map((f) => f.name);
  for (const [index, { numRows, startRow }] of file.rowGroups.slice(0, keep).entries()) {
    const decoded = await decodedColumns(file, widened, startRow, startRow + numRows);
    yield { numRows, columns: fields.map(({ name }) => decoded.get(name) ?? chunkOf(file, index, name)) };
  }
  yield* more;
}
