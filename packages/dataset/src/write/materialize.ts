import type { Overlay } from "@usr/overlay";
import type { ParquetFile, RowGroup } from "@usr/parquet";
import { chunkOf, readBatches } from "@usr/parquet";
import type { Batch, Column, Schema } from "@usr/schema";
import { formatTimestamp } from "@usr/schema";
import { concatColumns, gatherColumns, valueAt } from "@usr/schema/columns";
import { DatasetError } from "../error.ts";
import { ARCHIVED_DIR, RECORDS, STATE_NAMESPACE, TOMBSTONE_NAMESPACE } from "../layout.ts";
import { convertColumn } from "../read/convert.ts";
import { requireRegistry } from "../read/registry.ts";
import { scanSnapshot } from "../read/scan.ts";
import { openSnapshot } from "../read/snapshot.ts";
import { TOMBSTONE_FIELDS } from "../read/view.ts";
import type { Snapshot } from "../types.ts";
import { fileStamp, planSnapshot } from "./auto-snapshot.ts";
import { baseSchema, stamped, wholeSchema } from "./base-shape.ts";
import { transact } from "./transaction.ts";
import type { Staged, Step, Transaction, WritableRoot } from "./types.ts";

export interface MaterializeOptions {
  /** Namespaces to fold; default every overlay of the dataset. Never `usr` or `usr_state`. */
  readonly namespaces?: readonly string[] | undefined;
  /** What becomes of the folded overlays: set aside under `_derived/_archived/` (default), deleted, or kept where they are. */
  readonly overlays?: "archive" | "drop" | "keep" | undefined;
  /** Leave deleted rows out of the new base, and their tombstones. */
  readonly dropDeleted?: boolean | undefined;
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
  const open = (): Promise<Snapshot> => openSnapshot(root, id, { namespaces: o.namespaces ?? "all", tombstones: true });
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
    const base = await tx.stageParquet(schema, foldedGroups(snapshot, schema, plan));
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
          ...(await tombstoneSteps(tx, snapshot, plan)),
          ...kept.last,
        ],
        action: "materialize",
        args: {
          namespaces: o.namespaces === undefined ? null : [...o.namespaces],
          drop_overlays: how !== "keep",
          archive_overlays: how === "archive",
          drop_deleted: o.dropDeleted === true,
          overlays: folded,
          tombstone:
            snapshot.tombstones === undefined
              ? null
              : { rows: snapshot.tombstones.file.numRows, size_bytes: sizeOf(snapshot.tombstones.overlay) },
          maintenance_reason: "materialize",
        },
        metrics: { overlays: plan.overlays.length, rows: result.rows, rows_dropped: result.rows_dropped },
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
  readonly dropped: ReadonlySet<number>;
}

const planFold = async (snapshot: Snapshot, o: MaterializeOptions): Promise<Fold> => {
  for (const namespace of o.namespaces ?? []) {
    if (namespace === TOMBSTONE_NAMESPACE || namespace === STATE_NAMESPACE) {
      throw new DatasetError("NAMESPACE_RESERVED", `the namespace ${namespace} is never folded into the base`, {
        hint: "Leave it out: it is kept as an overlay on purpose.",
        details: { namespace },
      });
    }
    if (!snapshot.overlays.some((overlay) => overlay.namespace === namespace)) {
      throw new DatasetError("NAMESPACE_NOT_FOUND", `${snapshot.id} has no overlay of the namespace ${namespace}`, {
        hint: `Its overlays are: ${snapshot.overlays.map((overlay) => overlay.namespace).join(", ") || "none"}.`,
        details: { dataset: snapshot.id, namespace },
      });
    }
  }
  const overlays = snapshot.overlays
    .filter(({ namespace }) => namespace !== TOMBSTONE_NAMESPACE && namespace !== STATE_NAMESPACE)
    .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
  const base = snapshot.base.file.schema.fields;
  const stored = new Set(base.map(({ name }) => name));
  const columns = [...new Set(overlays.flatMap(({ fields }) => fields.map(({ name }) => name)))];
  const added = overlays.flatMap(({ fields }) => fields).filter(({ name }) => !stored.has(name));
  return {
    overlays,
    columns,
    fields: [...base, ...added],
    dropped: o.dropDeleted === true ? await deletedRows(snapshot) : new Set(),
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
});

const EVENT_ID = "usr:event_id";

const sizeOf = ({ entry }: Overlay): number => entry.objects.reduce((sum, { size }) => sum + size, 0);

const DELETED = "usr__deleted";

const deletedRows = async (snapshot: Snapshot): Promise<ReadonlySet<number>> => {
  const rows = new Set<number>();
  if (snapshot.tombstones === undefined) return rows;
  let row = 0;
  for await (const batch of scanSnapshot(snapshot, { columns: [DELETED], includeDeleted: true })) {
    for (let i = 0; i < batch.numRows; i++, row++) if (valueAt(batch.columns[0]!, i) === true) rows.add(row);
  }
  return rows;
};

async function* foldedGroups(snapshot: Snapshot, schema: Schema, plan: Fold): AsyncGenerator<RowGroup> {
  const { file } = snapshot.base;
  const folded = plan.columns.length === 0 ? undefined : mergedGroups(snapshot, plan, file);
  for (const [index, group] of file.rowGroups.entries()) {
    // Other writers leave groups without rows; there is nothing to merge nor to copy in them.
    if (group.numRows === 0) continue;
    const merged =
      folded === undefined ? new Map<string, Column>() : ((await folded.next()).value ?? new Map<string, Column>());
    const keep = keptRows(group.startRow, group.numRows, plan.dropped);
    if (keep === undefined) {
      yield {
        numRows: group.numRows,
        columns: schema.fields.map(({ name }) => merged.get(name) ?? chunkOf(file, index, name)),
      };
      continue;
    }
    if (keep.length === 0) continue;
    const untouched = schema.fields.filter(({ name }) => !merged.has(name)).map(({ name }) => name);
    const decoded = await decodedColumns(file, untouched, group.startRow, group.startRow + group.numRows);
    yield {
      numRows: keep.length,
      columns: schema.fields.map(({ name, type }) =>
        gatherColumns(type, [(merged.get(name) ?? decoded.get(name))!], undefined, keep),
      ),
    };
  }
}

/** Rows of a group that stay, by their place in it; `undefined` = all of them. */
const keptRows = (start: number, numRows: number, dropped: ReadonlySet<number>): Int32Array | undefined => {
  if (dropped.size === 0) return undefined;
  const keep: number[] = [];
  for (let i = 0; i < numRows; i++) if (!dropped.has(start + i)) keep.push(i);
  return keep.length === numRows ? undefined : Int32Array.from(keep);
};

/** The folded columns of the merged view, one map for each row group of the base that has rows. */
async function* mergedGroups(
  snapshot: Snapshot,
  plan: Fold,
  file: ParquetFile,
): AsyncGenerator<Map<string, Column>, undefined> {
  let held: Batch[] = [];
  let rows = 0;
  let group = 0;
  for await (const batch of scanSnapshot(snapshot, { columns: plan.columns, includeDeleted: true })) {
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

const decodedColumns = async (
  file: ParquetFile,
  columns: readonly string[],
  start: number,
  end: number,
): Promise<Map<string, Column>> => {
  const batches: Batch[] = [];
  for await (const batch of readBatches(file, { columns, start, end })) batches.push(batch);
  return new Map(
    columns.map((name, i) => {
      const type = file.schema.fields.find((field) => field.name === name)!.type;
      return [
        name,
        concatColumns(
          type,
          batches.map((batch) => batch.columns[i]!),
        ),
      ];
    }),
  );
};

/** Folded overlays leave their place: set aside under a stamped name, or deleted. */
const clearing = (overlay: Overlay, how: "archive" | "drop", tx: Transaction): readonly Step[] => {
  if (how === "drop") return overlay.entry.objects.map(({ path, etag }) => ({ kind: "delete", path, etag }));
  const stamp = `${fileStamp(tx.nowUs)}Z`;
  return overlay.entry.objects.map(({ path, etag }) => ({
    kind: "move",
    etag,
    from: path,
    to:
      overlay.entry.form === "file"
        ? `${ARCHIVED_DIR}${overlay.namespace}-${stamp}.parquet`
        : `${ARCHIVED_DIR}${overlay.namespace}-${stamp}/${path.slice(path.lastIndexOf("/") + 1)}`,
  }));
};

/** Tombstones of rows that are gone go too; the others stay, restored ones among them. */
const tombstoneSteps = async (tx: Transaction, snapshot: Snapshot, plan: Fold): Promise<readonly Step[]> => {
  const { tombstones } = snapshot;
  if (tombstones === undefined || plan.dropped.size === 0) return [];
  const gone = new Set<unknown>();
  let row = 0;
  for await (const batch of readBatches(snapshot.base.file, { columns: ["id"] })) {
    for (let i = 0; i < batch.numRows; i++, row++) if (plan.dropped.has(row)) gone.add(valueAt(batch.columns[0]!, i));
  }
  const left = await remaining(tombstones.file, gone);
  const [object] = tombstones.overlay.entry.objects;
  if (object === undefined) return [];
  if (left === undefined) return [{ kind: "delete", path: object.path, etag: object.etag }];
  const staged: Staged = await tx.stageParquet(stamped(left.schema, [[EVENT_ID, tx.eventId]]), [left]);
  return [{ kind: "publish", from: staged.path, to: object.path, over: object.etag }];
};

const remaining = async (file: ParquetFile, gone: ReadonlySet<unknown>): Promise<Batch | undefined> => {
  const names = file.schema.fields.map(({ name }) => name);
  const decoded = await decodedColumns(file, names, 0, file.numRows);
  const ids = decoded.get("id");
  if (ids === undefined) return undefined;
  const keep: number[] = [];
  for (let i = 0; i < ids.length; i++) if (!gone.has(valueAt(ids, i))) keep.push(i);
  if (keep.length === 0) return undefined;
  const rows = Int32Array.from(keep);
  // Early tombstones have nanoseconds, and no type at all where no reason was ever given: they are written as readers show them.
  const fields = file.schema.fields.map((field) => TOMBSTONE_FIELDS.find(({ name }) => name === field.name) ?? field);
  return {
    schema: { fields, metadata: file.schema.metadata },
    columns: fields.map(({ name, type }) => {
      const kept = gatherColumns(decoded.get(name)!.type, [decoded.get(name)!], undefined, rows);
      return convertColumn(kept, type, name);
    }),
    numRows: rows.length,
  };
};
