import { type ChunkRef, canPassThrough, chunkOf, type ParquetFile } from "@usr/parquet";
import { hasFilter, writtenHere } from "@usr/parquet/lookup";
import type { Column } from "@usr/schema";
import { concatColumns, gatherColumns } from "@usr/schema/columns";
import { readRanges } from "../../read/rows.ts";
import { KEY_TYPE } from "../key-type.ts";
import type { WholeIds } from "./ids-in-order.ts";

/** The keys of a part taken from its base, where they are known to be the same bytes as its ids. */
export interface BaseKeys {
  /** First rows of the row groups of the base whose ids can be copied as they are stored, ascending. */
  readonly starts: Int32Array;
  /** One past the last row of the group that begins with `row`; -1 = no such group. */
  groupEnd(row: number): number;
  /** The ids of `rows`, ascending and at least one: by reference where they are those of such a group, else as they are held or decoded. */
  of(rows: Int32Array): Promise<Column | ChunkRef>;
}

/** `undefined` where nothing of the base can be copied: ids of other programs are stored otherwise, and without the filters that parts have. */
export const baseKeys = (file: ParquetFile, ids: WholeIds): BaseKeys | undefined => {
  if (!writtenHere(file) || !canPassThrough(file, "id", { name: "id", type: KEY_TYPE, nullable: true }))
    return undefined;
  const groups = new Map<number, { readonly index: number; readonly end: number }>();
  for (const [index, { startRow, numRows }] of file.rowGroups.entries())
    if (numRows > 0 && hasFilter(file, index, "id")) groups.set(startRow, { index, end: startRow + numRows });
  if (groups.size === 0) return undefined;
  return {
    starts: Int32Array.from(groups.keys()),
    groupEnd: (row) => groups.get(row)?.end ?? -1,
    of: async (rows) => {
      const first = rows[0]!;
      const end = rows.at(-1)! + 1;
      const group = groups.get(first);
      if (group?.end === end && rows.length === end - first) return chunkOf(file, group.index, "id");
      if (ids.stored !== undefined && rows.length === end - first)
        return concatColumns(KEY_TYPE, ids.stored.columns(first, end));
      const found: Column[] = [];
      let next = 0;
      for await (const { batch, row } of readRanges(file, [{ start: first, end }], ["id"])) {
        const from = next;
        while (next < rows.length && rows[next]! < row + batch.numRows) next++;
        const at = rows.subarray(from, next).map((r) => r - row);
        found.push(gatherColumns(KEY_TYPE, [batch.columns[0]!], undefined, at));
      }
      return concatColumns(KEY_TYPE, found);
    },
  };
};
