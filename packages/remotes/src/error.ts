/** Every way a sync fails of its own. Errors of the packages below pass through untouched. */
export type RemoteErrorCode =
  /** The remotes file is missing, or is no such file. */
  | "REMOTES_FILE_NOT_FOUND"
  | "REMOTES_INVALID"
  | "REMOTE_NOT_FOUND"
  | "REMOTE_EXISTS"
  /** The site does not answer, or stopped answering. Never means "absent". */
  | "UNREACHABLE"
  /** The site answered something that cannot be true, or a transfer did not arrive whole. */
  | "TRANSFER_FAILED"
  /** What the sites hold cannot be united without a decision. */
  | "CONFLICT"
  | "LATE_PART"
  /** Bytes differ where they must not, or less could be proved than was asked for. */
  | "VERIFY_FAILED"
  /** A file stands for more than the limits given for decoding. */
  | "TOO_LARGE"
  | "DATASET_NOT_FOUND"
  | "NOT_SUPPORTED"
  | "USAGE";

export interface RemoteErrorOptions {
  /** The way out, one sentence. */
  readonly hint?: string | undefined;
  /** The facts of the message as data. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A sync that failed. The message is one sentence that names the thing and the value; the way out is in `hint`. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly code: RemoteErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: RemoteErrorCode, message: string, o: RemoteErrorOptions = {}) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.code = code;
    this.hint = o.hint;
    this.details = o.details ?? {};
  }
}
