import { type ReadHandle, scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { DatasetError } from "../error.ts";
import { EVENTS_ARCHIVE, EVENTS_LOG } from "../layout.ts";
import { bytesOf, listAll } from "../read/objects.ts";
import { requireRegistry } from "../read/registry.ts";
import { fileStamp } from "../write/commit/auto-snapshot.ts";
import { requireBase, transact } from "../write/commit/transaction.ts";
import type { Transaction, WritableRoot } from "../write/types.ts";
import { sha256Of } from "./compact.ts";

export interface GardenOptions {
  /** Lines that stay in the log, the newest; 1 or more. */
  readonly retainLast: number;
  /** Why, for the event. */
  readonly reason?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface GardenResult {
  readonly dataset: string;
  readonly total_lines: number;
  readonly retained_lines: number;
  readonly archived_lines: number;
  /** Where the cut lines lie, relative to the dataset; `null` for a dry run or when nothing was cut. */
  readonly archive: string | null;
  readonly size_before: number;
  /** Before the event of this call is appended. */
  readonly size_after: number;
}

/**
 * Cuts the event log down to its last lines. The lines before them move, byte for byte, to a file of their own under `.events.archive/`, so
 * the archives and the log together hold every line that was ever written. Holds the lock of the log from the first look to the event; a log
 * that is short enough is left alone and nothing is logged. Readers that keep a byte offset into the log have to start over; `tailEvents` goes
 * on by itself.
 *
 * Memory: one chunk of the log.
 *
 * @throws DatasetError `USAGE` where `retainLast` is no whole number above 0
 */
export const gardenEventLog = async (root: WritableRoot, id: string, o: GardenOptions): Promise<GardenResult> => {
  if (!Number.isSafeInteger(o.retainLast) || o.retainLast < 1) {
    throw new DatasetError("USAGE", `${o.retainLast} lines cannot be retained`, {
      hint: "Keep one line or more: a log without lines could not be followed.",
      details: { retain_last: o.retainLast },
    });
  }
  if (o.dryRun === true) {
    await requireRegistry(root.storage);
    const storage = scopedStorage(root.storage, parseDatasetId(id));
    await requireBase(storage, id, root);
    await using handle = await storage.open(EVENTS_LOG);
    if (handle === undefined) return resultOf(id, EMPTY, null);
    return resultOf(id, await cutOf(handle, o.retainLast), null);
  }
  return transact<GardenResult>(root, id, { command: "maintenance event-log-garden", locksLog: true }, async (tx) => {
    await using handle = await tx.storage.open(EVENTS_LOG);
    if (handle === undefined) return { result: resultOf(tx.id, EMPTY, null) };
    const cut = await cutOf(handle, o.retainLast);
    if (cut.at === 0) return { result: resultOf(tx.id, cut, null) };
    const old = await tx.stage(bytesOf(handle, { end: cut.at }));
    const live = await tx.stage(bytesOf(handle, { start: cut.at }));
    const sha256 = await sha256Of(tx.storage, old.path);
    const archive = await archiveFor(tx, sha256);
    const { dataset: _, archive: __, ...metrics } = resultOf(tx.id, cut, archive);
    return {
      result: resultOf(tx.id, cut, archive),
      commit: {
        // Where a run before this one died between the two steps, the same lines are put in the same place again.
        prepare: [{ kind: "publish", from: old.path, to: archive }],
        publish: { kind: "publish", from: live.path, to: EVENTS_LOG, over: handle.meta.etag },
        action: "event_log_garden",
        args: {
          reason: o.reason ?? "",
          retain_last: o.retainLast,
          archive,
          acknowledge_notify_cursor_reset: true,
        },
        metrics,
        artifacts: { archive: { path: archive, sha256 } },
        maintenance: { reason: "event_log_garden", notify_cursor_reset_required: true },
      },
    };
  });
};

/** Where a log is cut: the byte, and the lines before and after it. */
interface Cut {
  readonly at: number;
  readonly size: number;
  readonly archived: number;
  readonly retained: number;
}

const EMPTY: Cut = { at: 0, size: 0, archived: 0, retained: 0 };

/** Lines are what newlines end, whatever is in them; a last one without is one too. */
const cutOf = async (handle: ReadHandle, retain: number): Promise<Cut> => {
  const { size } = handle.meta;
  let total = 0;
  let last = 10;
  for await (const chunk of bytesOf(handle)) {
    for (const byte of chunk) if (byte === 10) total++;
    last = chunk.at(-1) ?? last;
  }
  if (last !== 10) total++;
  const archived = Math.max(0, total - retain);
  if (archived === 0) return { at: 0, size, archived, retained: total };
  let [left, offset] = [archived, 0];
  for await (const chunk of bytesOf(handle)) {
    for (let i = 0; i < chunk.length; i++)
      if (chunk[i] === 10 && --left === 0) return { at: offset + i + 1, size, archived, retained: retain };
    offset += chunk.length;
  }
  throw new RangeError("A log has lost lines while it was read.");
};

/** `events-<stamp>Z-<first 12 digits of the content's SHA-256>.jsonl`; lines that were archived already keep the name they have. */
const archiveFor = async (tx: Transaction, sha256: string): Promise<string> => {
  const suffix = `-${sha256.slice(0, 12)}.jsonl`;
  const known = (await listAll(tx.storage, EVENTS_ARCHIVE)).find(({ path }) => path.endsWith(suffix));
  return known?.path ?? `${EVENTS_ARCHIVE}events-${fileStamp(tx.nowUs)}Z${suffix}`;
};

const resultOf = (dataset: string, { at, size, archived, retained }: Cut, archive: string | null): GardenResult => ({
  dataset,
  total_lines: archived + retained,
  retained_lines: retained,
  archived_lines: archived,
  archive,
  size_before: size,
  size_after: size - at,
});
