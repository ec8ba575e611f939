import type { ReadableStorage } from "@usr/storage";
import { scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { EVENTS_LOG, RECORDS } from "../layout.ts";
import type { Root } from "../types.ts";
import { datasetNotFound } from "./list.ts";

/** Where the event log of a dataset is read. Throws `DATASET_NOT_FOUND`; a dataset without a log is fine. */
export async function eventLog(
  root: Root,
  id: string,
): Promise<{ readonly storage: ReadableStorage; readonly path: string }> {
  const storage = scopedStorage(root.storage, parseDatasetId(id));
  const base = await storage.open(RECORDS);
  if (base === undefined) throw await datasetNotFound(root.storage, id);
  await base[Symbol.asyncDispose]();
  return { storage, path: EVENTS_LOG };
}
