/**
 * Checks and ids of many sequences at once.
 *
 * ```ts
 * import { createBulkHasher, idText } from "@usr/id/bulk";
 *
 * const bytes = new TextEncoder().encode("ACGTTTGA");
 * const words = new Int32Array(5 * 2);
 * createBulkHasher("dna")(bytes, Int32Array.of(0, 4), Int32Array.of(4, 8), 0, 2, words); // "ACGT" and "TTGA"
 * new TextDecoder().decode(idText(words, 1)); // "ee93db6725ec05c3d18249d7fdba5d36a6a695cd"
 * ```
 *
 * @module
 */
export { createBulkChecker } from "./checker.ts";
export { type BulkHasher, createBulkHasher } from "./hasher.ts";
export { idText } from "./text.ts";
