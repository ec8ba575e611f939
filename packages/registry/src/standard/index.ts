/**
 * The namespaces that come ready-made: labels, source annotations, lineage of derived sequences.
 *
 * @module
 */
export { STANDARD } from "./entries.ts";
export { standardRequest } from "./request.ts";
