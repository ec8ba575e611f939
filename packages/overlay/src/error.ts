/** Every way an operation of this package fails. Errors of the packages below pass through untouched. */
export type OverlayErrorCode =
  | "OVERLAY_BOTH_FORMS"
  | "MISSING_METADATA"
  | "KEY_MISMATCH"
  | "TYPE_MISMATCH"
  | "COLUMN_NOT_REGISTERED"
  | "NAMESPACE_NOT_REGISTERED"
  | "LATE_PART"
  | "DUPLICATE_KEY"
  | "MULTIPLE_BIO_TYPES"
  | "AMBIGUOUS_BASE_KEY"
  | "CLOCK_SKEW"
  | "CORRUPT"
  | "NOT_SUPPORTED";

export interface OverlayErrorOptions {
  /** The way out, one sentence. */
  readonly hint?: string | undefined;
  /** The facts of the message as data: namespace, file, column, key, 1-based rows. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** An overlay that cannot be read or written as it stands. The message is one sentence; the way out is in `hint`. */
export class OverlayError extends Error {
  override readonly name = "OverlayError";
  readonly code: OverlayErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: OverlayErrorCode, message: string, o: OverlayErrorOptions = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.code = code;
    this.hint = o.hint;
    this.details = o.details ?? {};
  }
}
