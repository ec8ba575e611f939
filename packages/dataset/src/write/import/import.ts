import type { TableReader } from "@usr/formats";
import type { KeyBatch } from "@usr/overlay";
import { openParquet } from "@usr/parquet";
import { registryHash } from "@usr/registry";
import { formatTimestamp } from "@usr/schema";
import type { Storage } from "@usr/storage";
import { RECORDS } from "../../layout.ts";
import { requireRegistry } from "../../read/registry.ts";
import { openSnapshot } from "../../read/snapshot.ts";
import type { Snapshot } from "../../types.ts";
import { stageAppended } from "../base/append.ts";
import { earlyCopy } from "../base/early-copy.ts";
import { baseSchema, inBaseOrder, optional, wholeSchema } from "../base/shape.ts";
import { transact } from "../commit/transaction.ts";
import type { WritableRoot } from "../types.ts";
import { type KnownIds, knownIds, type RememberedIds } from "./known-ids.ts";
import type { ImportCounts, ImportRules } from "./rows.ts";
import { importedRows } from "./rows.ts";
import { asKeyBatch, keyRows, requireCaseUnique, type SequenceKeys, sequenceKeys } from "./sequence-keys.ts";

export interface ImportOptions {
  /** How the input is called in errors, and its rows' `source` failing `source` and a source column. */
  readonly path: string;
  /** For rows without a bio_type cell. */
  readonly bioType?: string | undefined;
  /** For rows without an alphabet cell. */
  readonly alphabet?: string | undefined;
  /** The source of every row, whatever the input says. */
  readonly source?: string | undefined;
  /** `ignore` skips rows that are stored and not deleted. Default `error`. */
  readonly onConflict?: "error" | "ignore" | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface ImportResult {
  readonly dataset: string;
  readonly rows_read: number;
  readonly rows_added: number;
  readonly rows_skipped: number;
  readonly registry_hash: string | null;
  /** Columns of the input that an import does not look at. */
  readonly ignored_columns: readonly string[];
}

/**
 * Appends the sequences of a table to the base, in input order, all or nothing. Old row groups are copied, not decoded; memory is
 * bounded by the packed ids (20 bytes a row read, and beyond a few thousand rows those of the base) and one row group. An import that adds nothing changes nothing and logs nothing.
 *
 * @throws DatasetError what `importedRows` throws, and `MULTIPLE_BIO_TYPES`, `NOT_SUPPORTED`, OverlayError `AMBIGUOUS_BASE_KEY` where the rows would make an
 * overlay keyed by sequence unreadable
 */
export const importRows = async (
  root: WritableRoot,
  id: string,
  table: TableReader,
  o: ImportOptions,
): Promise<ImportResult> => {
  if (o.dryRun === true) {
    const hash = await registryHash(await requireRegistry(root.storage));
    await using snapshot = await openSnapshot(root, id, { namespaces: "none", tombstones: true });
    const counts = newCounts();
    const keys = await sequenceKeys(snapshot, o.path);
    const rows = importedRows(table, rulesOf(await knownIds(snapshot), keys, o, root.clock()), counts);
    if (keys.foldsCase) await requireCaseUnique(storedAndNew(snapshot, rows));
    else for await (const _rows of rows) void _rows;
    return resultOf(snapshot, counts, hash);
  }
  return appendRows(root, id, table, o);
};

/** As `importRows`. With `remembered` ids the import is held against those, and adds its own to them. */
export const appendRows = async (
  root: WritableRoot,
  id: string,
  table: TableReader,
  o: ImportOptions,
  remembered?: RememberedIds,
): Promise<ImportResult> => {
  let etag: string | undefined;
  const result = await transact(root, id, { command: "import", freeze: "copy" }, async (tx) => {
    await using snapshot = await openSnapshot(root, id, { namespaces: "none", tombstones: true });
    const counts = newCounts();
    const file = snapshot.base.file;
    const createdAt = formatTimestamp(tx.nowUs, "us", true);
    const schema = baseSchema(optional(wholeSchema(file, tx.id)), { registryHash: tx.registryHash, createdAt });
    const keys = await sequenceKeys(snapshot, o.path);
    const known = await (remembered?.of ?? knownIds)(snapshot);
    // Of rows that may be skipped all may be, which should not cost a copy.
    const copy = o.onConflict === "ignore" ? undefined : earlyCopy(tx, snapshot.base, schema);
    const rows = importedRows(table, { ...rulesOf(known, keys, o, tx.nowUs), checked: copy?.begin }, counts);
    const fitting = inBaseOrder(file.schema, rows);
    const staged = await stageAppended(tx, snapshot.base, schema, fitting, { last: remembered?.rows, copy });
    const result = resultOf(snapshot, counts, tx.registryHash);
    if (staged === undefined) return { result };
    etag = staged.etag;
    if (keys.foldsCase) await requireCaseUnique(stagedRows(tx.storage, staged.path));
    return {
      result,
      commit: {
        publish: { kind: "publish", from: staged.path, to: RECORDS },
        action: "import_rows",
        args: { n: counts.rowsAdded, source_param: o.source ?? o.path, on_conflict: o.onConflict ?? "error" },
        metrics: { rows_written: counts.rowsAdded, rows_skipped: counts.rowsSkipped },
        artifacts: { base: {} },
        target: staged.path,
      },
    };
  });
  if (etag !== undefined) remembered?.added(etag);
  return result;
};

const newCounts = (): ImportCounts => ({ rowsRead: 0, rowsAdded: 0, rowsSkipped: 0, ignoredColumns: [] });

/** `hash` is the registry's; an import that adds nothing leaves the base under the one it has. */
const resultOf = (snapshot: Snapshot, counts: ImportCounts, hash: string): ImportResult => ({
  dataset: snapshot.id,
  rows_read: counts.rowsRead,
  rows_added: counts.rowsAdded,
  rows_skipped: counts.rowsSkipped,
  registry_hash: counts.rowsAdded > 0 ? hash : (snapshot.base.registryHash ?? null),
  ignored_columns: counts.ignoredColumns,
});

async function* storedAndNew(snapshot: Snapshot, rows: ReturnType<typeof importedRows>): AsyncGenerator<KeyBatch> {
  yield* keyRows(snapshot.base.file);
  for await (const batch of rows) yield asKeyBatch(batch);
}

async function* stagedRows(storage: Storage, path: string): AsyncGenerator<KeyBatch> {
  await using handle = await storage.open(path);
  if (handle !== undefined) yield* keyRows(await openParquet(handle));
}

const rulesOf = (known: KnownIds, { admits }: SequenceKeys, o: ImportOptions, createdAtUs: bigint): ImportRules => ({
  path: o.path,
  bioType: o.bioType,
  alphabet: o.alphabet,
  source: o.source,
  onConflict: o.onConflict ?? "error",
  createdAtUs,
  admits,
  known,
});
