import { normalizeKeys } from "@usr/overlay/write";
import type { ParquetFile } from "@usr/parquet";
import { hasFilter, rowGroupFilter, writtenHere } from "@usr/parquet/lookup";
import type { Batch } from "@usr/schema";
import type { Signal } from "@usr/storage";
import { type Findings, place } from "./findings.ts";

/**
 * Passes batches of a text column on, which are those of the whole file in order, and holds them against the bloom filters on the way: a filter
 * that does not know a value hides its row from everybody who looks for it. Memory: one filter.
 */
export async function* heldByFilters<B extends Batch>(
  file: ParquetFile,
  column: string,
  batches: AsyncIterable<B>,
  where: string,
  findings: Findings,
  o: Signal,
): AsyncGenerator<B, void, undefined> {
  let [group, row] = [-1, 0];
  let filter: Awaited<ReturnType<typeof rowGroupFilter>>;
  for await (const batch of batches) {
    for (let next = file.rowGroups[group + 1]; next !== undefined && next.startRow <= row; ) {
      group++;
      filter = next.numRows === 0 ? undefined : await rowGroupFilter(file, group, column, o);
      // Filters of other programs may be of a kind that is not read here.
      if (filter === undefined && next.numRows > 0 && writtenHere(file) && hasFilter(file, group, column)) {
        findings.add({
          severity: "warning",
          code: "CORRUPT",
          message: `The bloom filter of row group ${group} cannot be read: whoever looks for an ${column} reads all of its rows.`,
          where: place(where, undefined, column),
          hint: "Values are whole. Put a sound copy of the file back, or have it written anew.",
          kind: `${where} bloom filters`,
        });
      }
      next = file.rowGroups[group + 1];
    }
    const stored = batch.columns[batch.schema.fields.findIndex(({ name }) => name === column)];
    if (filter !== undefined && stored?.layout === "utf8") {
      // Keys are looked for as they are compared in files of our own, and as they are stored in others.
      const keys = writtenHere(file) ? normalizeKeys("id", stored) : stored;
      const at = keys.layout === "utf8" ? filter.ruledOut(keys) : -1;
      if (at >= 0) {
        findings.add({
          severity: "error",
          code: "CORRUPT",
          message: `The bloom filter of row group ${group} does not know this ${column}, so that looking for it finds nothing.`,
          where: place(where, row + at + 1, column),
          hint: "Put a sound copy of the file back.",
        });
      }
    }
    row += batch.numRows;
    yield batch;
  }
}
