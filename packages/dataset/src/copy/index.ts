/**
 * The merged view as a Parquet file, made by copying what the base holds already.
 *
 * ```ts
 * import { parquetCopy } from "@usr/dataset/copy";
 * import { diskStorage } from "@usr/storage/node";
 *
 * const root = { storage: diskStorage("datasets"), label: "datasets" };
 * await using copy = await parquetCopy(root, "demo");
 * for await (const bytes of copy?.bytes() ?? []) process.stdout.write(bytes);
 * ```
 *
 * @module
 */
export { type ParquetCopy, parquetCopy } from "./parquet-copy.ts";
