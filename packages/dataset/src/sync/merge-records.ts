import { openPart, type Part } from "@usr/overlay";
import { nextCreatedAt, overlayMetadata } from "@usr/overlay/write";
import type { ByteSource, DecodeLimits } from "@usr/parquet";
import { contractHash } from "@usr/registry";
import type { Value } from "@usr/schema";
import { type STATE_FILE, TOMBSTONE_FILE } from "../layout.ts";
import { type Cells, type RecordRows, readRows, recordTable, STATE, TOMBSTONES } from "../records/record-file.ts";
import type { Staged, Transaction } from "../write/types.ts";

/** Two files of tombstones, or of states, as one. */
export interface RecordMerge {
  /** Ids for which both sides say something else and nothing tells which is newer. */
  readonly conflicts: readonly string[];
  /** Rows the target learns or changes. None = the target says all of it already. */
  readonly changed: number;
  /** Rows that the target alone has, or of which it knows something newer. */
  readonly ahead: number;
  /** Stages the merged file. */
  stage(tx: Transaction): Promise<Staged>;
}

/**
 * Unites the rows of the target's and the source's file, by id. A row that only one of them has is taken; of two deletions the later stands;
 * other rows that differ are conflicts, unless `prefer` says that the source is right. The target's order stays, new rows follow in the
 * source's order.
 *
 * @throws OverlayError, ParquetError, DatasetError where one of the files cannot be read
 */
export const mergeRecordFiles = async (
  path: typeof TOMBSTONE_FILE | typeof STATE_FILE,
  target: ByteSource,
  source: ByteSource,
  o: { readonly prefer?: "source" | undefined; readonly limits?: DecodeLimits | undefined } = {},
): Promise<RecordMerge> => {
  const kind = path === TOMBSTONE_FILE ? TOMBSTONES : STATE;
  const { limits } = o;
  const parts: readonly Part[] = [await openPart(target, { path, limits }), await openPart(source, { path, limits })];
  const rows = await readRows(parts[0], kind);
  const others = await readRows(parts[1], kind);
  const conflicts: string[] = [];
  let changed = 0;
  let ahead = rows.ids.length;
  for (const [id, from] of others.at) {
    const theirs = others.cells[from]!;
    const at = rows.at.get(id);
    if (at === undefined) {
      rows.at.set(id, rows.ids.length);
      rows.ids.push(id);
      rows.cells.push(theirs);
      changed++;
      continue;
    }
    ahead--;
    if (textOf(rows.cells[at]!) === textOf(theirs)) continue;
    const winner = newer(rows.cells[at]!, theirs, kind === TOMBSTONES, o.prefer);
    if (winner === undefined) conflicts.push(id);
    else if (winner === theirs) {
      rows.cells[at] = winner;
      changed++;
    } else ahead++;
  }
  return { conflicts, changed, ahead, stage: (tx) => stageRows(tx, rows, kind, parts) };
};

const stageRows = async (
  tx: Transaction,
  rows: RecordRows,
  kind: typeof TOMBSTONES,
  parts: readonly Part[],
): Promise<Staged> => {
  const { namespace } = kind;
  const entry = tx.registry.namespaces.get(namespace);
  const table = recordTable(
    rows,
    kind,
    overlayMetadata({
      namespace,
      key: "id",
      createdAtUs: nextCreatedAt(parts, tx.nowUs),
      registryHash: tx.registryHash,
      contractHash: entry === undefined ? undefined : await contractHash(entry),
      eventId: tx.eventId,
    }),
  );
  return tx.stageParquet(table.schema, [table]);
};

/** The row of two different ones that stands; `undefined` = nobody knows. */
const newer = (mine: Cells, theirs: Cells, deletions: boolean, prefer: "source" | undefined): Cells | undefined => {
  const [[gone, at], [goneThere, atThere]] = [mine, theirs];
  if (deletions && gone === true && goneThere === true && typeof at === "bigint" && typeof atThere === "bigint") {
    if (at !== atThere) return at > atThere ? mine : theirs;
    // Deleted in the same microsecond for two reasons: any rule will do, as long as both sides have the same.
    return textOf(mine) > textOf(theirs) ? mine : theirs;
  }
  return prefer === "source" ? theirs : undefined;
};

const textOf = (cells: Cells): string =>
  JSON.stringify(cells, (_key, value: Value) => (typeof value === "bigint" ? `${value}n` : value));
