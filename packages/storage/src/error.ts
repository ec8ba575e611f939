/** `NOT_FOUND`..`NOT_SUPPORTED` say something about the request, `FULL`..`IO` about the machine. */
export type StorageErrorCode =
  | "NOT_FOUND"
  | "EXISTS"
  | "CONFLICT"
  | "LOCKED"
  | "RANGE"
  | "PATH_INVALID"
  | "NOT_SUPPORTED"
  | "FULL"
  | "READ_ONLY"
  | "PERMISSION"
  | "TOO_MANY_FILES"
  | "IO";

export interface StorageErrorOptions {
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** The one error of this package. The message names the path and the reason, `hint` the way out. */
export class StorageError extends Error {
  override readonly name: string = "StorageError";
  readonly code: StorageErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: StorageErrorCode, message: string, o: StorageErrorOptions = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.code = code;
    this.hint = o.hint;
    this.details = o.details ?? {};
  }
}

/** The error for a path under which another object lies than the one expected; `actual` absent = none lies there. */
export const conflict = (path: string, expected: string, actual: string | undefined): StorageError =>
  new StorageError("CONFLICT", `${path} was changed by someone else.`, {
    hint: "Read it again and repeat the change.",
    details: { path, expected, actual },
  });
