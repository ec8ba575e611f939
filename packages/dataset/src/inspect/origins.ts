import { buildKeyIndex, type KeyIndex, mergeOverlay, type OverlayKey, type Part } from "@usr/overlay";
import { isValid } from "@usr/schema/columns";
import { type ReadableStorage, type Signal, scopedStorage } from "@usr/storage";
import { everyEvent } from "../read/event-log.ts";
import { findRows } from "../read/lookup.ts";
import { keyBatches } from "../read/merged-view.ts";
import { openForQuery, viewOf } from "../read/scan.ts";
import { selectColumns } from "../read/view.ts";
import type { Query, Root, Snapshot } from "../types.ts";

/** Where one value of the merged view comes from. */
export type CellOrigin =
  /** The base table: imported with the row, or folded into it since. */
  | { readonly from: "base" }
  | {
      readonly from: "part";
      readonly namespace: string;
      /** Relative to the dataset. */
      readonly path: string;
      readonly created_at: string;
      /** Who wrote it, by the event log; `null` where the log does not tell. */
      readonly actor: { readonly tool: string; readonly run_id: string } | null;
    };

/**
 * For each id the origin of each column that has a value there: the newest part with one, else the base. Reads the asked columns of every part
 * for the rows asked.
 *
 * @throws what `scan` throws; ids that no row has are left out
 */
export const origins = async (
  root: Root,
  id: string,
  query: Query & { readonly ids: readonly string[] },
): Promise<ReadonlyMap<string, ReadonlyMap<string, CellOrigin>>> => {
  await using snapshot = await openForQuery(root, id, query);
  const columns = selectColumns(viewOf(snapshot, query), query.columns, id);
  const found = await findRows(snapshot.base.file, query.ids, query);
  const rows = [...found].map(([rowId, stored]) => ({ rowId, row: stored[0]! })).sort((a, b) => a.row - b.row);
  const winners = new Map(rows.map(({ rowId }) => [rowId, new Map<string, Part | "base">()]));
  const claim = (rowId: string, column: string, by: Part | "base"): void => {
    const cells = winners.get(rowId);
    if (cells?.has(column) === false) cells.set(column, by);
  };
  // A later namespace wins over an earlier one, and in each the newest part: the first to claim a cell keeps it.
  const overlays = [...new Set(columns.flatMap((column) => column.overlays))].toReversed();
  const indexes = new Map<OverlayKey, KeyIndex>();
  for (const overlay of overlays) {
    const index = indexes.get(overlay.key) ?? (await indexOf(snapshot, overlay.key, rows, query));
    indexes.set(overlay.key, index);
    for (const part of overlay.parts) {
      const held = columns.filter((column) => column.overlays.includes(overlay)).map(({ field }) => field.name);
      const names = held.filter((name) => part.columns.includes(name));
      await using cursor = mergeOverlay({ ...overlay, parts: [part] }, index, { columns: names, signal: query.signal });
      for (const { rowId, row } of rows) {
        const values = await cursor.read(row, row + 1);
        for (const [c, name] of names.entries()) if (isValid(values[c]!, 0)) claim(rowId, name, part);
      }
    }
  }
  for (const { rowId } of rows) for (const { field, stored } of columns) if (stored) claim(rowId, field.name, "base");
  const parts = new Set([...winners.values()].flatMap((cells) => [...cells.values()]).filter((by) => by !== "base"));
  const actors = await actorsOf(scopedStorage(root.storage, id), parts, query);
  return new Map(
    [...winners].map(([rowId, cells]) => [
      rowId,
      new Map([...cells].map(([name, by]) => [name, by === "base" ? { from: "base" } : originOf(by, actors)])),
    ]),
  );
};

/** Ids are unique by contract, so the rows asked for are enough; a sequence key is only sound over the whole base. */
const indexOf = (
  snapshot: Snapshot,
  key: OverlayKey,
  rows: readonly { readonly row: number }[],
  o: Signal,
): Promise<KeyIndex> => {
  const { numRows } = snapshot.base.file;
  const ranges = key === "id" ? rows.map(({ row }) => ({ start: row, end: row + 1 })) : [{ start: 0, end: numRows }];
  return buildKeyIndex(key, keyBatches(snapshot, key, ranges, o), { signal: o.signal, rows: numRows });
};

type Actors = ReadonlyMap<string, { readonly tool: string; readonly run_id: string }>;

const originOf = (part: Part, actors: Actors): CellOrigin => ({
  from: "part",
  namespace: part.namespace,
  path: part.path,
  created_at: part.createdAtText,
  actor: (part.eventId === undefined ? undefined : actors.get(part.eventId)) ?? null,
});

/** Who wrote the parts, by event. The log is read only where a part names its event, and no further than the last one named. */
const actorsOf = async (storage: ReadableStorage, parts: Iterable<Part>, o: Signal): Promise<Actors> => {
  const wanted = new Set([...parts].flatMap(({ eventId }) => (eventId === undefined ? [] : [eventId])));
  const actors = new Map<string, { tool: string; run_id: string }>();
  if (wanted.size === 0) return actors;
  for await (const { event_id, actor } of everyEvent(storage, { signal: o.signal })) {
    if (event_id === undefined || !wanted.delete(event_id)) continue;
    actors.set(event_id, { tool: actor.tool, run_id: actor.run_id });
    if (wanted.size === 0) break;
  }
  return actors;
};
