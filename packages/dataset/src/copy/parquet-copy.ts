import { chunkOf, type ParquetFile, type RowGroup, writeParquet } from "@usr/parquet";
import type { Schema } from "@usr/schema";
import { columnsByGroup } from "../read/columns-by-group.ts";
import { groupsFit } from "../read/row-bytes.ts";
import { chosenColumns, openForQuery } from "../read/scan.ts";
import type { ViewColumn } from "../read/view.ts";
import type { Query, Root, Snapshot } from "../types.ts";

/** A Parquet file to be. Dispose it when its bytes are no longer wanted. */
export interface ParquetCopy extends AsyncDisposable {
  readonly schema: Schema;
  readonly numRows: number;
  /** The bytes of the file, in order; once. Memory is bounded by the merged columns of one row group. */
  bytes(): AsyncGenerator<Uint8Array, void, undefined>;
}

/**
 * The answer of `scan` as a Parquet file in which every base column that no overlay touches is copied undecoded, with the row groups of the base.
 * `undefined` where nothing would be copied or rows would be left out: filters, pages, ids, hidden rows; or where the row groups of the base
 * are of a size that nobody should take over.
 *
 * @throws DatasetError what `scan` throws
 */
export async function parquetCopy(root: Root, id: string, query: Query = {}): Promise<ParquetCopy | undefined> {
  if (query.where !== undefined || query.ids !== undefined) return undefined;
  if (query.limit !== undefined || (query.start ?? 0) > 0) return undefined;
  const snapshot = await openForQuery(root, id, query);
  try {
    const { file } = snapshot.base;
    const chosen = chosenColumns(snapshot, query);
    const hides = query.includeDeleted !== true && snapshot.tombstones !== undefined;
    if (hides || !isWellCut(file) || !groupsFit(snapshot, chosen) || !chosen.some(isCopied)) {
      await snapshot[Symbol.asyncDispose]();
      return undefined;
    }
    const schema: Schema = {
      fields: chosen.map(({ field: { name, type, nullable } }) => ({ name, type, nullable })),
      metadata: new Map(),
    };
    return {
      schema,
      numRows: file.numRows,
      bytes: () => writeParquet(schema, groupsOf(snapshot, chosen, query), { signal: query.signal }),
      [Symbol.asyncDispose]: () => snapshot[Symbol.asyncDispose](),
    };
  } catch (error) {
    await snapshot[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether the base alone says what the column holds. */
const isCopied = ({ stored, overlays, tombstone }: ViewColumn): boolean =>
  stored && overlays.length === 0 && !tombstone;

const MOST_ROWS = 131_072;
const FEWEST_ROWS = 8_192;

/** Merged columns are held for a row group at a time, and many small groups make a poor file. */
function isWellCut(file: ParquetFile): boolean {
  const sizes = file.rowGroups.map(({ numRows }) => numRows).filter((numRows) => numRows > 0);
  if (sizes.length === 0 || sizes.some((numRows) => numRows > MOST_ROWS)) return false;
  return sizes.length === 1 || file.numRows / sizes.length >= FEWEST_ROWS;
}

async function* groupsOf(snapshot: Snapshot, chosen: readonly ViewColumn[], query: Query): AsyncGenerator<RowGroup> {
  const { file } = snapshot.base;
  const merged = chosen.filter((column) => !isCopied(column)).map(({ field }) => field.name);
  const values = columnsByGroup(snapshot, { ...query, columns: merged });
  try {
    for (const [index, { numRows }] of file.rowGroups.entries()) {
      if (numRows === 0) continue;
      const decoded = merged.length === 0 ? undefined : (await values.next()).value;
      yield { numRows, columns: chosen.map(({ field: { name } }) => decoded?.get(name) ?? chunkOf(file, index, name)) };
    }
  } finally {
    await values.return(undefined);
  }
}
