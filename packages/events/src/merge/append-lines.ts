import { readAll, type Signal, type Storage } from "@usr/storage";
import { NEWLINE } from "../decode.ts";

/** So much goes into the log with one call. */
const BATCH_BYTES = 4 * 2 ** 20;

/**
 * Appends lines as they are; the bytes are whole lines, each with its newline. A torn last line of the log is ended first. The caller holds
 * `.events.lock`. Durable. A store that cannot append gets the whole log put anew.
 */
export const appendLines = async (
  storage: Storage,
  path: string,
  lines: AsyncIterable<Uint8Array>,
  o: Signal = {},
): Promise<void> => {
  if (await endsTorn(storage, path, o)) await appendBytes(storage, path, Uint8Array.of(NEWLINE), o);
  let held: Uint8Array[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (size > 0) await appendBytes(storage, path, joined(held, size), o);
    held = [];
    size = 0;
  };
  for await (const chunk of lines) {
    held.push(chunk);
    size += chunk.length;
    if (size >= BATCH_BYTES) await flush();
  }
  await flush();
};

const endsTorn = async (storage: Storage, path: string, o: Signal): Promise<boolean> => {
  await using handle = await storage.open(path, o);
  if (handle === undefined || handle.meta.size === 0) return false;
  return (await handle.read(handle.meta.size - 1, 1, o))[0] !== NEWLINE;
};

const appendBytes = async (storage: Storage, path: string, body: Uint8Array, o: Signal): Promise<void> => {
  if (storage.append !== undefined) return storage.append(path, body);
  await using handle = await storage.open(path, o);
  const former = handle === undefined ? new Uint8Array(0) : await readAll(handle, o);
  await storage.put(path, joined([former, body], former.length + body.length), {
    ...o,
    mode: handle === undefined ? "create" : { ifMatch: handle.meta.etag },
  });
};

const joined = (parts: readonly Uint8Array[], size: number): Uint8Array => {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};
