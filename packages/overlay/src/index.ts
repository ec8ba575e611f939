/**
 * Overlay parts, and how the newest value wins.
 *
 * ```ts
 * import { openParquet, readBatches } from "@usr/parquet";
 * import type { Registry } from "@usr/registry";
 * import type { Column } from "@usr/schema";
 * import type { ObjectMeta, ReadableStorage } from "@usr/storage";
 * import { assembleOverlay, buildKeyIndex, discoverOverlays, mergeOverlay, openPart } from "@usr/overlay";
 *
 * // The merged column `mock__score` of a dataset, one value or NULL for each row of the base.
 * export async function scores(dataset: ReadableStorage, registry: Registry): Promise<readonly Column[]> {
 *   const listing: ObjectMeta[] = [];
 *   for await (const object of dataset.list("_derived/mock")) listing.push(object);
 *   const entries = discoverOverlays(listing);
 *   const paths = entries.flatMap((entry) => entry.objects.map((object) => object.path));
 *   const parts = await Promise.all(paths.map(async (path) => openPart((await dataset.open(path))!)));
 *   const overlay = assembleOverlay(entries, parts, registry.namespaces.get("mock"));
 *
 *   const base = await openParquet((await dataset.open("records.parquet"))!);
 *   const index = await buildKeyIndex(overlay.key, readBatches(base, { columns: ["id"] }));
 *   await using merged = mergeOverlay(overlay, index, { columns: ["mock__score"] });
 *   return merged.read(0, index.numRows);
 * }
 * ```
 *
 * @module
 */
export { assembleOverlay } from "./assemble.ts";
export { countKeys } from "./count.ts";
export { discoverOverlays } from "./discover.ts";
export { OverlayError, type OverlayErrorCode, type OverlayErrorOptions } from "./error.ts";
export { buildKeyIndex } from "./keys/key-index.ts";
export { matchKeys } from "./match.ts";
export { mergeOverlay } from "./merge.ts";
export { type OpenPartOptions, openPart } from "./part.ts";
export type * from "./types.ts";
