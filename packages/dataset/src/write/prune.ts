import type { Overlay, OverlayKey, Part } from "@usr/overlay";
import { createKeyTable, partName } from "@usr/overlay/write";
import { type ParquetFile, readBatches } from "@usr/parquet";
import { type Column, sameType } from "@usr/schema";
import { DatasetError } from "../error.ts";
import { ID_LENGTH } from "../identity.ts";
import { convertColumn } from "../read/convert.ts";
import type { Snapshot } from "../types.ts";
import { decodedColumns, groupsWithout } from "./base/row-groups.ts";
import { createRowMask, type RowMask } from "./base/row-mask.ts";
import { EVENT_ID, stamped } from "./base/shape.ts";
import { createKeyDigest, type KeyDigest } from "./key-digest.ts";
import { createKeyDigests } from "./key-digests.ts";
import type { Staged, Step, Transaction } from "./types.ts";

/** Rows of an overlay that would match no base row any more. */
export interface Orphans {
  readonly overlay: Overlay;
  readonly rows: number;
  /** The parts that hold them, with the rows of each. */
  readonly parts: readonly { readonly part: Part; readonly lost: RowMask }[];
}

/** How orphans are reported. */
export interface OrphanCount {
  readonly namespace: string;
  readonly rows: number;
}

export const orphanCounts = (orphans: readonly Orphans[]): readonly OrphanCount[] =>
  orphans.map(({ overlay, rows }) => ({ namespace: overlay.namespace, rows }));

export const countOf = (orphans: readonly Orphans[]): number => orphans.reduce((sum, { rows }) => sum + rows, 0);

/**
 * Finds the overlay rows that belong to base rows that are about to leave: their key is that of a row of `dropped` and of no row that stays.
 * So what is said of a sequence that stays under another row is no orphan. Reads the key columns once. Memory: about 40 bytes for each key
 * that leaves, and one bit a row of the overlays.
 */
export const findOrphans = async (
  snapshot: Snapshot,
  overlays: readonly Overlay[],
  dropped: RowMask,
): Promise<readonly Orphans[]> => {
  if (dropped.size === 0) return [];
  const leaving = new Map<string, KeySet>();
  const found: Orphans[] = [];
  for (const overlay of overlays) {
    const { column, folding } = keyRule(overlay.key);
    const name = `${column} ${folding}`;
    const keys = leaving.get(name) ?? (await leavingKeys(snapshot.base.file, overlay.key, dropped));
    leaving.set(name, keys);
    const parts: { readonly part: Part; readonly lost: RowMask }[] = [];
    for (const part of overlay.parts) {
      const lost = createRowMask(part.file.numRows);
      for await (const { first, digests } of keyedRows(part.file, part.key, overlay.key))
        for (let at = 0; at < digests.length; at += ID_LENGTH) if (keys(digests, at)) lost.add(first + at / ID_LENGTH);
      if (lost.size > 0) parts.push({ part, lost });
    }
    if (parts.length > 0) found.push({ overlay, rows: parts.reduce((sum, { lost }) => sum + lost.size, 0), parts });
  }
  return found;
};

/**
 * Steps that carry orphans away, for the end of a commit that takes their base rows: no reader sees a difference, since what matches no row
 * is not shown. A part is written anew under another name, for parts are never changed, and the old one deleted; it keeps its creation time
 * and its place among the parts. Single files, and parts whose name does not say when they were made or that a compaction knows by name,
 * are replaced where they lie. What loses its last row stays as an empty table, so that no column leaves the view.
 */
export const pruneSteps = async (tx: Transaction, orphans: readonly Orphans[]): Promise<readonly Step[]> => {
  const steps: Step[] = [];
  for (const { overlay, parts } of orphans) {
    for (const { part, lost } of parts) {
      const object = overlay.entry.objects.find(({ path }) => path === part.path);
      if (object === undefined)
        throw new DatasetError("CONFLICT", `${part.path} has gone`, { details: { path: part.path } });
      const staged = await stageWithout(tx, overlay, part, lost);
      const to = freshPath(tx, overlay, part);
      if (to === undefined) {
        steps.push({ kind: "publish", from: staged.path, to: part.path, over: object.etag });
      } else {
        steps.push({ kind: "publish", from: staged.path, to });
        steps.push({ kind: "delete", path: object.path, etag: object.etag });
      }
    }
  }
  return steps;
};

const stageWithout = (tx: Transaction, overlay: Overlay, { file }: Part, lost: RowMask): Promise<Staged> => {
  // What other programs stored in another type is written as readers show it: some of it cannot be written as it was.
  const fields = file.schema.fields.map((field) => ({
    ...field,
    type: overlay.fields.find(({ name }) => name === field.name)?.type ?? field.type,
  }));
  const drifted = fields.filter(({ type }, i) => !sameType(type, file.schema.fields[i]!.type));
  async function* converted(): AsyncGenerator<ReadonlyMap<string, Column>, undefined> {
    const names = drifted.map(({ name }) => name);
    for (const { numRows, startRow } of file.rowGroups) {
      if (numRows === 0) continue;
      const stored = await decodedColumns(file, names, startRow, startRow + numRows);
      yield new Map(drifted.map(({ name, type }) => [name, convertColumn(stored.get(name)!, type, name)]));
    }
    return undefined;
  }
  const schema = stamped({ fields, metadata: file.schema.metadata }, [[EVENT_ID, tx.eventId]]);
  return tx.stageParquet(schema, groupsWithout(file, schema, lost, drifted.length === 0 ? undefined : converted()));
};

/** Whether the digest that begins at a place is among some. */
type KeySet = (digests: Uint8Array, at: number) => boolean;

const keyRule = (key: OverlayKey): { readonly column: "id" | "sequence"; readonly folding: "exact" | "case" } => ({
  column: key === "id" ? "id" : "sequence",
  folding: key === "sequence_ci" ? "case" : "exact",
});

const leavingKeys = async (base: ParquetFile, key: OverlayKey, dropped: RowMask): Promise<KeySet> => {
  const { column } = keyRule(key);
  const keys = createKeyTable({ expected: dropped.size, fold: false });
  for await (const { first, digests } of keyedRows(base, column, key, (row) => dropped.has(row))) {
    for (let at = 0; at < digests.length; at += ID_LENGTH)
      if (digests[at] !== BLANK_KEY && dropped.has(first + at / ID_LENGTH))
        keys.add(digests, at, at + ID_LENGTH, keys.size);
  }
  const stays = createRowMask(keys.size);
  for await (const { first, digests } of keyedRows(base, column, key)) {
    for (let at = 0; at < digests.length; at += ID_LENGTH) {
      if (dropped.has(first + at / ID_LENGTH)) continue;
      const found = keys.find(digests, at, at + ID_LENGTH);
      if (found >= 0) stays.add(found);
    }
  }
  return (digests, at) => {
    const found = keys.find(digests, at, at + ID_LENGTH);
    return found >= 0 && !stays.has(found);
  };
};

/** What stands, forty times, for the digest of a blank key: no digit. */
const BLANK_KEY = 0;

/** The digests of the keys of a column, batch by batch; with `wanted`, only of batches with such a row. */
async function* keyedRows(
  file: ParquetFile,
  column: string,
  key: OverlayKey,
  wanted: (row: number) => boolean = () => true,
): AsyncGenerator<{ readonly first: number; readonly digests: Uint8Array }> {
  // Overlays join by the text alone, so one bio type will do for all of them.
  const { folding } = keyRule(key);
  const many = createKeyDigests(folding, "dna");
  const one = createKeyDigest(folding, "dna");
  let first = 0;
  for await (const { columns, numRows } of readBatches(file, { columns: [column] })) {
    let row = 0;
    while (row < numRows && !wanted(first + row)) row++;
    if (row < numRows) yield { first, digests: many(columns[0]) ?? oneByOne(columns[0], one) };
    first += numRows;
  }
}

/** A missing cell has no bytes: it is blank. */
const oneByOne = (column: Column | undefined, digest: KeyDigest): Uint8Array => {
  if (column?.layout !== "utf8") return new Uint8Array(0);
  const digests = new Uint8Array(column.length * ID_LENGTH);
  for (let i = 0; i < column.length; i++)
    if (digest.take(column.data, column.offsets[i]!, column.offsets[i + 1]!) === -1)
      digests.set(digest.hex, i * ID_LENGTH);
  return digests;
};

const PART_NAME = /^part-.*-[0-9a-f]{32}\.parquet$/;
const TAIL = 12;

/** A new name with the place of the old one among parts of one moment: only the last digits differ. `undefined` = it has to keep its name. */
const freshPath = (tx: Transaction, overlay: Overlay, part: Part): string | undefined => {
  const known = overlay.parts.some(({ compactedFrom }) => compactedFrom?.some(({ name }) => name === part.name));
  if (overlay.entry.form === "file" || known || !PART_NAME.test(part.name)) return undefined;
  const end = part.path.length - ".parquet".length;
  const digits = partName(tx.nowUs, tx.uuid()).slice(-TAIL - ".parquet".length);
  return `${part.path.slice(0, end - TAIL)}${digits}`;
};
