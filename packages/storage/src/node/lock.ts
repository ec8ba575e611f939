/// <reference types="node" />
import { close, constants, fstat, open, stat } from "node:fs";
import { promisify } from "node:util";
import { StorageError } from "../error.ts";
import { lockedError } from "../memory-lock.ts";
import type { Signal } from "../types.ts";
import { attempt, attemptIfPresent } from "./error.ts";

// Numeric descriptors, not FileHandles: a forgotten FileHandle is closed by the garbage collector, which would release the lock.
const openFile = promisify(open);
const closeFile = promisify(close);
const statOpen = promisify(fstat);
const statName = promisify(stat);

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const FIRST_WAIT_MS = 2;
const LONGEST_WAIT_MS = 50;

/** `errno` of a `flock(2)` call, 0 = done. */
type Flock = (fd: number, operation: number) => string | undefined;
let loaded: Promise<Flock> | undefined;

/**
 * `flock(LOCK_EX)` on the file, which is made if need be and never removed: the kernel's lock, the same that Python's `fcntl.flock` takes. It
 * belongs to the open file, so it holds against this process too, and ends with it. Waits by asking again, at most every 50 ms.
 */
export async function lockFile(
  name: string,
  path: string,
  { signal, timeoutMs }: Signal & { readonly timeoutMs?: number | undefined },
): Promise<AsyncDisposable> {
  loaded ??= loadFlock();
  const flock = await loaded;
  const started = process.hrtime.bigint();
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    signal?.throwIfAborted();
    const fd = await tryLock(flock, name, path);
    if (fd !== undefined) return heldLock(flock, fd, path);
    const waited = Number(process.hrtime.bigint() - started) / 1e6;
    if (timeoutMs !== undefined && waited >= timeoutMs) throw lockedError(path, timeoutMs);
    await pause(Math.min(wait, (timeoutMs ?? Number.POSITIVE_INFINITY) - waited), signal);
  }
}

function heldLock(flock: Flock, fd: number, path: string): AsyncDisposable {
  let held = true;
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      if (!held) return;
      held = false;
      // Said explicitly: a process that is just being forked may still share the open file, and closing ours alone would leave it locked.
      flock(fd, LOCK_UN);
      await attempt("unlock", path, closeFile(fd));
    },
  };
}

/** The locked descriptor, or `undefined` if someone else holds the lock or the file was replaced under us. */
async function tryLock(flock: Flock, name: string, path: string): Promise<number | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const fd = await attempt("lock", path, openFile(name, flags, 0o666));
  let keep = false;
  try {
    const errno = flock(fd, LOCK_EX | LOCK_NB);
    if (errno !== undefined) {
      if (errno === "EWOULDBLOCK" || errno === "EAGAIN" || errno === "EINTR") return undefined;
      throw flockError(path, errno);
    }
    // A lock on a file that no longer has the name keeps nobody out.
    const own = await attempt("lock", path, statOpen(fd, { bigint: true }));
    const named = await attemptIfPresent("lock", path, statName(name, { bigint: true }));
    keep = named !== undefined && named.ino === own.ino && named.dev === own.dev;
    return keep ? fd : undefined;
  } finally {
    if (!keep) await closeFile(fd);
  }
}

function flockError(path: string, errno: string): StorageError {
  const unable = ["ENOSYS", "ENOTSUP", "EOPNOTSUPP", "ENOLCK", "EINVAL"].includes(errno);
  return new StorageError(unable ? "NOT_SUPPORTED" : "IO", `Cannot lock ${path}: flock said ${errno}.`, {
    hint: "Keep the data on a file system whose locks work, such as a local disk; without locks two writers could lose data.",
    details: { path, errno },
  });
}

/** Loads the C library's `flock`. Without it there is no lock, and that is said rather than worked around. */
async function loadFlock(): Promise<Flock> {
  try {
    const koffi = await import("koffi");
    const flock = koffi.load(null).func("int flock(int fd, int operation)");
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
    return (fd, operation) => {
      if (flock(fd, operation) === 0) return undefined;
      const number = koffi.errno();
      return names.get(number) ?? `errno ${number}`;
    };
  } catch (error) {
    throw new StorageError("NOT_SUPPORTED", "File locks need the optional native library koffi, which did not load.", {
      hint: "Install @usr/storage with its dependencies for this platform (Linux or macOS).",
      details: { platform: process.platform, arch: process.arch },
      cause: error,
    });
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
