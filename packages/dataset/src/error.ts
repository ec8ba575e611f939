/** Every way a dataset operation of this package fails. Errors of the packages below pass through untouched. */
export type DatasetErrorCode =
  | "DATASET_NOT_FOUND"
  | "DATASET_EXISTS"
  | "DATASET_ID_INVALID"
  | "UNSUPPORTED_VERSION"
  | "NO_REGISTRY"
  | "UNKNOWN_ID"
  | "UNKNOWN_COLUMN"
  | "MISSING_COLUMN"
  | "DUPLICATE_COLUMN"
  | "LENGTH_MISMATCH"
  | "UNKNOWN_KEY"
  | "MISSING_KEY"
  | "DUPLICATE_KEY"
  | "DUPLICATE_ID"
  | "ID_MISMATCH"
  | "DELETED_ID"
  | "BAD_SYMBOL"
  | "BAD_ALPHABET"
  | "BAD_BIO_TYPE"
  | "MULTIPLE_BIO_TYPES"
  | "EMPTY_SEQUENCE"
  | "COLUMN_EXISTS"
  | "COLUMN_RESERVED"
  | "COLUMN_NOT_REGISTERED"
  | "NAMESPACE_INVALID"
  | "NAMESPACE_RESERVED"
  | "NAMESPACE_EXISTS"
  | "NAMESPACE_NOT_REGISTERED"
  | "NAMESPACE_NOT_FOUND"
  | "SNAPSHOT_NOT_FOUND"
  | "OVERLAY_BOTH_FORMS"
  | "KEY_MISMATCH"
  | "MISSING_METADATA"
  | "TYPE_MISMATCH"
  | "CLOCK_SKEW"
  | "CORRUPT"
  | "CONFLICT"
  | "LOCKED"
  | "NOT_SUPPORTED"
  | "CONFIRMATION_REQUIRED"
  | "FILTER_INVALID"
  | "PATTERN_INVALID"
  | "USAGE"
  | "IO";

export interface DatasetErrorOptions {
  /** The way out, one sentence. */
  readonly hint?: string | undefined;
  /** The facts of the message as data: names, values, counts, samples. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A failed dataset operation. The message is one sentence that names the thing and the value; the way out is in `hint`. */
export class DatasetError extends Error {
  override readonly name = "DatasetError";
  readonly code: DatasetErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: DatasetErrorCode, message: string, o: DatasetErrorOptions = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.code = code;
    this.hint = o.hint;
    this.details = o.details ?? {};
  }
}
