/**
 * - `CORRUPT`: the bytes contradict the format or themselves.
 * - `NOT_SUPPORTED`: a legal file or request outside of what this package does.
 * - `TOO_LARGE`: a declared size goes beyond the limits given.
 * - `INVALID`: the caller's columns, schema or options do not fit together.
 * - `COLUMN_NOT_FOUND`: no column of that name in the file.
 */
export type ParquetErrorCode = "CORRUPT" | "NOT_SUPPORTED" | "TOO_LARGE" | "INVALID" | "COLUMN_NOT_FOUND";

export interface ParquetErrorOptions {
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** The one error class of this package. The message names the file where its path is known. */
export class ParquetError extends Error {
  readonly code: ParquetErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ParquetErrorCode, message: string, o: ParquetErrorOptions = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.name = "ParquetError";
    this.code = code;
    this.hint = o.hint;
    this.details = o.details ?? {};
  }
}

/** The error for bytes that contradict the format; `what` completes "the file is corrupt: ...". */
export function corrupt(what: string, details?: Readonly<Record<string, unknown>>): ParquetError {
  return new ParquetError("CORRUPT", `Corrupt Parquet data: ${what}.`, { details });
}

export function notSupported(what: string, hint?: string): ParquetError {
  return new ParquetError("NOT_SUPPORTED", what, { hint });
}

export function tooLarge(what: string, limit: string, details?: Readonly<Record<string, unknown>>): ParquetError {
  return new ParquetError("TOO_LARGE", what, { hint: `Raise limits.${limit} if the file is trusted.`, details });
}

/** Adds the place (file, column, row group) to an error that came from below; other errors become `CORRUPT` with their cause. */
export function located(error: unknown, where: string, details: Readonly<Record<string, unknown>>): unknown {
  if (!(error instanceof ParquetError)) return error;
  return new ParquetError(error.code, `${where}: ${error.message}`, {
    hint: error.hint,
    details: { ...error.details, ...details },
    cause: error.cause ?? error,
  });
}
