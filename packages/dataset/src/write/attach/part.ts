import type { TableReader } from "@usr/formats";
import type { Overlay, OverlayKey } from "@usr/overlay";
import { nextCreatedAt, overlayMetadata, partName } from "@usr/overlay/write";
import type { NamespaceEntry } from "@usr/registry";
import { contractHash } from "@usr/registry";
import { type Column, type Field, formatType, type Schema, sameType } from "@usr/schema";
import { DatasetError } from "../../error.ts";
import { overlayDir } from "../../layout.ts";
import { convertColumn } from "../../read/convert.ts";
import { requireRegistry } from "../../read/registry.ts";
import { openSnapshot } from "../../read/snapshot.ts";
import type { Snapshot } from "../../types.ts";
import { transact } from "../commit/transaction.ts";
import { writableEntry } from "../commit/writable-entry.ts";
import type { Commit, Step, Transaction, WritableRoot } from "../types.ts";
import { baseIndex } from "./base-index.ts";
import type { PartTarget } from "./order.ts";
import type { AttachedRows } from "./rows.ts";
import { attachedRows } from "./rows.ts";

/** A table to write as a part, and how its rows find theirs. */
export interface PartSource {
  readonly table: TableReader;
  readonly key: OverlayKey;
  /** The column of the table that holds the keys. */
  readonly keyColumn: string;
  /** Columns to write, `ns__` may be left out; default all but the key. */
  readonly columns?: readonly string[] | undefined;
}

export interface PartOptions {
  /** For the lock's owner and the commit record. */
  readonly command: string;
  /** How the input is called in errors. */
  readonly path: string;
  readonly namespace: string;
  /** What else `source` reads of the dataset. */
  readonly alsoReads?: { readonly namespaces: readonly string[]; readonly tombstones: boolean } | undefined;
  readonly allowMissing?: boolean | undefined;
  readonly overwrite?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** The input, made under the lock from the state that the part will join. */
  readonly source: (snapshot: Snapshot, overlay: Overlay | undefined) => Promise<PartSource> | PartSource;
  readonly event: (rows: AttachedRows, key: OverlayKey) => Pick<Commit, "action" | "args" | "metrics">;
}

export interface WrittenPart {
  readonly dataset: string;
  readonly key: OverlayKey;
  readonly rows: AttachedRows;
  /** Relative to the dataset; `null` for a dry run or when no row matched. */
  readonly part: string | null;
}

interface Prepared {
  readonly rows: AttachedRows;
  readonly overlay: Overlay | undefined;
  readonly key: OverlayKey;
}

/**
 * Writes the rows of a table as one new immutable part in base row order: the one place where parts of a generic namespace come from rows.
 * All or nothing: on any error nothing is written. Without a matching row nothing is written or logged.
 */
export const writePart = async (root: WritableRoot, id: string, o: PartOptions): Promise<WrittenPart> => {
  const open = (): Promise<Snapshot> =>
    openSnapshot(root, id, {
      namespaces: [...new Set([o.namespace, ...(o.alsoReads?.namespaces ?? [])])],
      tombstones: o.alsoReads?.tombstones ?? false,
    });
  if (o.dryRun === true) {
    const entry = writableEntry(await requireRegistry(root.storage), o.namespace);
    await using snapshot = await open();
    const { rows, overlay, key } = await prepare(root, snapshot, entry, o, () => undefined);
    folderFor(snapshot, overlay, o.namespace);
    nextCreatedAt(overlay?.parts ?? [], root.clock());
    return { dataset: snapshot.id, key, rows, part: null };
  }
  return transact<WrittenPart>(root, id, { command: o.command }, async (tx) => {
    const entry = writableEntry(tx.registry, o.namespace);
    await using snapshot = await open();
    const hash = await contractHash(entry);
    const { rows, overlay, key } = await prepare(root, snapshot, entry, o, (under, keyedBy) =>
      partTarget(tx, (fields) => ({
        fields: [{ name: keyedBy, type: { kind: "string" }, nullable: true }, ...fields],
        metadata: overlayMetadata({
          namespace: o.namespace,
          key: keyedBy,
          createdAtUs: nextCreatedAt(under?.parts ?? [], tx.nowUs),
          registryHash: tx.registryHash,
          contractHash: hash,
          eventId: tx.eventId,
        }),
      })),
    );
    const { staged } = rows;
    if (staged === undefined) return { result: { dataset: tx.id, key, rows, part: null } };
    const createdAtUs = nextCreatedAt(overlay?.parts ?? [], tx.nowUs);
    const path = `${folderFor(snapshot, overlay, o.namespace)}${partName(createdAtUs, tx.uuid())}`;
    return {
      result: { dataset: tx.id, key, rows, part: path },
      commit: {
        prepare: promotion(tx, overlay),
        publish: { kind: "publish", from: staged.path, to: path },
        ...o.event(rows, key),
        artifacts: { overlay: { namespace: o.namespace, key, path } },
        target: staged.path,
      },
    };
  });
};

/** Staged files of one schema, but for the columns. */
const partTarget = (tx: Transaction, schemaOf: (fields: readonly Field[]) => Schema): PartTarget => ({
  stage: (fields, groups) => tx.stageParquet(schemaOf(fields), groups),
  open: async ({ path }) => {
    const handle = await tx.storage.open(path);
    if (handle === undefined) throw new DatasetError("CORRUPT", `${path} of ${tx.id} is gone while it is written`, {});
    return handle;
  },
  drop: ({ path }) => tx.storage.delete(path),
});

const prepare = async (
  { storage }: WritableRoot,
  snapshot: Snapshot,
  entry: NamespaceEntry,
  o: PartOptions,
  targetOf: (overlay: Overlay | undefined, key: OverlayKey) => PartTarget | undefined,
): Promise<Prepared> => {
  const overlay = snapshot.overlays.find(({ namespace }) => namespace === o.namespace);
  const { table, key, keyColumn, columns: chosen } = await o.source(snapshot, overlay);
  if (overlay !== undefined && overlay.key !== key) {
    throw new DatasetError(
      "KEY_MISMATCH",
      `${o.namespace} is keyed by ${overlay.key} in ${snapshot.id}, not by ${key}`,
      {
        hint: `Attach with --key ${overlay.key}: all parts of a namespace share one key.`,
        details: { namespace: o.namespace, key, existing: overlay.key },
      },
    );
  }
  const rows = await attachedRows(
    table,
    {
      path: o.path,
      namespace: o.namespace,
      key,
      keyColumn,
      columns: chosen,
      allowMissing: o.allowMissing === true,
      registered: new Map(entry.columns.map(({ name, type }) => [name, type])),
      base: await baseIndex(storage, snapshot, key),
      check: fitCheck(snapshot, o),
      target: targetOf(overlay, key),
    },
    (fields) => {
      if (o.overwrite !== true) refuseExisting(snapshot, overlay, fields, o);
    },
  );
  return { rows, overlay, key };
};

const refuseExisting = (
  snapshot: Snapshot,
  overlay: Overlay | undefined,
  fields: readonly Field[],
  o: PartOptions,
): void => {
  const held = new Set([...(overlay?.fields ?? []), ...snapshot.base.file.schema.fields].map(({ name }) => name));
  const taken = fields.map(({ name }) => name).filter((name) => held.has(name));
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
const fitCheck =
  (snapshot: Snapshot, o: PartOptions) =>
  (name: string, column: Column): void => {
    const stored = snapshot.base.file.schema.fields.find((field) => field.name === name);
    if (stored === undefined || sameType(stored.type, column.type)) return;
    try {
      convertColumn(column, stored.type, name);
    } catch (cause) {
      throw new DatasetError(
        "TYPE_MISMATCH",
        `the base of ${snapshot.id} holds ${name} as ${formatType(stored.type)}, which cannot hold the ${formatType(column.type)} values of ${o.path}`,
        {
          hint: "Attach them under another column name, or values that both types hold.",
          details: {
            file: o.path,
            column: name,
            stored: formatType(stored.type),
            registered: formatType(column.type),
          },
          cause,
        },
      );
    }
  };

/** Where the namespace's parts lie, or will: a folder may be named unlike the namespace it holds, and then keeps it. */
const folderFor = (snapshot: Snapshot, overlay: Overlay | undefined, namespace: string): string => {
  if (overlay?.entry.form === "parts") return overlayDir(overlay.entry.name);
  const folder = overlayDir(namespace);
  if (snapshot.entries.some(({ name, form }) => name === namespace && form === "parts")) {
    throw new DatasetError(
      "CONFLICT",
      `${folder} of ${snapshot.id} holds parts of another namespace than ${namespace}`,
      {
        hint: "Rename the folder after the namespace its parts declare; validate tells which.",
        details: { dataset: snapshot.id, namespace, folder },
      },
    );
  }
  return folder;
};

/** A single-file overlay becomes the oldest part of the directory, its bytes and creation time unchanged, before the first part is added. */
const promotion = (tx: Transaction, overlay: Overlay | undefined): readonly Step[] => {
  const [part] = overlay?.parts ?? [];
  const [object] = overlay?.entry.objects ?? [];
  if (overlay === undefined || overlay.entry.form !== "file" || part === undefined || object === undefined) return [];
  const to = `${overlayDir(overlay.namespace)}${partName(part.createdAt / 1000n, tx.uuid())}`;
  return [{ kind: "move", from: object.path, to, etag: object.etag }];
};
