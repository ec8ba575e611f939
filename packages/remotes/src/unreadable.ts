import { OverlayError } from "@usr/overlay";
import { ParquetError } from "@usr/parquet";

/** What is wrong with a file that cannot be read; `undefined` for errors that say nothing about the file. */
export const whyUnreadable = (error: unknown): string | undefined =>
  error instanceof ParquetError || error instanceof OverlayError ? error.message : undefined;

export const DAMAGED_HINT = "Put a sound copy in its place, or remove the file, where it is damaged; then sync again.";
