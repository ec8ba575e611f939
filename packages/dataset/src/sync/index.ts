/**
 * What a program that keeps two copies of a dataset equal has to know: where everything lies, and what each file may become.
 *
 * @module
 */
export { EVENTS_LOG, isRuntimeFile, RECORDS, REGISTRY_FILE } from "../layout.ts";
export { datasetIds } from "../read/list.ts";
export { mapBounded } from "../read/objects.ts";
export { type FileClass, fileClass } from "./file-class.ts";
