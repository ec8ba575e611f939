/**
 * gz and zst as streams, for Node.
 *
 * ```ts
 * import { createReadStream } from "node:fs";
 * import { formatOf, openTable } from "@usr/formats";
 * import { decompress } from "@usr/formats/node";
 *
 * const known = formatOf("rows.csv.gz");
 * const stream = decompress(createReadStream("rows.csv.gz"), "gz", { name: "rows.csv.gz" });
 * const table = await openTable({ stream }, { format: known?.format ?? "csv", name: "rows.csv.gz" });
 * ```
 *
 * @module
 */
export { compress, type DecompressOptions, decompress } from "./compression.ts";
