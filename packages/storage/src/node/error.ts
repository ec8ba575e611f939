import { StorageError, type StorageErrorCode } from "../error.ts";

interface Verdict {
  readonly code: StorageErrorCode;
  readonly reason: string;
  readonly hint?: string;
}

const FULL: Verdict = {
  code: "FULL",
  reason: "the disk or the quota is full",
  hint: "Free space (or raise the quota), then repeat the command.",
};
const DENIED: Verdict = {
  code: "PERMISSION",
  reason: "permission denied",
  hint: "Check owner and mode of the file and of its folder.",
};
const CROWDED: Verdict = {
  code: "TOO_MANY_FILES",
  reason: "too many open files",
  hint: "Raise the limit (ulimit -n) or open fewer files at once.",
};
const UNABLE: Verdict = {
  code: "NOT_SUPPORTED",
  reason: "the file system cannot do this",
  hint: "Keep the data on a file system that can, such as a local disk.",
};
const BLOCKED: Verdict = {
  code: "PATH_INVALID",
  reason: "a file stands where a folder is needed, or a folder where a file is",
  hint: "Move what is in the way.",
};

const VERDICTS: Readonly<Record<string, Verdict>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EROFS: { code: "READ_ONLY", reason: "the file system is read-only", hint: "Mount it writable, or work on a copy." },
  EACCES: DENIED,
  EPERM: DENIED,
  EMFILE: CROWDED,
  ENFILE: CROWDED,
  ENOENT: { code: "NOT_FOUND", reason: "it does not exist" },
  EEXIST: { code: "EXISTS", reason: "it exists already" },
  EXDEV: {
    code: "NOT_SUPPORTED",
    reason: "the two paths are on different file systems",
    hint: "Keep all folders of a dataset on one file system: a file that takes its place is renamed, never copied.",
  },
  EBADF: {
    code: "IO",
    reason: "its handle is closed",
    hint: "Read before the handle is disposed, and await what reads it.",
  },
  ENOSYS: UNABLE,
  ENOTSUP: UNABLE,
  EOPNOTSUPP: UNABLE,
  ENOTDIR: BLOCKED,
  EISDIR: BLOCKED,
  ENOTEMPTY: BLOCKED,
  ENAMETOOLONG: {
    code: "PATH_INVALID",
    reason: "the name is too long for the file system",
    hint: "Choose a shorter name.",
  },
  ELOOP: { code: "PATH_INVALID", reason: "it is a symbolic link", hint: "Replace the link by the file it points to." },
};

/** The `errno` name of a failed system call, `undefined` for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** A failed system call as a `StorageError` that keeps it as `cause`; every other error unchanged. */
export function diskError(error: unknown, action: string, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const known = VERDICTS[errno];
  const { code, reason, hint } = known ?? {
    code: "IO",
    reason: `the system said ${errno}`,
    hint: "Check the disk and its connection.",
  };
  return new StorageError(code, `Cannot ${action} ${path}: ${reason}.`, {
    hint,
    details: { path, action, errno },
    cause: error,
  });
}

/** Waits for one system call; a failure is told in terms of the storage path. */
export async function attempt<T>(action: string, path: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw diskError(error, action, path);
  }
}

/** As {@link attempt}, but `undefined` where nothing is there: no such name, or a file where the path has a folder. */
export async function attemptIfPresent<T>(action: string, path: string, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw diskError(error, action, path);
  }
}

/** For cleaning up, which must not hide the error that made it necessary, and for closing what was only read, where nothing can be lost. */
export async function quietly(call: Promise<unknown>): Promise<void> {
  await call.catch(() => undefined);
}
