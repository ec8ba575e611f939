import type { Batch, Schema } from "@usr/schema";
import { formatTimestamp } from "@usr/schema";
import { valueAt } from "@usr/schema/columns";
import { RECORDS } from "../layout.ts";
import { requireRegistry } from "../read/registry.ts";
import { openSnapshot } from "../read/snapshot.ts";
import type { Snapshot } from "../types.ts";
import { groupsWithout } from "../write/base/row-groups.ts";
import { baseSchema, wholeSchema } from "../write/base/shape.ts";
import { planSnapshot } from "../write/commit/auto-snapshot.ts";
import { transact } from "../write/commit/transaction.ts";
import { countOf, findOrphans, type OrphanCount, type Orphans, orphanCounts, pruneSteps } from "../write/prune.ts";
import type { WritableRoot } from "../write/types.ts";
import { droppedRows, REPORT_SCHEMA } from "./dedupe-report.ts";
import { type DedupeKey, type Duplicates, findDuplicates } from "./duplicates.ts";

export interface DedupeOptions {
  readonly key: DedupeKey;
  /** Which row of a group stays, in base order; a live row always stays before a deleted one. Default `first`. */
  readonly keep?: "first" | "last" | undefined;
  /** Carry the overlay, state and tombstone rows of dropped rows away too; otherwise they stay behind as orphans, which reads pass over. */
  readonly pruneOverlays?: boolean | undefined;
  /**
   * Is handed every dropped row (`id, kept, reason, row, kept_row`) before anything changes; where it throws, nothing does.
   */
  readonly report?: ((schema: Schema, rows: AsyncIterable<Batch>) => Promise<void>) | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface DroppedRow {
  readonly id: string | null;
  /** The id of the row that stays for it. */
  readonly kept: string | null;
  readonly reason: string;
}

export interface DedupeResult {
  readonly rows_total: number;
  readonly rows_dropped: number;
  /** Keys that more than one row has. */
  readonly groups: number;
  /** The first 1,000 in base order; `report` gets all of them. */
  readonly dropped: readonly DroppedRow[];
  /** Rows of overlays, states and tombstones that match no row any more, by namespace; with `pruneOverlays` they are carried away. */
  readonly orphans: readonly OrphanCount[];
}

const LISTED = 1000;

/**
 * Leaves out of the base all rows but one of each group with equal keys. Rows keep their order; row groups that lose none are copied byte for
 * byte. The base before is kept as a snapshot. Without duplicates nothing is changed and nothing logged.
 *
 * Memory: about 40 bytes a row, and one row group.
 *
 * @throws DatasetError what `findDuplicates` throws; `NOT_SUPPORTED` for a base with columns that cannot be kept
 * @throws OverlayError for an overlay that cannot be opened: its orphans could not be told
 */
export const dedupe = async (root: WritableRoot, id: string, o: DedupeOptions): Promise<DedupeResult> => {
  const open = (): Promise<Snapshot> => openSnapshot(root, id, { namespaces: "all", tombstones: true });
  if (o.dryRun === true) {
    await requireRegistry(root.storage);
    await using snapshot = await open();
    return (await plan(snapshot, o)).result;
  }
  return transact(root, id, { command: "dedupe", freeze: "copy" }, async (tx) => {
    await using snapshot = await open();
    const { result, duplicates, orphans, schema } = await plan(snapshot, o);
    const { rows_total, rows_dropped, groups } = result;
    if (rows_dropped === 0) return { result };
    const { file } = snapshot.base;
    const stamped = baseSchema(schema, {
      registryHash: tx.registryHash,
      createdAt: formatTimestamp(tx.nowUs, "us", true),
    });
    const base = await tx.stageParquet(stamped, groupsWithout(file, stamped, duplicates.dropped));
    const pruned = o.pruneOverlays === true ? orphans : [];
    const pruning = await pruneSteps(tx, pruned);
    const kept = await planSnapshot(tx);
    const counts = { rows_total, rows_dropped, groups };
    return {
      result,
      commit: {
        prepare: [kept.first],
        publish: { kind: "publish", from: base.path, to: RECORDS },
        finish: [...pruning, ...kept.last],
        action: "dedupe",
        args: {
          key: o.key,
          keep: `keep-${o.keep ?? "first"}`,
          ...counts,
          prune_overlays: o.pruneOverlays === true,
          maintenance_reason: "dedupe",
        },
        metrics: { ...counts, overlay_rows_pruned: countOf(pruned) },
        artifacts: { base: {}, snapshot: { path: kept.path } },
        maintenance: { reason: "dedupe" },
        target: base.path,
      },
    };
  });
};

interface Plan {
  readonly result: DedupeResult;
  readonly duplicates: Duplicates;
  readonly orphans: readonly Orphans[];
  /** Of the base as it is. */
  readonly schema: Schema;
}

const plan = async (snapshot: Snapshot, o: DedupeOptions): Promise<Plan> => {
  const schema = wholeSchema(snapshot.base.file, snapshot.id);
  const duplicates = await findDuplicates(snapshot, { key: o.key, keep: o.keep ?? "first" });
  const { dropped, groups } = duplicates;
  const { overlays, tombstones } = snapshot;
  const keyed = tombstones === undefined ? overlays : [...overlays, tombstones.overlay];
  const orphans = await findOrphans(snapshot, keyed, dropped);
  await o.report?.(REPORT_SCHEMA, droppedRows(snapshot, duplicates));
  return {
    duplicates,
    orphans,
    schema,
    result: {
      rows_total: snapshot.base.file.numRows,
      rows_dropped: dropped.size,
      groups,
      dropped: dropped.size === 0 ? [] : await listed(snapshot, duplicates),
      orphans: orphanCounts(orphans),
    },
  };
};

const listed = async (snapshot: Snapshot, duplicates: Duplicates): Promise<readonly DroppedRow[]> => {
  const rows: DroppedRow[] = [];
  const text = (batch: Batch, column: number, row: number): string | null => {
    const value = valueAt(batch.columns[column]!, row);
    return typeof value === "string" ? value : null;
  };
  for await (const batch of droppedRows(snapshot, duplicates, LISTED)) {
    for (let i = 0; i < batch.numRows; i++)
      rows.push({ id: text(batch, 0, i), kept: text(batch, 1, i), reason: text(batch, 2, i) ?? "" });
  }
  return rows;
};
