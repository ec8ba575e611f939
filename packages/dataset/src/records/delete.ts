import type { WritableRoot } from "../write/types.ts";
import type { RecordOptions, RecordResult } from "./change.ts";
import { changeRecords } from "./change.ts";
import { TOMBSTONES } from "./record-file.ts";

export interface DeleteOptions extends RecordOptions {
  /** Kept with the rows; NULL where not given. */
  readonly reason?: string | undefined;
}

export interface RestoreOptions extends RecordOptions {
  /** Told by the event; the rows keep none. */
  readonly reason?: string | undefined;
}

/**
 * Hides rows from every read that does not ask for deleted ones. The sequences stay stored; deleting what is deleted changes nothing, its
 * time and reason neither.
 *
 * @throws DatasetError `UNKNOWN_ID`, `USAGE` without ids, `NOT_SUPPORTED` where the tombstones are not in their single file
 */
export const deleteRows = (root: WritableRoot, id: string, o: DeleteOptions): Promise<RecordResult> =>
  changeRecords(root, id, o, {
    kind: TOMBSTONES,
    command: "delete",
    action: "tombstone",
    takesBack: false,
    args: { reason: o.reason ?? "" },
    change: (before, nowUs) => (before?.[0] === true ? undefined : [true, nowUs, o.reason ?? null]),
  });

/**
 * Brings deleted rows back, as they were. Time and reason of the deletion are cleared; restoring what is not deleted changes nothing.
 * An id whose sequence is no longer stored may be restored too, so that it can be imported again.
 *
 * @throws DatasetError as `deleteRows`
 */
export const restoreRows = (root: WritableRoot, id: string, o: RestoreOptions): Promise<RecordResult> =>
  changeRecords(root, id, o, {
    kind: TOMBSTONES,
    command: "restore",
    action: "restore",
    takesBack: true,
    args: o.reason === undefined ? {} : { reason: o.reason },
    change: (before) => (before?.[0] === true ? [false, null, null] : undefined),
  });
