import { StorageError } from "./error.ts";
import type { Signal } from "./types.ts";

export interface MemoryLocks {
  acquire(path: string, o: Signal & { readonly timeoutMs?: number | undefined }): Promise<AsyncDisposable>;
}

/** Exclusive locks by name, first come first served, within one process. */
export function memoryLocks(): MemoryLocks {
  /** Present = held; the functions wake those who wait, oldest first. */
  const waiting = new Map<string, (() => void)[]>();

  const release = (path: string): void => {
    const next = waiting.get(path)?.shift();
    if (next === undefined) waiting.delete(path);
    else next();
  };
  const held = (path: string): AsyncDisposable => {
    let open = true;
    return {
      async [Symbol.asyncDispose](): Promise<void> {
        if (open) release(path);
        open = false;
      },
    };
  };

  return {
    async acquire(path, { signal, timeoutMs }): Promise<AsyncDisposable> {
      signal?.throwIfAborted();
      const queue = waiting.get(path);
      if (queue === undefined) {
        waiting.set(path, []);
        return held(path);
      }
      if (timeoutMs !== undefined && timeoutMs <= 0) throw lockedError(path, timeoutMs);
      await new Promise<void>((resolve, reject) => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const settle = (end: () => void): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
          const at = queue.indexOf(onTurn);
          if (at !== -1) queue.splice(at, 1);
          end();
        };
        const onTurn = (): void => settle(resolve);
        const onAbort = (): void => settle(() => reject(signal?.reason));
        queue.push(onTurn);
        signal?.addEventListener("abort", onAbort, { once: true });
        if (timeoutMs !== undefined)
          timer = setTimeout(() => settle(() => reject(lockedError(path, timeoutMs))), timeoutMs);
      });
      return held(path);
    },
  };
}

/** What every adapter throws when a lock was not free in time. */
export function lockedError(path: string, timeoutMs: number): StorageError {
  return new StorageError("LOCKED", `${path} is locked by another writer (waited ${timeoutMs} ms).`, {
    hint: "Wait for the other writer to finish, or allow a longer wait.",
    details: { path, timeoutMs },
  });
}
