import type { Storage } from "@usr/storage";
import { readAll } from "@usr/storage";

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
  lock: async (path, given) => {
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

async function* untilAborted(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    signal.throwIfAborted();
    yield chunk;
  }
  signal.throwIfAborted();
}

/** Who holds a lock, as its owner record says; the record explains and never decides. */
const ownerOf = async (storage: Storage, path: string): Promise<string> => {
  const handle = await storage.open(`${path}.owner`);
  if (handle === undefined) return "another process";
  await using opened = handle;
  const { command, pid, host, since } = JSON.parse(new TextDecoder().decode(await readAll(opened)));
  return `usr ${command} (process ${pid} on ${host}, since ${since})`;
};
