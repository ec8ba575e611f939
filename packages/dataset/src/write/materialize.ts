import type { Overlay } from "@usr/overlay";
import type { Schema } from "@usr/schema";
import { formatTimestamp } from "@usr/schema";
import { DatasetError } from "../error.ts";
import { ARCHIVED_DIR, isKeptWhole, RECORDS } from "../layout.ts";
import { columnsByGroup } from "../read/columns-by-group.ts";
import { overlayNotFound } from "../read/list.ts";
import { requireRegistry } from "../read/registry.ts";
import { groupsFit } from "../read/row-bytes.ts";
import { chosenColumns, scanSnapshot } from "../read/scan.ts";
import { openSnapshot } from "../read/snapshot.ts";
import type { Snapshot } from "../types.ts";
import { stageMoreColumns } from "./base/append.ts";
import { groupsWithout, smallerGroups } from "./base/row-groups.ts";
import { createRowMask, deletedRows, type RowMask } from "./base/row-mask.ts";
import { baseSchema, wholeSchema } from "./base/shape.ts";
import { fileStamp, planSnapshot } from "./commit/auto-snapshot.ts";
import { transact } from "./commit/transaction.ts";
import { countOf, findOrphans, type OrphanCount, type Orphans, orphanCounts, pruneSteps } from "./prune.ts";
import type { Step, Transaction, WritableRoot } from "./types.ts";

export interface MaterializeOptions {
  /** Namespaces to fold; default every overlay of the dataset. Never `usr` or `usr_state`. */
  readonly namespaces?: readonly string[] | undefined;
  /** What becomes of the folded overlays: set aside under `_derived/_archived/` (default), deleted, or kept where they are. */
  readonly overlays?: "archive" | "drop" | "keep" | undefined;
  /** Leave deleted rows out of the new base, and their tombstones. */
  readonly dropDeleted?: boolean | undefined;
  /** Carry the overlay and state rows of rows that are left out away too; otherwise they stay behind as orphans, which reads pass over. */
  readonly pruneOverlays?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface MaterializeResult {
  readonly dataset: string;
  readonly namespaces: readonly string[];
  readonly columns: readonly string[];
  readonly rows: number;
  readonly rows_dropped: number;
  /** `archived`, `dropped`, `kept`, or `none` when there was nothing to fold. */
  readonly overlays: "archived" | "dropped" | "kept" | "none";
  /**
   * Where rows were dropped: the rows of the overlays that stay, and of the states, that match no row any more, by namespace. With
   * `pruneOverlays` they are carried away.
   */
  readonly orphans?: readonly OrphanCount[] | undefined;
}

/**
 * Folds overlays into the base. Column chunks that do not change are copied byte for byte; only folded columns are encoded, row group
 * by row group, and row groups that lose deleted rows are written anew. Values, types, order and missing values of the merged view
 * are the same before and after. The base before is kept as a snapshot.
 */
export const materialize = async (
  root: WritableRoot,
  id: string,
  o: MaterializeOptions = {},
): Promise<MaterializeResult> => {
  // What rows leave behind in other overlays is looked for, so those have to be open too.
  const namespaces = o.dropDeleted === true ? "all" : (o.namespaces ?? "all");
  const open = (): Promise<Snapshot> => openSnapshot(root, id, { namespaces, tombstones: true });
  if (o.dryRun === true) {
    await requireRegistry(root.storage);
    await using snapshot = await open();
    const plan = await planFold(snapshot, o);
    return resultOf(snapshot, plan, o);
  }
  return transact(root, id, { command: "materialize", freeze: "copy" }, async (tx) => {
    await using snapshot = await open();
    const plan = await planFold(snapshot, o);
    const result = resultOf(snapshot, plan, o);
    if (plan.overlays.length === 0 && plan.dropped.size === 0) return { result };
    const { file } = snapshot.base;
    const schema = baseSchema(
      { fields: plan.fields, metadata: wholeSchema(file, tx.id).metadata },
      {
        registryHash: tx.registryHash,
        createdAt: formatTimestamp(tx.nowUs, "us", true),
      },
    );
    const query = { columns: plan.columns, includeDeleted: true };
    const fit = groupsFit(snapshot, chosenColumns(snapshot, query));
    const groups = fit
      ? groupsWithout(file, schema, plan.dropped, columnsByGroup(snapshot, query))
      : smallerGroups(file, schema, plan.dropped, scanSnapshot(snapshot, query));
    const stays =
      fit && plan.dropped.size === 0 && schema.fields.length === file.columnNames.length + plan.columns.length;
    const base = stays
      ? await stageMoreColumns(tx, snapshot.base, schema, groups)
      : await tx.stageParquet(schema, groups);
    const kept = await planSnapshot(tx);
    const folded = plan.overlays.map((overlay) => ({
      namespace: overlay.namespace,
      key: overlay.key,
      fingerprint: {
        rows: overlay.parts.reduce((sum, part) => sum + part.file.numRows, 0),
        cols: overlay.fields.length + 1,
        size_bytes: sizeOf(overlay),
      },
    }));
    const how = o.overlays ?? "archive";
    return {
      result,
      commit: {
        prepare: [kept.first],
        publish: { kind: "publish", from: base.path, to: RECORDS },
        finish: [
          ...(how === "keep" ? [] : plan.overlays.flatMap((overlay) => clearing(overlay, how, tx))),
          ...(await pruneSteps(tx, o.pruneOverlays === true ? [...plan.tombstones, ...plan.orphans] : plan.tombstones)),
          ...kept.last,
        ],
        action: "materialize",
        args: {
          namespaces: o.namespaces === undefined ? null : [...o.namespaces],
          drop_overlays: how !== "keep",
          archive_overlays: how === "archive",
          drop_deleted: o.dropDeleted === true,
          ...(o.pruneOverlays === true && { prune_overlays: true }),
          overlays: folded,
          tombstone:
            snapshot.tombstones === undefined
              ? null
              : { rows: snapshot.tombstones.file.numRows, size_bytes: sizeOf(snapshot.tombstones.overlay) },
          maintenance_reason: "materialize",
        },
        metrics: {
          overlays: plan.overlays.length,
          rows: result.rows,
          rows_dropped: result.rows_dropped,
          ...(o.pruneOverlays === true && { overlay_rows_pruned: countOf(plan.orphans) }),
        },
        artifacts: { overlays: folded },
        maintenance: { reason: "materialize" },
        target: base.path,
      },
    };
  });
};

interface Fold {
  readonly overlays: readonly Overlay[];
  /** Names of the columns whose values come from the merged view. */
  readonly columns: readonly string[];
  /** Fields of the new base: the old ones in place, then the new ones in the order of the merged view. */
  readonly fields: Schema["fields"];
  /** Stored rows that are left out. */
  readonly dropped: RowMask;
  /** Tombstones of those rows. */
  readonly tombstones: readonly Orphans[];
  /** Rows of the overlays that stay, and of the states, that match none of the rows left. */
  readonly orphans: readonly Orphans[];
}

const planFold = async (snapshot: Snapshot, o: MaterializeOptions): Promise<Fold> => {
  for (const namespace of o.namespaces ?? []) {
    if (isKeptWhole(namespace)) {
      throw new DatasetError("NAMESPACE_RESERVED", `the namespace ${namespace} is never folded into the base`, {
        hint: "Leave it out: it is kept as an overlay on purpose.",
        details: { namespace },
      });
    }
    if (!snapshot.overlays.some((overlay) => overlay.namespace === namespace)) {
      throw overlayNotFound(
        snapshot.id,
        namespace,
        snapshot.overlays.map((overlay) => overlay.namespace),
      );
    }
  }
  const overlays = snapshot.overlays
    .filter(({ namespace }) => !isKeptWhole(namespace))
    .filter(({ namespace }) => o.namespaces?.includes(namespace) ?? true)
    .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
  const base = snapshot.base.file.schema.fields;
  const stored = new Set(base.map(({ name }) => name));
  const columns = [...new Set(overlays.flatMap(({ fields }) => fields.map(({ name }) => name)))];
  const added = overlays.flatMap(({ fields }) => fields).filter(({ name }) => !stored.has(name));
  const dropped = o.dropDeleted === true ? await deletedRows(snapshot) : createRowMask(0);
  const staying =
    o.overlays === "keep" ? snapshot.overlays : snapshot.overlays.filter((other) => !overlays.includes(other));
  return {
    overlays,
    columns,
    fields: [...base, ...added],
    dropped,
    tombstones: await findOrphans(
      snapshot,
      snapshot.tombstones === undefined ? [] : [snapshot.tombstones.overlay],
      dropped,
    ),
    orphans: await findOrphans(snapshot, staying, dropped),
  };
};

const resultOf = (snapshot: Snapshot, plan: Fold, o: MaterializeOptions): MaterializeResult => ({
  dataset: snapshot.id,
  namespaces: plan.overlays.map(({ namespace }) => namespace),
  columns: plan.columns,
  rows: snapshot.base.file.numRows - plan.dropped.size,
  rows_dropped: plan.dropped.size,
  overlays:
    plan.overlays.length === 0
      ? "none"
      : ({ archive: "archived", drop: "dropped", keep: "kept" } as const)[o.overlays ?? "archive"],
  ...(plan.dropped.size > 0 && { orphans: orphanCounts(plan.orphans) }),
});

const sizeOf = ({ entry }: Overlay): number => entry.objects.reduce((sum, { size }) => sum + size, 0);

/**
 * Folded overlays leave their place: set aside under a stamped name, or deleted. The oldest part goes first, whatever the names: once a newer
 * one has gone, the values of an older one would show over the folded ones.
 */
const clearing = (overlay: Overlay, how: "archive" | "drop", tx: Transaction): readonly Step[] => {
  const age = new Map(overlay.parts.map(({ path }, newestFirst) => [path, newestFirst]));
  const objects = overlay.entry.objects.toSorted((a, b) => (age.get(b.path) ?? 0) - (age.get(a.path) ?? 0));
  if (how === "drop") return objects.map(({ path, etag }) => ({ kind: "delete", path, etag }));
  const stamp = `${fileStamp(tx.nowUs)}Z`;
  return objects.map(({ path, etag }) => ({
    kind: "move",
    etag,
    from: path,
    to:
      overlay.entry.form === "file"
        ? `${ARCHIVED_DIR}${overlay.namespace}-${stamp}.parquet`
        : `${ARCHIVED_DIR}${overlay.namespace}-${stamp}/${path.slice(path.lastIndexOf("/") + 1)}`,
  }));
};
