/**
 * What a program that keeps two copies of a dataset equal has to know: where everything lies, what each file may become, and how rows that
 * were changed on both sides are united.
 *
 * @module
 */
export { datasetIds } from "../read/list.ts";
export { mapBounded } from "../read/objects.ts";
export { uniteMarks } from "../read/snapshot-marks.ts";
export { planSnapshot } from "../write/commit/auto-snapshot.ts";
export { type FileClass, fileClass } from "./file-class.ts";
export { mergeRecordFiles, type RecordMerge } from "./merge-records.ts";
export { PLACES } from "./places.ts";
export { updateRegistry } from "./update-registry.ts";
