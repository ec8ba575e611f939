import type { Batch, Column } from "@usr/schema";
import { concatColumns } from "@usr/schema/columns";
import type { Query, Snapshot } from "../types.ts";
import { scanSnapshot } from "./scan.ts";

/**
 * The columns of a query that hides no row, one map for each row group of the base that has rows. Holds those of one row group.
 */
export async function* columnsByGroup(
  snapshot: Snapshot,
  query: Query,
): AsyncGenerator<ReadonlyMap<string, Column>, undefined> {
  const { file } = snapshot.base;
  if (query.columns?.length === 0) return undefined;
  let held: Batch[] = [];
  let rows = 0;
  let group = 0;
  for await (const batch of scanSnapshot(snapshot, query)) {
    held.push(batch);
    rows += batch.numRows;
    while (file.rowGroups[group]!.numRows === 0) group++;
    if (rows < file.rowGroups[group]!.numRows) continue;
    yield new Map(
      batch.schema.fields.map(({ name, type }, i) => [
        name,
        concatColumns(
          type,
          held.map(({ columns }) => columns[i]!),
        ),
      ]),
    );
    held = [];
    rows = 0;
    group++;
  }
  return undefined;
}
