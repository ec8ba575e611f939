/** What can be wrong with a sequence. */
export type IdErrorCode = "BAD_BIO_TYPE" | "BAD_ALPHABET" | "EMPTY_SEQUENCE" | "BAD_SYMBOL";

/**
 * The one error of this package. `details` holds the offending values: `bioType`, `alphabet`, and for `BAD_SYMBOL` the `symbol` (one code
 * point) with its 1-based `position` in the normalised sequence.
 */
export class IdError extends Error {
  override readonly name = "IdError";
  readonly code: IdErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: IdErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>>,
    o?: { readonly hint?: string | undefined },
  ) {
    super(message);
    this.code = code;
    this.hint = o?.hint;
    this.details = details;
  }
}
