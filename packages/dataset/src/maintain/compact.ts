import { buildKeyIndex, type CompactedSource, mergeOverlay, type Overlay } from "@usr/overlay";
import { nextCreatedAt, overlayMetadata, partName, type UnionKeys, unionKeys } from "@usr/overlay/write";
import type { RowGroup } from "@usr/parquet";
import { contractHash } from "@usr/registry";
import type { Column, Schema } from "@usr/schema";
import { readAll, type Storage } from "@usr/storage";
import { DatasetError } from "../error.ts";
import { ARCHIVED_DIR, overlayDir, overlayFile } from "../layout.ts";
import { overlayNotFound } from "../read/list.ts";
import { keyBatches } from "../read/merged-view.ts";
import { requireRegistry } from "../read/registry.ts";
import { openSnapshot } from "../read/snapshot.ts";
import type { Snapshot } from "../types.ts";
import { ROW_GROUP_ROWS, type Rows, regroup } from "../write/base/row-groups.ts";
import { fileStamp } from "../write/commit/auto-snapshot.ts";
import { transact } from "../write/commit/transaction.ts";
import { writableEntry } from "../write/commit/writable-entry.ts";
import type { Commit, Step, Transaction, WritableRoot } from "../write/types.ts";

export interface CompactOptions {
  readonly namespace: string;
  /** What the overlay is afterwards: one part in its folder (default), or the single file. */
  readonly form?: "parts" | "file" | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface CompactResult {
  readonly parts_in: number;
  /** Rows of the overlay afterwards: its different keys. */
  readonly rows: number;
  /** The one file of the overlay, relative to the dataset; `null` for a dry run that would write one. */
  readonly part: string | null;
}

/**
 * Makes one file of the parts of a namespace: for each key and column the newest value, in base order, keys that no base row has after them.
 * Every read gives the same before and after. The parts it replaces are named in `usr:compacted_from` and moved to `_derived/_archived/`
 * once it is there, so a part that arrives later is refused. A single part is never written anew: where it has the other form it is
 * renamed; where it has the form asked for nothing changes and nothing is logged.
 *
 * Memory: the keys of the base, one row group, and the columns of parts that are not in base order.
 *
 * @throws DatasetError `NAMESPACE_RESERVED NAMESPACE_INVALID NAMESPACE_NOT_REGISTERED NAMESPACE_NOT_FOUND`
 * @throws OverlayError what reading the namespace throws: an overlay that cannot be read cannot be compacted; `CLOCK_SKEW`
 */
export const compactOverlay = async (root: WritableRoot, id: string, o: CompactOptions): Promise<CompactResult> => {
  const open = (): Promise<Snapshot> => openSnapshot(root, id, { namespaces: [o.namespace], tombstones: false });
  if (o.dryRun === true) {
    writableEntry(await requireRegistry(root.storage), o.namespace);
    await using snapshot = await open();
    const overlay = overlayOf(snapshot, o.namespace);
    const parts_in = overlay.parts.length;
    if (parts_in > 1) {
      nextCreatedAt(overlay.parts, root.clock());
      return { parts_in, rows: (await keysOf(snapshot, overlay)).rows, part: null };
    }
    return { parts_in, rows: rowsOf(overlay), part: hasForm(overlay, o) ? pathOf(overlay) : null };
  }
  return transact(root, id, { command: "overlay-compact" }, async (tx) => {
    const entry = writableEntry(tx.registry, o.namespace);
    await using snapshot = await open();
    const overlay = overlayOf(snapshot, o.namespace);
    const parts_in = overlay.parts.length;
    if (parts_in === 1) {
      const rows = rowsOf(overlay);
      if (hasForm(overlay, o)) return { result: { parts_in, rows, part: pathOf(overlay) } };
      const from = pathOf(overlay);
      const to = placeFor(overlay, o, overlay.parts[0]!.createdAt / 1000n, tx);
      const publish = { kind: "publish", from, to } as const;
      return {
        result: { parts_in, rows, part: to },
        commit: { publish, ...record(overlay, { rows, path: to, archived: null }), target: from },
      };
    }
    const createdAtUs = nextCreatedAt(overlay.parts, tx.nowUs);
    const keys = await keysOf(snapshot, overlay);
    const metadata = overlayMetadata({
      namespace: o.namespace,
      key: overlay.key,
      createdAtUs,
      registryHash: tx.registryHash,
      contractHash: await contractHash(entry),
      eventId: tx.eventId,
      compactedFrom: await sourcesOf(tx.storage, overlay),
    });
    const schema = compactedSchema(overlay, metadata);
    const staged = await tx.stageParquet(schema, mergedGroups(snapshot, overlay, keys, schema));
    // Always a part first: beside its sources a single file would be a second form, which readers refuse.
    const part = placeFor(overlay, { ...o, form: "parts" }, createdAtUs, tx);
    const archived = `${ARCHIVED_DIR}${o.namespace}-${fileStamp(tx.nowUs)}Z/`;
    const finish: Step[] = overlay.entry.objects.map(({ path, etag }) => ({
      kind: "move",
      from: path,
      to: `${archived}${path.slice(path.lastIndexOf("/") + 1)}`,
      etag,
    }));
    const path = o.form === "file" ? overlayFile(overlay.entry.name) : part;
    if (path !== part) finish.push({ kind: "publish", from: part, to: path });
    return {
      result: { parts_in, rows: keys.rows, part: path },
      commit: {
        publish: { kind: "publish", from: staged.path, to: part },
        finish,
        ...record(overlay, { rows: keys.rows, path, archived }),
        target: staged.path,
      },
    };
  });
};

export const compactedSchema = ({ key, fields }: Overlay, metadata: Schema["metadata"]): Schema => ({
  fields: [{ name: key, type: { kind: "string" }, nullable: true }, ...fields],
  metadata,
});

/** The rows of the one part, as row groups. Throws what reading the overlay throws. */
export const compactedGroups = async (
  snapshot: Snapshot,
  overlay: Overlay,
  schema: Schema,
): Promise<AsyncIterable<RowGroup>> => mergedGroups(snapshot, overlay, await keysOf(snapshot, overlay), schema);

const overlayOf = (snapshot: Snapshot, namespace: string): Overlay => {
  const overlay = snapshot.overlays.find((other) => other.namespace === namespace);
  if (overlay !== undefined) return overlay;
  throw overlayNotFound(
    snapshot.id,
    namespace,
    snapshot.entries.map(({ name }) => name),
  );
};

const hasForm = ({ entry }: Overlay, o: CompactOptions): boolean => entry.form === (o.form ?? "parts");

const pathOf = ({ entry }: Overlay): string => entry.objects[0]!.path;

const rowsOf = ({ parts }: Overlay): number => parts[0]!.file.numRows;

/** Where the overlay's one file belongs. It keeps the name of its place, which may differ from the namespace: two places would be refused. */
const placeFor = ({ entry }: Overlay, o: CompactOptions, createdAtUs: bigint, tx: Transaction): string =>
  o.form === "file" ? overlayFile(entry.name) : `${overlayDir(entry.name)}${partName(createdAtUs, tx.uuid())}`;

const record = (
  { namespace, key, parts }: Overlay,
  { rows, path, archived }: { readonly rows: number; readonly path: string; readonly archived: string | null },
): Pick<Commit, "action" | "args" | "metrics" | "artifacts" | "maintenance"> => ({
  action: "compact_overlay",
  args: { namespace, archived, maintenance_reason: "overlay_compact" },
  metrics: { parts_in: parts.length, parts_out: 1, rows },
  artifacts: { overlay: { namespace, key, path } },
  maintenance: { reason: "overlay_compact" },
});

/** The parts, oldest first, and what they replaced themselves: a part that comes back from far away is then known. */
export const sourcesOf = async (storage: Storage, { parts }: Overlay): Promise<readonly CompactedSource[]> => {
  const sources = new Map<string, CompactedSource>();
  for (const { name, path, createdAtText } of parts.toReversed())
    sources.set(name, { name, createdAt: createdAtText, sha256: await sha256Of(storage, path) });
  for (const source of parts.flatMap(({ compactedFrom }) => compactedFrom ?? []))
    if (!sources.has(source.name)) sources.set(source.name, source);
  return [...sources.values()];
};

/** The SHA-256 of an object in hex; a store that keeps no digests has it read whole. */
export const sha256Of = async (storage: Storage, path: string): Promise<string> => {
  const known = await storage.digest?.(path);
  if (known !== undefined) return known;
  await using handle = await storage.open(path);
  if (handle === undefined) throw new DatasetError("CONFLICT", `${path} has gone`, { details: { path } });
  const hash = await crypto.subtle.digest("SHA-256", (await readAll(handle)).slice());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
};

const wholeBase = (snapshot: Snapshot) => [{ start: 0, end: snapshot.base.file.numRows }];

const keysOf = async (snapshot: Snapshot, overlay: Overlay): Promise<UnionKeys> => {
  const { numRows: rows } = snapshot.base.file;
  const index = await buildKeyIndex(overlay.key, keyBatches(snapshot, overlay.key, wholeBase(snapshot)), { rows });
  return unionKeys(overlay, index);
};

const GROUP_BYTES = 64 * 1024 * 1024;

/** Rows of a row group: as many as ours have, fewer where rows are long. */
const groupRows = ({ parts }: Overlay): number => {
  const groups = parts.flatMap(({ file }) => file.rowGroups);
  const rows = groups.reduce((sum, { numRows }) => sum + numRows, 0);
  const bytes = groups.reduce((sum, { byteSize }) => sum + byteSize, 0);
  return Math.max(1024, Math.min(ROW_GROUP_ROWS, Math.floor((GROUP_BYTES / Math.max(1, bytes)) * Math.max(1, rows))));
};

async function* mergedGroups(
  snapshot: Snapshot,
  overlay: Overlay,
  keys: UnionKeys,
  schema: Schema,
): AsyncGenerator<RowGroup> {
  await using cursor = mergeOverlay(overlay, keys.index, { columns: overlay.fields.map(({ name }) => name) });
  async function* pieces(): AsyncGenerator<Rows> {
    let row = 0;
    for await (const column of keys.columns(baseKeys(snapshot, overlay))) {
      const values = await cursor.read(row, row + column.length);
      row += column.length;
      yield { numRows: column.length, columns: [column, ...values] };
    }
  }
  yield* regroup(schema, pieces(), groupRows(overlay));
}

async function* baseKeys(snapshot: Snapshot, { key }: Overlay): AsyncGenerator<Column> {
  const name = key === "id" ? "id" : "sequence";
  for await (const { schema, columns } of keyBatches(snapshot, key, wholeBase(snapshot)))
    yield columns[schema.fields.findIndex((field) => field.name === name)]!;
}
