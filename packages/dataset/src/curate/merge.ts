import { buildKeyIndex, type KeyBatch, type OverlayKey } from "@usr/overlay";
import { type RowGroup, readBatches } from "@usr/parquet";
import type { Registry } from "@usr/registry";
import type { Column, Schema } from "@usr/schema";
import { formatTimestamp } from "@usr/schema";
import { gatherColumns, isValid } from "@usr/schema/columns";
import { parseDatasetId } from "../dataset-id.ts";
import { RECORDS } from "../layout.ts";
import { requireRegistry } from "../read/registry.ts";
import { openSnapshot } from "../read/snapshot.ts";
import type { Snapshot } from "../types.ts";
import { deletedRows } from "../write/base/row-mask.ts";
import { baseSchema } from "../write/base/shape.ts";
import { planSnapshot } from "../write/commit/auto-snapshot.ts";
import { transact } from "../write/commit/transaction.ts";
import { writableEntry } from "../write/commit/writable-entry.ts";
import type { Commit, WritableRoot } from "../write/types.ts";
import { type ColumnRules, planColumns } from "./merge-columns.ts";
import { type MergePlan, mergedGroups } from "./merge-groups.ts";
import { type MergeRules, planRows } from "./merge-rows.ts";

export interface MergeOptions {
  /** The dataset that gets the rows. */
  readonly dest: string;
  /** The dataset that gives them, under the same root. It is only read. */
  readonly src: string;
  readonly columns: ColumnRules["columns"];
  /** Default `error`. */
  readonly ifDuplicate?: MergeRules["ifDuplicate"] | undefined;
  /** Default `keep`. */
  readonly casefold?: MergeRules["casefold"] | undefined;
  /** Default `none`. */
  readonly coerceOverlap?: ColumnRules["coerceOverlap"] | undefined;
  readonly carryNamespaces?: readonly string[] | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface MergeResult {
  readonly dest: string;
  readonly src: string;
  /** Live rows of the source. */
  readonly rows_src: number;
  /** Rows of the source that are left out because they are deleted there. */
  readonly rows_src_deleted: number;
  /** Rows of the source whose id the destination has. */
  readonly duplicates_total: number;
  readonly duplicates_skipped: number;
  readonly duplicates_replaced: number;
  /** New rows whose sequence another row has but for letter case. */
  readonly casefold_total: number;
  readonly casefold_skipped: number;
  readonly rows_added: number;
  /** Stored rows of the destination. */
  readonly rows_before: number;
  readonly rows_after: number;
  readonly columns_total: number;
  readonly columns_added: readonly string[];
  readonly columns_coerced: readonly string[];
  /** Added rows that have a value of each namespace carried along. */
  readonly carried: readonly { readonly namespace: string; readonly rows: number }[];
}

/**
 * Appends the live rows of one dataset to another, in their order. Rows that both store are told by id and treated as `ifDuplicate` says:
 * under `prefer-src` they keep their place and take each value that the source has. Types stay what they are. Values of carried namespaces
 * become columns of the base, for base and overlays cannot change in one step: so every reader sees the new rows with them or not at all,
 * and what overlays of the destination say stays in front. The base before is kept as a snapshot. Nothing to add or replace changes nothing
 * and logs nothing; a dataset merged with itself stays as it is.
 *
 * The source is read as one snapshot without its lock, as by any reader, so merges of two datasets into each other cannot wait for each other.
 *
 * Memory: about 100 bytes for each row of both, and one row group.
 *
 * @throws DatasetError what `planRows` and `planColumns` throw; OverlayError `MULTIPLE_BIO_TYPES`, `AMBIGUOUS_BASE_KEY`, `NOT_SUPPORTED` where the new rows would
 * make an overlay of the destination unreadable
 */
export const mergeDatasets = async (root: WritableRoot, o: MergeOptions): Promise<MergeResult> => {
  const [dest, src] = [parseDatasetId(o.dest), parseDatasetId(o.src)];
  if (dest === src) return mergedWithItself(root, o);
  if (o.dryRun === true) {
    const registry = await requireRegistry(root.storage);
    await using opened = await openBoth(root, registry, o);
    const { groups, result } = await prepare(opened, registry, o, {
      registryHash: "",
      createdAt: formatTimestamp(root.clock(), "us", true),
    });
    // What does not fit is found where it is looked at.
    for await (const _ of groups()) void _;
    return result();
  }
  return transact(root, dest, { command: "merge", freeze: "copy" }, async (tx) => {
    await using opened = await openBoth(root, tx.registry, o);
    const { schema, groups, result, plan } = await prepare(opened, tx.registry, o, {
      registryHash: tx.registryHash,
      createdAt: formatTimestamp(tx.nowUs, "us", true),
    });
    if (plan.rows.added.size === 0 && plan.rows.replacing === undefined) return { result: result() };
    const base = await tx.stageParquet(schema, groups());
    const kept = await planSnapshot(tx);
    const merged = result();
    return {
      result: merged,
      commit: {
        prepare: [kept.first],
        publish: { kind: "publish", from: base.path, to: RECORDS },
        finish: kept.last,
        ...record(merged, o, plan.columns.overlapping),
        artifacts: { base: {}, snapshot: { path: kept.path } },
        target: base.path,
      },
    };
  });
};

interface Both extends AsyncDisposable {
  readonly dest: Snapshot;
  readonly src: Snapshot;
}

const openBoth = async (root: WritableRoot, registry: Registry, o: MergeOptions): Promise<Both> => {
  for (const namespace of o.carryNamespaces ?? []) writableEntry(registry, namespace);
  const dest = await openSnapshot(root, o.dest, { namespaces: "all", tombstones: true });
  try {
    const src = await openSnapshot(root, o.src, { namespaces: o.carryNamespaces ?? "none", tombstones: true });
    return {
      dest,
      src,
      [Symbol.asyncDispose]: async () => {
        await src[Symbol.asyncDispose]();
        await dest[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await dest[Symbol.asyncDispose]();
    throw error;
  }
};

interface Prepared {
  readonly plan: MergePlan;
  readonly schema: Schema;
  readonly groups: () => AsyncIterable<RowGroup>;
  /** Complete when the groups have been read. */
  readonly result: () => MergeResult;
}

const prepare = async (
  { dest, src }: Both,
  registry: Registry,
  o: MergeOptions,
  stamp: { readonly registryHash: string; readonly createdAt: string },
): Promise<Prepared> => {
  const carryNamespaces = [...new Set(o.carryNamespaces ?? [])];
  const columns = planColumns(dest, src, registry, {
    columns: o.columns,
    coerceOverlap: o.coerceOverlap ?? "none",
    carryNamespaces,
  });
  const rows = await planRows(dest, src, {
    ifDuplicate: o.ifDuplicate ?? "error",
    casefold: o.casefold ?? "keep",
  });
  const plan: MergePlan = { dest, src, rows, columns };
  await requireReadable(plan);
  const schema = baseSchema({ fields: columns.fields, metadata: dest.base.file.schema.metadata }, stamp);
  const carried = new Map(carryNamespaces.map((namespace) => [namespace, 0]));
  const counted = (values: ReadonlyMap<string, Column>, numRows: number): void => {
    for (const { namespace, fields } of src.overlays) {
      const held = fields.flatMap(({ name }) => values.get(name) ?? []);
      let count = carried.get(namespace) ?? 0;
      for (let row = 0; row < numRows; row++) if (held.some((column) => isValid(column, row))) count++;
      carried.set(namespace, count);
    }
  };
  return {
    plan,
    schema,
    groups: () => mergedGroups(plan, schema, counted),
    result: () => resultOf(plan, o, carried),
  };
};

const resultOf = (
  { dest, src, rows, columns }: MergePlan,
  o: MergeOptions,
  carried: ReadonlyMap<string, number>,
): MergeResult => {
  const rowsBefore = dest.base.file.numRows;
  const replaced = rows.replacing === undefined ? 0 : rows.duplicates;
  const writes = rows.added.size > 0 || replaced > 0;
  return {
    dest: dest.id,
    src: src.id,
    rows_src: rows.rowsSrc,
    rows_src_deleted: rows.rowsDeleted,
    duplicates_total: rows.duplicates,
    duplicates_skipped: rows.duplicates - replaced,
    duplicates_replaced: replaced,
    casefold_total: rows.caseTwins,
    casefold_skipped: o.casefold === "skip" ? rows.caseTwins : 0,
    rows_added: rows.added.size,
    rows_before: rowsBefore,
    rows_after: rowsBefore + rows.added.size,
    columns_total: writes ? columns.fields.length : columns.fields.length - columns.added.length,
    columns_added: writes ? columns.added : [],
    columns_coerced: columns.coerced,
    carried: [...carried].map(([namespace, count]) => ({ namespace, rows: count })),
  };
};

/** Overlays keyed by sequence want one bio type and each sequence once: rows that break this would take values from every row. */
const requireReadable = async ({ dest, src, rows }: MergePlan): Promise<void> => {
  if (rows.added.size === 0) return;
  const keys = new Set(dest.overlays.map(({ key }) => key).filter((key) => key !== "id"));
  async function* base(): AsyncGenerator<KeyBatch> {
    const columns = ["sequence", "bio_type", "alphabet"];
    yield* readBatches(dest.base.file, { columns });
    let first = 0;
    for await (const batch of readBatches(src.base.file, { columns })) {
      const chosen: number[] = [];
      for (let i = 0; i < batch.numRows; i++) if (rows.added.has(first + i)) chosen.push(i);
      first += batch.numRows;
      const at = Int32Array.from(chosen);
      const cells = batch.columns.map((column) => gatherColumns(column.type, [column], undefined, at));
      yield { schema: batch.schema, columns: cells, numRows: at.length };
    }
  }
  for (const key of new Set<OverlayKey>(keys)) await buildKeyIndex(key, base());
};

const record = (
  merged: MergeResult,
  o: MergeOptions,
  overlapping: readonly string[],
): Pick<Commit, "action" | "args" | "metrics" | "maintenance"> => {
  const { dest, src, columns_added, columns_coerced, columns_total, carried, ...counts } = merged;
  return {
    action: "merge_datasets",
    args: {
      dest,
      src,
      duplicate_policy: o.ifDuplicate ?? "error",
      columns_mode: o.columns === "same" ? "require-same" : "union",
      casefold: o.casefold ?? "keep",
      coerce_overlap: o.coerceOverlap ?? "none",
      ...counts,
      columns_total,
      columns_added: [...columns_added],
      overlapping_columns: [...overlapping],
      overlap_coercions: [...columns_coerced],
      carried_namespaces: carried.map(({ namespace }) => namespace),
      carried_namespace_rows: Object.fromEntries(carried.map(({ namespace, rows }) => [namespace, rows])),
      maintenance_reason: "merge",
    },
    metrics: { ...counts, columns_total, carried_rows: carried.reduce((sum, { rows }) => sum + rows, 0) },
    maintenance: { reason: "merge" },
  };
};

const mergedWithItself = async (root: WritableRoot, o: MergeOptions): Promise<MergeResult> => {
  const registry = await requireRegistry(root.storage);
  for (const namespace of o.carryNamespaces ?? []) writableEntry(registry, namespace);
  await using snapshot = await openSnapshot(root, o.dest, { namespaces: "none", tombstones: true });
  const { numRows, schema } = snapshot.base.file;
  const deleted = (await deletedRows(snapshot)).size;
  return {
    dest: o.dest,
    src: o.src,
    rows_src: numRows - deleted,
    rows_src_deleted: deleted,
    duplicates_total: numRows - deleted,
    duplicates_skipped: numRows - deleted,
    duplicates_replaced: 0,
    casefold_total: 0,
    casefold_skipped: 0,
    rows_added: 0,
    rows_before: numRows,
    rows_after: numRows,
    columns_total: schema.fields.length,
    columns_added: [],
    columns_coerced: [],
    carried: (o.carryNamespaces ?? []).map((namespace) => ({ namespace, rows: 0 })),
  };
};
