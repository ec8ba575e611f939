import { readBatches } from "@usr/parquet";
import type { Batch, Column, Schema } from "@usr/schema";
import { columnBuilder } from "@usr/schema/columns";
import type { Snapshot } from "../types.ts";
import type { Duplicates } from "./duplicates.ts";

const STRING = { kind: "string" } as const;
const INT64 = { kind: "int64" } as const;

/** What a report says of each dropped row; rows are counted from 1 in the base as it was. */
export const REPORT_SCHEMA: Schema = {
  fields: [
    { name: "id", type: STRING, nullable: true },
    { name: "kept", type: STRING, nullable: true },
    { name: "reason", type: STRING, nullable: true },
    { name: "row", type: INT64, nullable: true },
    { name: "kept_row", type: INT64, nullable: true },
  ],
  metadata: new Map(),
};

/**
 * The first `limit` dropped rows in base order, each with its id, the id that stays for it, the reason and both rows. Reads the id column
 * twice. Memory: four bytes a group, and the ids that stay.
 */
export async function* droppedRows(
  snapshot: Snapshot,
  duplicates: Duplicates,
  limit: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Batch> {
  const { file } = snapshot.base;
  const { dropped, groupOf, keptRow } = duplicates;
  const total = Math.min(limit, dropped.size);
  const kept = await keptIds(snapshot, duplicates, total);
  const reason = `same ${duplicates.key}`;
  let done = 0;
  let first = 0;
  for await (const batch of readBatches(file, { columns: ["id"] })) {
    if (done === total) return;
    const builders = REPORT_SCHEMA.fields.map(({ type }) => columnBuilder(type));
    const [id, stays, why, row, keptAt] = builders;
    for (let i = 0; i < batch.numRows && done < total; i++) {
      const at = first + i;
      if (!dropped.has(at)) continue;
      const group = groupOf(at);
      id!.appendFrom(batch.columns[0]!, i);
      stays!.appendFrom(kept.ids, kept.places[group]!);
      why!.append(reason);
      row!.append(BigInt(at + 1));
      keptAt!.append(BigInt(keptRow(group) + 1));
      done++;
    }
    first += batch.numRows;
    const numRows = id!.length;
    if (numRows > 0) yield { schema: REPORT_SCHEMA, columns: builders.map((builder) => builder.finish()), numRows };
  }
}

const WANTED = -2;

/** The ids that stay for the first `total` dropped rows, and where among them that of each group is. */
const keptIds = async (
  { base: { file } }: Snapshot,
  { dropped, groups, groupOf, keptRow }: Duplicates,
  total: number,
): Promise<{ readonly ids: Column; readonly places: Int32Array }> => {
  const places = new Int32Array(groups).fill(-1);
  for (let row = 0, count = 0; count < total; row++) {
    if (!dropped.has(row)) continue;
    places[groupOf(row)] = WANTED;
    count++;
  }
  const ids = columnBuilder(STRING);
  let row = 0;
  for await (const batch of readBatches(file, { columns: ["id"] })) {
    for (let i = 0; i < batch.numRows; i++, row++) {
      const group = groupOf(row);
      if (group < 0 || places[group] !== WANTED || keptRow(group) !== row) continue;
      places[group] = ids.length;
      ids.appendFrom(batch.columns[0]!, i);
    }
  }
  return { ids: ids.finish(), places };
};
