import { formatType } from "@usr/schema";
import { openForQuery, scanSnapshot, viewOf } from "../read/scan.ts";
import { selectColumns } from "../read/view.ts";
import type { Query, Root } from "../types.ts";
import { ColumnCounter, type ColumnSummary } from "./summary.ts";

/**
 * What each column of the merged view holds, counted over the rows of the query in one pass: counts, least, greatest and mean are exact,
 * `distinct` beyond 10,000 an estimate. Memory: one batch, and at most 10,000 values a column.
 *
 * @throws what `scan` throws
 */
export const describe = async (root: Root, id: string, query: Query = {}): Promise<readonly ColumnSummary[]> => {
  await using snapshot = await openForQuery(root, id, query);
  const columns = selectColumns(viewOf(snapshot, query), query.columns, id);
  const counters = columns.map(({ field }) => new ColumnCounter(field.type));
  for await (const batch of scanSnapshot(snapshot, query))
    for (const [c, counter] of counters.entries()) counter.add(batch.columns[c]!);
  return columns.map(({ field }, c) => ({
    column: field.name,
    type: formatType(field.type),
    origin: field.origin,
    ...counters[c]!.summary(),
  }));
};
