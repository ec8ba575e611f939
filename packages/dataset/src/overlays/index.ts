/**
 * Overlays beyond one dataset and one registry: values carried from one dataset to another, parts brought up to today's registry. Each verb
 * that changes something is one transaction, as in `@usr/dataset/write`.
 *
 * @module
 */
export { type ProjectOptions, type ProjectResult, projectOverlay } from "./project.ts";
export { type RefreshedNamespace, type RefreshOptions, type RefreshResult, refreshOverlayMetadata } from "./refresh.ts";
