import { parseDatasetId } from "../dataset-id.ts";
import {
  ARCHIVED_DIR,
  EVENTS_ARCHIVE,
  EVENTS_LOG,
  INCOMING,
  MERGED_LINES,
  overlayDir,
  overlayFile,
  PENDING,
  RECORDS,
  REGISTRY_FILE,
  STATE_FILE,
  TOMBSTONE_FILE,
} from "../layout.ts";

/** The names of the layout that a sync spells: of single files, and of folders (with their slash). */
export const PLACES: {
  readonly archived: string;
  readonly base: string;
  readonly events: string;
  readonly eventsArchive: string;
  readonly incoming: string;
  readonly mergedLines: string;
  /** The record of a commit that is under way, or was interrupted. */
  readonly pending: string;
  readonly registry: string;
  readonly state: typeof STATE_FILE;
  readonly tombstones: typeof TOMBSTONE_FILE;
  /** Of a dataset, in the root. Throws `DATASET_ID_INVALID`. */
  readonly dataset: (id: string) => string;
  /** Of the stem of a file or folder below `_derived/`. */
  readonly overlayDir: (place: string) => string;
  readonly overlayFile: (place: string) => string;
} = {
  archived: ARCHIVED_DIR,
  base: RECORDS,
  events: EVENTS_LOG,
  eventsArchive: EVENTS_ARCHIVE,
  incoming: INCOMING,
  mergedLines: MERGED_LINES,
  pending: PENDING,
  registry: REGISTRY_FILE,
  state: STATE_FILE,
  tombstones: TOMBSTONE_FILE,
  dataset: (id) => `${parseDatasetId(id)}/`,
  overlayDir,
  overlayFile,
};
