import type { Compression, Format } from "./types.ts";

const SUFFIXES: ReadonlyMap<string, Format> = new Map([
  ["csv", "csv"],
  ["tsv", "tsv"],
  ["jsonl", "jsonl"],
  ["ndjson", "jsonl"],
  ["parquet", "parquet"],
  ["arrow", "arrow"],
  ["fasta", "fasta"],
  ["fa", "fasta"],
  ["fna", "fasta"],
  ["faa", "fasta"],
  ["gb", "genbank"],
  ["gbk", "genbank"],
]);

/** The format a file name's suffix stands for, in any case; `undefined` = no known suffix. Never looks at the bytes. */
export function formatOf(
  path: string,
): { readonly format: Format; readonly compression: Compression | undefined } | undefined {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const parts = name.toLowerCase().split(".");
  const last = parts.at(-1);
  const compression = last === "gz" || last === "zst" ? last : undefined;
  if (compression !== undefined) parts.pop();
  const format = parts.length > 1 ? SUFFIXES.get(parts.at(-1) ?? "") : undefined;
  return format === undefined ? undefined : { format, compression };
}
