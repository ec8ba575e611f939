/**
 * Patterns in sequences and other texts: regular expressions, and motifs of IUPAC codes, on one strand or both.
 *
 * ```ts
 * import { search } from "@usr/dataset/search";
 * import { jsonRows } from "@usr/formats";
 * import { httpStorage } from "@usr/storage/http";
 *
 * const root = { storage: httpStorage("https://example.org/usr/", { index: "index.json" }), label: "example" };
 * for await (const batch of search(root, "demo", { pattern: "TATAWAW", iupac: true, bothStrands: true })) {
 *   for (const row of jsonRows(batch)) console.log(row); // {"id":…,"sequence":…,"matches":[{"start":4,"end":11,"strand":"-"}]}
 * }
 * ```
 *
 * @module
 */
export { type Match, type SearchOptions, search } from "./search.ts";
