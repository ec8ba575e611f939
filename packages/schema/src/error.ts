export type SchemaErrorCode =
  /** A type text that is not in the grammar, or a type that cannot be used where it stands. */
  | "BAD_TYPE"
  /** A value, a column or a file does not have the type that was asked for. */
  | "TYPE_MISMATCH"
  /** More than the layout can address, or more than a limit against hostile input allows. */
  | "TOO_LARGE"
  /** Bytes that are not what they claim to be. */
  | "CORRUPT"
  /** Valid Arrow that has no counterpart in the vocabulary of tables. */
  | "NOT_SUPPORTED";

export interface SchemaErrorOptions {
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** The one error class of this package. The message names the thing and the value; `hint` says the way out. */
export class SchemaError extends Error {
  readonly code: SchemaErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: SchemaErrorCode, message: string, options: SchemaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SchemaError";
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}
