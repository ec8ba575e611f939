/**
 * What a writer of parts needs: names, metadata, the next moment, keys as they are stored and found again.
 *
 * @module
 */
export { createKeyTable, type KeyTable } from "../keys/key-table.ts";
export { type DatedPart, lateParts } from "../late.ts";
export { nextCreatedAt } from "./created-at.ts";
export { type OverlayMetadata, overlayMetadata } from "./metadata.ts";
export { normalizeKeys } from "./normalize-keys.ts";
export { partName } from "./part-name.ts";
export { type UnionKeys, unionKeys } from "./union-keys.ts";
