/**
 * Datasets of sequences, read: the records of a base table merged with the overlays attached to them, in base order.
 *
 * ```ts
 * import { info, listDatasets, scan } from "@usr/dataset";
 * import { httpStorage } from "@usr/storage/http";
 *
 * const root = { storage: httpStorage("https://example.org/usr/", { index: "index.json" }), label: "example" };
 * for (const { dataset, rows } of await listDatasets(root)) console.log(dataset, rows);
 * console.log((await info(root, "demo")).columns);
 * for await (const batch of scan(root, "demo", { columns: ["id", "mock__score"], limit: 10 })) console.log(batch.numRows);
 * ```
 *
 * @module
 */
export { DatasetError, type DatasetErrorCode, type DatasetErrorOptions } from "./error.ts";
export { eventLog } from "./read/event-log.ts";
export { info, listDatasets } from "./read/info.ts";
export { requireRegistry } from "./read/registry.ts";
export { scan } from "./read/scan.ts";
export { datasetSchema } from "./read/schema.ts";
export { validate } from "./read/validate.ts";
export type * from "./types.ts";
