export { assembleOverlay } from "./assemble.ts";
export { countKeys } from "./count.ts";
export { discoverOverlays } from "./discover.ts";
export { OverlayError, type OverlayErrorCode, type OverlayErrorOptions } from "./error.ts";
export { buildKeyIndex } from "./key-index.ts";
export { matchKeys } from "./match.ts";
export { mergeOverlay } from "./merge.ts";
export { type OpenPartOptions, openPart } from "./part.ts";
export type * from "./types.ts";
