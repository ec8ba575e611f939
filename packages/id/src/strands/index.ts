/**
 * The other strand of a nucleic acid, with all IUPAC codes.
 *
 * ```ts
 * import { reverseComplement } from "@usr/id/strands";
 *
 * reverseComplement("ACGTn", "dna"); // "nACGT"
 * reverseComplement("RAY", "rna"); // "RUY"
 * ```
 *
 * @module
 */
export { createReverseComplementer, reverseComplement } from "./complement.ts";
export { createMotifFinder } from "./motif.ts";
