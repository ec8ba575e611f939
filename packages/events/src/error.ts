/** `BAD_EVENT`: the envelope is incomplete. `NOT_JSON`: a value JSON cannot hold. `TOO_LARGE`: the line is longer than 1 MiB, or than 64 MiB where logs are united. */
export type EventErrorCode = "BAD_EVENT" | "NOT_JSON" | "TOO_LARGE";

/** The one error of this package. `details` holds the offending values. */
export class EventError extends Error {
  override readonly name = "EventError";
  readonly code: EventErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: EventErrorCode,
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
