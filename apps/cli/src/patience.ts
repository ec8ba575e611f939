import type { Storage } from "@usr/storage";

const SAY_AFTER_MS = 400;

/**
 * The same storage for a person at a terminal: a wait for a lock says after a moment who holds it and ends with the signal, and so does what
 * is being staged. Nothing else is cut short: a commit under way runs to its end.
 */
export const patientStorage = (
  storage: Required<Storage>,
  o: { readonly signal: AbortSignal; readonly say: (line: string) => void },
): Required<Storage> => ({
  ...storage,
  put: (path, body, given) =>
    storage.put(path, body instanceof Uint8Array ? body : untilAborted(body, o.signal), given),
  extend: (path, from, body, given) =>
    storage.extend(path, from, body instanceof Uint8Array ? body : untilAborted(body, o.signal), given),
  lock: async (path, given) => {
    // Only a lock that somebody holds is waited for: a machine that is slow is no holder.
    try {
      return await storage.lock(path, { ...given, signal: o.signal, timeoutMs: 0 });
    } catch (error) {
      if (given?.timeoutMs === 0 || !isLocked(error)) throw error;
    }
    const timer = setTimeout(() => {
      ownerOf(storage, path).then(
        (owner) => o.say(`waiting for ${path}, held by ${owner}`),
        () => o.say(`waiting for ${path}`),
      );
    }, SAY_AFTER_MS);
    try {
      return await storage.lock(path, { ...given, signal: o.signal });
    } finally {
      clearTimeout(timer);
    }
  },
});

const isLocked = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "LOCKED";

async function* untilAborted(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    signal.throwIfAborted();
    yield chunk;
  }
  signal.throwIfAborted();
}

const ownerOf = async (storage: Storage, path: string): Promise<string> =>
  (await import("@usr/dataset/write")).lockOwner(storage, path);
