/**
 * Overlays beyond one dataset and one registry: values carried from one dataset to another, parts brought up to today's registry, sequences that come with
 * annotations. Each verb
 * that changes something is one transaction, as in `@usr/dataset/write`.
 *
 * @module
 */
export { type AnnotatedImportOptions, type AnnotatedImportResult, importAnnotated } from "./import-annotated.ts";
export { type ProjectOptions, type ProjectResult, projectOverlay } from "./project.ts";
export { type RefreshedNamespace, type RefreshOptions, type RefreshResult, refreshOverlayMetadata } from "./refresh.ts";
