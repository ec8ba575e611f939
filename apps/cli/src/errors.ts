/** The command line was used wrongly: exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code: "USAGE" | "CONFIRMATION_REQUIRED";
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    o: {
      readonly code?: "USAGE" | "CONFIRMATION_REQUIRED" | undefined;
      readonly hint?: string | undefined;
      readonly details?: Readonly<Record<string, unknown>> | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.code = o.code ?? "USAGE";
    this.hint = o.hint;
    this.details = o.details ?? {};
  }
}

/** An error every package throws: a code of a closed union, a hint, typed details. */
export interface CodedError extends Error {
  readonly code: string;
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

const PACKAGE_ERRORS = new Set([
  "UsageError",
  "IdError",
  "StorageError",
  "SchemaError",
  "ParquetError",
  "RegistryError",
  "EventError",
  "OverlayError",
  "FormatError",
  "DatasetError",
  "RemoteError",
]);

/** Whether an error is one that a package raised on purpose; anything else is a bug or the operating system. */
export const isCoded = (error: unknown): error is CodedError =>
  error instanceof Error && PACKAGE_ERRORS.has(error.name) && "code" in error && typeof error.code === "string";

/** Exit codes by kind of error (docs/cli.md). Whatever is not listed is about the data or the contract: 3. */
const EXIT_CODES: ReadonlyMap<string, number> = new Map([
  ["USAGE", 2],
  ["CONFIRMATION_REQUIRED", 2],
  ["FILTER_INVALID", 2],
  ["PATTERN_INVALID", 2],
  ["DATASET_NOT_FOUND", 4],
  ["UNKNOWN_ID", 4],
  ["UNKNOWN_COLUMN", 4],
  ["NAMESPACE_NOT_FOUND", 4],
  ["SNAPSHOT_NOT_FOUND", 4],
  ["NAMESPACE_NOT_REGISTERED", 4],
  ["NO_REGISTRY", 4],
  ["NOT_FOUND", 4],
  ["DATASET_EXISTS", 5],
  ["NAMESPACE_EXISTS", 5],
  ["COLUMN_EXISTS", 5],
  ["EXISTS", 5],
  ["LOCKED", 5],
  ["CONFLICT", 5],
  ["REMOTES_FILE_NOT_FOUND", 4],
  ["REMOTE_NOT_FOUND", 4],
  ["REMOTE_EXISTS", 5],
  ["VERIFY_FAILED", 6],
  ["UNREACHABLE", 7],
  ["TRANSFER_FAILED", 7],
  ["FULL", 8],
  ["READ_ONLY", 8],
  ["PERMISSION", 8],
  ["TOO_MANY_FILES", 8],
  ["IO", 8],
]);

export const EXIT = {
  done: 0,
  bug: 1,
  usage: 2,
  data: 3,
  notFound: 4,
  conflict: 5,
  unproved: 6,
  remote: 7,
  machine: 8,
  interrupted: 130,
} as const;

/** The exit code of an error; of one that nobody raised on purpose, 1. */
export const exitCodeOf = (error: unknown): number => {
  if (!isCoded(error)) return EXIT.bug;
  // A namespace that a stored part names is data; one that was typed is a name. What a file system cannot do, the machine refuses.
  if (error.code === "NAMESPACE_NOT_REGISTERED" && error.name === "OverlayError") return EXIT.data;
  if (error.code === "NOT_SUPPORTED" && error.name === "StorageError") return EXIT.machine;
  // The remote answers and lacks what the command needs.
  if (error.code === "NOT_SUPPORTED" && error.name === "RemoteError") return EXIT.unproved;
  return EXIT_CODES.get(error.code) ?? EXIT.data;
};
