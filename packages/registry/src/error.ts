export type RegistryErrorCode =
  /** The text is no registry; every problem stands in `details.problems`. */
  | "REGISTRY_INVALID"
  /** A column type outside the grammar, or one that Parquet cannot hold. */
  | "BAD_TYPE"
  /** A column name that does not belong to its namespace, occurs twice, or no column at all. */
  | "COLUMN_INVALID"
  /** A namespace name outside the rules, or one whose columns could be taken for those of another namespace. */
  | "NAMESPACE_INVALID"
  /** `usr` and `usr_state` belong to the program. */
  | "NAMESPACE_RESERVED"
  /** The namespace is registered differently, and replacing it was not asked for. */
  | "NAMESPACE_EXISTS"
  /** For callers that look a namespace up by name. */
  | "NAMESPACE_NOT_REGISTERED";

export interface RegistryErrorOptions {
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** The one error class of this package. The message names the thing and the value; `hint` says the way out. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RegistryError";
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}
