import { type LoggedEvent, tailEvents } from "@usr/events";
import type { ReadableStorage, Signal } from "@usr/storage";
import { scopedStorage } from "@usr/storage";
import { parseDatasetId } from "../dataset-id.ts";
import { EVENTS_ARCHIVE, EVENTS_LOG, RECORDS } from "../layout.ts";
import type { Root } from "../types.ts";
import { datasetNotFound } from "./list.ts";
import { listAll } from "./objects.ts";

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

/** Every event of a dataset, of its log and then of the archives that gardening made; what else lies there is passed over. One line in memory. */
export async function* everyEvent(
  storage: ReadableStorage,
  o: Signal = {},
): AsyncGenerator<LoggedEvent, void, undefined> {
  const archives = await listAll(storage, EVENTS_ARCHIVE, o);
  for (const path of [EVENTS_LOG, ...archives.map((meta) => meta.path)])
    for await (const line of tailEvents(storage, path, o)) if (line.kind === "event") yield line.event;
}
