import type { EventInput } from "@usr/events";
import { nextCreatedAt, overlayMetadata } from "@usr/overlay/write";
import { contractHash } from "@usr/registry";
import { overlayFile } from "../layout.ts";
import { requireRegistry } from "../read/registry.ts";
import { openSnapshot } from "../read/snapshot.ts";
import type { Snapshot } from "../types.ts";
import { transact } from "../write/commit/transaction.ts";
import type { WritableRoot } from "../write/types.ts";
import { type Choice, type RowChoice, readChoice } from "./choice.ts";
import { unknownIds } from "./ids.ts";
import type { Cells, RecordKind, RecordRows } from "./record-file.ts";
import { overlayOf, readRows, recordTable, requireSingleFile, TOMBSTONES } from "./record-file.ts";

export interface RecordOptions extends RowChoice {
  /** Leave ids out that the dataset does not have; otherwise they are `UNKNOWN_ID`. */
  readonly allowMissing?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface RecordResult {
  readonly dataset: string;
  /** Rows that changed. */
  readonly rows: number;
  /** Ids that were left out because the dataset does not have them. */
  readonly ids_missing: number;
}

/** One verb over single rows. */
export interface Verb {
  readonly kind: RecordKind;
  readonly command: string;
  readonly action: string;
  /** A verb that takes something back reaches rows of the file whose sequence has left the base, too. */
  readonly takesBack: boolean;
  /** The arguments of the event, `rows` before them and `allow_missing` after them. */
  readonly args: EventInput["args"];
  /** Throws where the verb could not do what it says, for rows that the base has (id and rows). */
  readonly refuse?: ((snapshot: Snapshot, stored: ReadonlyMap<string, readonly number[]>) => Promise<void>) | undefined;
  /** What a row becomes (`before` is `undefined` where the file has none), or `undefined` where it stays as it is. */
  change(before: Cells | undefined, nowUs: bigint): Cells | undefined;
}

/** Runs a verb: an upsert by id and column. Rows of the file keep their place, new ones follow in base order, and what is not named is kept. */
export const changeRecords = async (
  root: WritableRoot,
  id: string,
  o: RecordOptions,
  verb: Verb,
): Promise<RecordResult> => {
  const choice = await readChoice(o);
  const tombstones = verb.kind === TOMBSTONES;
  const open = (): Promise<Snapshot> =>
    openSnapshot(root, id, {
      namespaces: [...(tombstones ? [] : [verb.kind.namespace]), ...choice.namespaces],
      tombstones: tombstones || o.where !== undefined,
    });
  if (o.dryRun === true) {
    await requireRegistry(root.storage);
    await using snapshot = await open();
    const nowUs = root.clock();
    const { changed, missing } = await plan(snapshot, choice, o, verb, nowUs);
    if (changed > 0) nextCreatedAt(overlayOf(snapshot, verb.kind)?.parts ?? [], nowUs);
    return { dataset: snapshot.id, rows: changed, ids_missing: missing };
  }
  return transact(root, id, { command: verb.command }, async (tx) => {
    await using snapshot = await open();
    const { rows, changed, missing } = await plan(snapshot, choice, o, verb, tx.nowUs);
    const result = { dataset: tx.id, rows: changed, ids_missing: missing };
    if (changed === 0) return { result };
    const { namespace } = verb.kind;
    const entry = tx.registry.namespaces.get(namespace);
    const table = recordTable(
      rows,
      verb.kind,
      overlayMetadata({
        namespace,
        key: "id",
        createdAtUs: nextCreatedAt(overlayOf(snapshot, verb.kind)?.parts ?? [], tx.nowUs),
        registryHash: tx.registryHash,
        contractHash: entry === undefined ? undefined : await contractHash(entry),
        eventId: tx.eventId,
      }),
    );
    const staged = await tx.stageParquet(table.schema, [table]);
    return {
      result,
      commit: {
        publish: { kind: "publish", from: staged.path, to: overlayFile(namespace) },
        action: verb.action,
        args: {
          rows: changed,
          ...verb.args,
          ...(o.where === undefined ? {} : { where: o.where }),
          allow_missing: o.allowMissing === true,
        },
        metrics: { rows: changed },
        artifacts: { overlay: { namespace } },
        target: staged.path,
      },
    };
  });
};

interface Plan {
  /** The file as it will be. */
  readonly rows: RecordRows;
  readonly changed: number;
  readonly missing: number;
}

const plan = async (snapshot: Snapshot, choice: Choice, o: RecordOptions, verb: Verb, nowUs: bigint): Promise<Plan> => {
  requireSingleFile(snapshot, verb.kind);
  const rows = await readRows(overlayOf(snapshot, verb.kind)?.parts[0], verb.kind);
  const { ids, stored } = await choice.rows(snapshot, verb.kind === TOMBSTONES && verb.takesBack);
  const known = ids.filter((id) => stored.has(id) || (verb.takesBack && rows.at.has(id)));
  const missing = ids.length - known.length;
  if (missing > 0 && o.allowMissing !== true) {
    const found = new Set(known);
    throw unknownIds(
      snapshot.id,
      ids.filter((id) => !found.has(id)),
    );
  }
  await verb.refuse?.(snapshot, stored);
  let changed = 0;
  const added: { readonly id: string; readonly row: number; readonly cells: Cells }[] = [];
  for (const id of known) {
    const at = rows.at.get(id);
    const after = verb.change(at === undefined ? undefined : rows.cells[at], nowUs);
    if (after === undefined) continue;
    changed++;
    if (at === undefined) added.push({ id, row: stored.get(id)?.[0] ?? 0, cells: after });
    else rows.cells[at] = after;
  }
  for (const { id, cells } of added.sort((a, b) => a.row - b.row)) {
    rows.ids.push(id);
    rows.cells.push(cells);
  }
  return { rows, changed, missing };
};
