import type { Root, Snapshot, SnapshotOptions } from "../types.ts";

/**
 * Opens one state of a dataset: lists, opens what is asked for, lists again, and starts over when what matters changed in between.
 *
 * @throws DatasetError `DATASET_NOT_FOUND`, `DATASET_ID_INVALID`, `UNSUPPORTED_VERSION`, `CORRUPT`, `TYPE_MISMATCH`; `NO_REGISTRY` when an overlay
 * is opened; `CONFLICT` when the dataset never stood still. Errors of a broken overlay only when that overlay is asked for.
 */
export async function openSnapshot(_root: Root, _id: string, _o: SnapshotOptions): Promise<Snapshot> {
  throw new Error("soon");
}
