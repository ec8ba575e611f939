/**
 * What a biological sequence is, and the content-derived id it gets.
 *
 * ```ts
 * import { normalizeSequence, sequenceId } from "@usr/id";
 *
 * const sequence = normalizeSequence("  ACGT\n", "dna", "dna_4"); // "ACGT"
 * sequenceId("dna", sequence); // "ee93db6725ec05c3d18249d7fdba5d36a6a695cd"
 * ```
 *
 * @module
 */
export { ALPHABETS, type Alphabet, type BioType, createChecker } from "./alphabets.ts";
export { IdError, type IdErrorCode } from "./errors.ts";
export { normalizeSequence } from "./normalize.ts";
export { createHasher, sequenceId } from "./sequence-id.ts";
export { strip, stripRange } from "./strip.ts";
