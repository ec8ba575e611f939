/**
 * The formats people bring (csv, tsv, jsonl, fasta, parquet, arrow), as streams of batches and back. Text becomes the type that is asked for and
 * nothing else: no type is ever guessed.
 *
 * ```ts
 * import { parseType } from "@usr/schema";
 * import { formatOf, jsonRows, openTable } from "@usr/formats";
 *
 * const text = "id,score,tags\na,0.5,\"[1,2]\"\nb,,\n";
 * const stream = (async function* () { yield new TextEncoder().encode(text); })();
 * const types = new Map([["id", "string"], ["score", "float32"], ["tags", "list<int64>"]]);
 *
 * const table = await openTable({ stream }, { format: formatOf("t.csv")?.format ?? "csv", name: "t.csv" });
 * for await (const { numRows, columns } of table.batches((name) => parseType(types.get(name) ?? "string"))) {
 *   const fields = [...columns].map(([name, column]) => ({ name, type: column.type, nullable: true }));
 *   const batch = { schema: { fields, metadata: new Map() }, columns: [...columns.values()], numRows };
 *   for (const row of jsonRows(batch)) console.log(row); // {"id":"a","score":0.5,"tags":[1,2]}
 * }
 * ```
 *
 * @module
 */
export { type CastOptions, castColumn } from "./columns/cast.ts";
export { FormatError, type FormatErrorCode } from "./error.ts";
export { formatOf } from "./format-of.ts";
export { openTable } from "./open.ts";
export { decodeLimits } from "./source.ts";
export type * from "./types.ts";
export { jsonRow, jsonRows } from "./write/json-row.ts";
export { writeTable } from "./write.ts";
