import { stripRange } from "@usr/id";
import { buildKeyIndex, type KeyIndex } from "@usr/overlay";
import { createKeyTable, type KeyTable } from "@usr/overlay/write";
import { type ParquetFile, readBatches } from "@usr/parquet";
import type { Batch, Column, Utf8Column } from "@usr/schema";
import type { IdLookup } from "../../read/lookup.ts";
import { type BaseIds, baseIds, holdsKeys, sameIds } from "./base-ids.ts";

/** What is known of the ids of a whole base; filled in as it is found out. */
export interface WholeIds {
  /** The ids themselves, until a table is made of them. */
  stored?: BaseIds | undefined;
  table?: KeyIndex;
  /** Whether a key that is found has the very bytes of the id, and no id stands twice. */
  exact?: boolean;
}

/**
 * Answers column by column: by comparison with the ids of the base as long as the columns go along with them, from the first row on, and from
 * then on by a table of all. Comparing costs a twentieth of making the table.
 */
export const idsInOrder = (file: ParquetFile, known: WholeIds): IdLookup => {
  let next = 0;
  return async (column) => {
    if (next === 0 && known.table === undefined && known.exact === undefined && (await isBeginning(file, column))) {
      known.stored = await baseIds(file);
      known.exact = known.stored !== undefined;
    }
    if (next >= 0 && column.layout === "utf8" && known.stored?.match(next, column) === true) {
      next += column.length;
      return rowsFrom(next - column.length, column, file.numRows);
    }
    next = -1;
    known.table ??= await tableOf(file, known);
    return known.table;
  };
};

/** Whether the values of a column are the first ids of the base, which is then likely to go on so. */
const isBeginning = async (file: ParquetFile, column: Column): Promise<boolean> => {
  let row = 0;
  if (column.length > file.numRows) return false;
  for await (const batch of readBatches(file, { columns: ["id"], end: column.length })) {
    if (!sameIds(batch.columns[0]!, column, row)) return false;
    row += batch.numRows;
  }
  return true;
};

const tableOf = async (file: ParquetFile, known: WholeIds): Promise<KeyIndex> => {
  let plain = true;
  async function* checked(): AsyncGenerator<Batch, void, undefined> {
    for await (const batch of readBatches(file, { columns: ["id"] })) {
      plain &&= holdsKeys(batch.columns[0]!);
      yield batch;
    }
  }
  known.stored = undefined;
  const table = await buildKeyIndex("id", checked(), { rows: file.numRows, expected: file.numRows });
  known.exact = plain && !table.repeats;
  return table;
};

/** The index of a base under which the values of `ids`, none of which is blank, are known to be those of the rows from `start` on. */
const rowsFrom = (start: number, ids: Utf8Column, numRows: number): KeyIndex => {
  let table: KeyTable | undefined;
  const tabled = (): KeyTable => {
    const made = createKeyTable({ expected: ids.length, fold: false });
    for (let i = 0; i < ids.length; i++) made.add(ids.data, ids.offsets[i]!, ids.offsets[i + 1]!, start + i);
    return made;
  };
  const lookup: KeyIndex["lookup"] = (bytes, from, to) => {
    const [first, end] = stripRange(bytes, from, to);
    table ??= tabled();
    return first === end ? -2 : table.find(bytes, first, end);
  };
  return {
    key: "id",
    numRows,
    size: ids.length,
    complete: true,
    lookup,
    lookupEach: (column) => {
      const rows = new Int32Array(column.length);
      for (let i = 0; i < rows.length; i++)
        rows[i] = column === ids ? start + i : lookup(column.data, column.offsets[i]!, column.offsets[i + 1]!);
      return rows;
    },
    next: () => -1,
    repeats: false,
  };
};
