import { OverlayError } from "@usr/overlay";
import { ParquetError } from "@usr/parquet";
import { RemoteError } from "./error.ts";

/** What is wrong with a file that cannot be read; `undefined` for errors that say nothing about the file. */
export const whyUnreadable = (error: unknown): string | undefined =>
  error instanceof ParquetError || error instanceof OverlayError ? error.message : undefined;

export const DAMAGED_HINT = "Put a sound copy in its place, or remove the file, where it is damaged; then sync again.";

/** Does what decodes a file. A file that goes beyond the limits is refused, not called damaged: throws RemoteError `TOO_LARGE`. */
export const withinLimits = async <T>(path: string, decode: () => Promise<T>): Promise<T> => {
  try {
    return await decode();
  } catch (error) {
    if (!(error instanceof ParquetError) || error.code !== "TOO_LARGE") throw error;
    throw new RemoteError("TOO_LARGE", `${path} is larger decoded than the limits allow: ${error.message}`, {
      details: { ...error.details, path },
      cause: error,
    });
  }
};
