import type { TableReader } from "@usr/formats";
import type { Overlay, OverlayKey } from "@usr/overlay";
import { buildKeyIndex } from "@usr/overlay";
import { nextCreatedAt, overlayMetadata, partName } from "@usr/overlay/write";
import { readBatches } from "@usr/parquet";
import type { NamespaceEntry, Registry } from "@usr/registry";
import { contractHash } from "@usr/registry";
import { formatType, type Schema, sameType } from "@usr/schema";
import { DatasetError } from "../error.ts";
import { overlayDir, STATE_NAMESPACE, TOMBSTONE_NAMESPACE } from "../layout.ts";
import { convertColumn } from "../read/convert.ts";
import { requireRegistry } from "../read/registry.ts";
import { openSnapshot } from "../read/snapshot.ts";
import type { Snapshot } from "../types.ts";
import type { AttachedRows } from "./attach-rows.ts";
import { attachedRows } from "./attach-rows.ts";
import { transact } from "./transaction.ts";
import type { Step, Transaction, WritableRoot } from "./types.ts";

export interface AttachOptions {
  /** How the input is called in errors. */
  readonly path: string;
  readonly namespace: string;
  readonly key: OverlayKey;
  /** Default: `id` for key id, `sequence` for the others. */
  readonly keyColumn?: string | undefined;
  /** Input columns to attach, `ns__` may be left out; default all but the key. */
  readonly columns?: readonly string[] | undefined;
  readonly allowMissing?: boolean | undefined;
  /** Columns that hold values already may be attached again: the new values are the newest. */
  readonly overwrite?: boolean | undefined;
  readonly note?: string | undefined;
  readonly dryRun?: boolean | undefined;
  /** What the event is called. `attach` for people's files (default), `write_overlay_part` for programs that write parts. */
  readonly action?: "attach" | "write_overlay_part" | undefined;
}

export interface AttachResult {
  readonly dataset: string;
  readonly namespace: string;
  readonly key: OverlayKey;
  readonly columns: readonly string[];
  readonly rows_incoming: number;
  readonly rows_matched: number;
  readonly rows_missing: number;
  /** The new part, relative to the dataset; `null` for a dry run or when no row matched. */
  readonly part: string | null;
}

/**
 * Attaches the columns of a table to the rows its keys name, as one new immutable part in base row order. All or nothing: on any
 * error nothing is written. Counts are of this call.
 */
export const attach = async (
  root: WritableRoot,
  id: string,
  table: TableReader,
  o: AttachOptions,
): Promise<AttachResult> => {
  if (o.dryRun === true) {
    const registry = await requireRegistry(root.storage);
    const entry = writableEntry(registry, o.namespace);
    await using snapshot = await openSnapshot(root, id, { namespaces: [o.namespace], tombstones: false });
    const { rows, overlay } = await prepare(snapshot, entry, table, o);
    nextCreatedAt(overlay?.parts ?? [], root.clock());
    return resultOf(snapshot.id, o, rows, null);
  }
  return transact(root, id, { command: "attach" }, async (tx) => {
    const entry = writableEntry(tx.registry, o.namespace);
    await using snapshot = await openSnapshot(root, id, { namespaces: [o.namespace], tombstones: false });
    const { rows, overlay } = await prepare(snapshot, entry, table, o);
    if (rows.rowsMatched === 0) return { result: resultOf(tx.id, o, rows, null) };
    const createdAtUs = nextCreatedAt(overlay?.parts ?? [], tx.nowUs);
    const path = `${overlayDir(o.namespace)}${partName(createdAtUs, tx.uuid())}`;
    const schema: Schema = {
      fields: [{ name: o.key, type: { kind: "string" }, nullable: true }, ...rows.fields],
      metadata: overlayMetadata({
        namespace: o.namespace,
        key: o.key,
        createdAtUs,
        registryHash: tx.registryHash,
        contractHash: await contractHash(entry),
        eventId: tx.eventId,
      }),
    };
    const staged = await tx.stageParquet(schema, rows.rowGroups());
    const counts = { rows_incoming: rows.rowsIncoming, rows_matched: rows.rowsMatched, rows_missing: rows.rowsMissing };
    const library = o.action === "write_overlay_part";
    const { rows_matched, ...others } = counts;
    const logged = library ? { ...others, rows_written: rows_matched } : counts;
    return {
      result: resultOf(tx.id, o, rows, path),
      commit: {
        prepare: promotion(tx, overlay),
        publish: { kind: "publish", from: staged.path, to: path },
        action: o.action ?? "attach",
        args: library
          ? { namespace: o.namespace, key: o.key, ...logged, allow_missing: o.allowMissing === true }
          : {
              namespace: o.namespace,
              key: o.key,
              ...logged,
              allow_overwrite: o.overwrite === true,
              note: o.note ?? "",
            },
        metrics: logged,
        artifacts: { overlay: { namespace: o.namespace, key: o.key, path } },
        target: staged.path,
      },
    };
  });
};

const resultOf = (dataset: string, o: AttachOptions, rows: AttachedRows, part: string | null): AttachResult => ({
  dataset,
  namespace: o.namespace,
  key: o.key,
  columns: rows.fields.map(({ name }) => name),
  rows_incoming: rows.rowsIncoming,
  rows_matched: rows.rowsMatched,
  rows_missing: rows.rowsMissing,
  part,
});

/** The registry entry of a namespace that generic writers may write to. */
const writableEntry = (registry: Registry, namespace: string): NamespaceEntry => {
  if (namespace === TOMBSTONE_NAMESPACE || namespace === STATE_NAMESPACE) {
    throw new DatasetError("NAMESPACE_RESERVED", `the namespace ${namespace} is reserved`, {
      hint:
        namespace === STATE_NAMESPACE
          ? "Record state is written with: usr state set"
          : "Rows are deleted with: usr delete",
      details: { namespace },
    });
  }
  const owner = [...registry.namespaces.keys()].find((other) => namespace.startsWith(`${other}__`));
  if (!/^[a-z][a-z0-9_]*$/.test(namespace) || owner !== undefined) {
    throw new DatasetError(
      "NAMESPACE_INVALID",
      owner === undefined
        ? `${JSON.stringify(namespace)} is not a namespace name`
        : `columns of ${namespace} could be taken for columns of the namespace ${owner}`,
      {
        hint: "A namespace is a small letter followed by small letters, digits and underscores.",
        details: { namespace, owner },
      },
    );
  }
  const entry = registry.namespaces.get(namespace);
  if (entry === undefined) {
    throw new DatasetError("NAMESPACE_NOT_REGISTERED", `the namespace ${namespace} is not registered`, {
      hint: `Register it with: usr namespace register ${namespace} --columns '${namespace}__NAME:TYPE'`,
      details: { namespace, registered: [...registry.namespaces.keys()] },
    });
  }
  return entry;
};

const prepare = async (
  snapshot: Snapshot,
  entry: NamespaceEntry,
  table: TableReader,
  o: AttachOptions,
): Promise<{ readonly rows: AttachedRows; readonly overlay: Overlay | undefined }> => {
  const overlay = snapshot.overlays.find(({ namespace }) => namespace === o.namespace);
  if (overlay !== undefined && overlay.key !== o.key) {
    throw new DatasetError(
      "KEY_MISMATCH",
      `${o.namespace} is keyed by ${overlay.key} in ${snapshot.id}, not by ${o.key}`,
      {
        hint: `Attach with --key ${overlay.key}: all parts of a namespace share one key.`,
        details: { namespace: o.namespace, key: o.key, existing: overlay.key },
      },
    );
  }
  const { file } = snapshot.base;
  const columns = o.key === "id" ? ["id"] : ["sequence", "bio_type", "alphabet"];
  const rows = await attachedRows(table, {
    path: o.path,
    namespace: o.namespace,
    key: o.key,
    keyColumn: o.keyColumn ?? (o.key === "id" ? "id" : "sequence"),
    columns: o.columns,
    allowMissing: o.allowMissing === true,
    registered: new Map(entry.columns.map(({ name, type }) => [name, type])),
    index: await buildKeyIndex(o.key, readBatches(file, { columns })),
  });
  if (o.overwrite !== true) refuseExisting(snapshot, overlay, rows, o);
  refuseUnfit(snapshot, rows, o);
  return { rows, overlay };
};

const refuseExisting = (
  snapshot: Snapshot,
  overlay: Overlay | undefined,
  rows: AttachedRows,
  o: AttachOptions,
): void => {
  const held = new Set([...(overlay?.fields ?? []), ...snapshot.base.file.schema.fields].map(({ name }) => name));
  const taken = rows.fields.map(({ name }) => name).filter((name) => held.has(name));
  if (taken.length === 0) return;
  throw new DatasetError("COLUMN_EXISTS", `${snapshot.id} holds values of ${taken.join(", ")} already`, {
    hint: "Attach newer values over them with --overwrite; older parts stay, the newest value wins.",
    details: { namespace: o.namespace, columns: taken },
  });
};

/**
 * A base may hold a folded column in another type than the registered one. What that type cannot say exactly could be attached but never
 * read again.
 */
const refuseUnfit = (snapshot: Snapshot, rows: AttachedRows, o: AttachOptions): void => {
  const drifted = rows.fields.flatMap(({ name, type }, i) => {
    const stored = snapshot.base.file.schema.fields.find((field) => field.name === name);
    return stored === undefined || sameType(stored.type, type) ? [] : [{ name, type, stored: stored.type, at: i + 1 }];
  });
  if (drifted.length === 0) return;
  for (const { columns } of rows.rowGroups()) {
    for (const { name, type, stored, at } of drifted) {
      const column = columns[at];
      if (column === undefined || !("layout" in column)) continue;
      try {
        convertColumn(column, stored, name);
      } catch (cause) {
        throw new DatasetError(
          "TYPE_MISMATCH",
          `the base of ${snapshot.id} holds ${name} as ${formatType(stored)}, which cannot hold the ${formatType(type)} values of ${o.path}`,
          {
            hint: "Attach them under another column name, or values that both types hold.",
            details: { file: o.path, column: name, stored: formatType(stored), registered: formatType(type) },
            cause,
          },
        );
      }
    }
  }
};

/** A single-file overlay becomes the oldest part of the directory, its bytes and creation time unchanged, before the first part is added. */
const promotion = (tx: Transaction, overlay: Overlay | undefined): readonly Step[] => {
  const [part] = overlay?.parts ?? [];
  const [object] = overlay?.entry.objects ?? [];
  if (overlay === undefined || overlay.entry.form !== "file" || part === undefined || object === undefined) return [];
  const to = `${overlayDir(overlay.namespace)}${partName(part.createdAt / 1000n, tx.uuid())}`;
  return [{ kind: "move", from: object.path, to, etag: object.etag }];
};
