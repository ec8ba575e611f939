import { type ReadHandle, readAll, type Signal, type Storage } from "@usr/storage";
import { NEWLINE } from "./decode.ts";
import { join } from "./lines.ts";

/**
 * Appends bytes to a log, which is made if absent, and returns when they are on stable storage. Where they begin a line (`beginsLine`), a torn
 * last line is ended first. A store that cannot append gets the whole log put anew, on condition that it has not changed meanwhile (`CONFLICT`).
 * The caller holds the lock of the log.
 */
export const appendBytes = async (
  storage: Storage,
  path: string,
  bytes: Uint8Array,
  o: Signal & { readonly beginsLine: boolean },
): Promise<void> => {
  if (storage.append !== undefined && !o.beginsLine) return storage.append(path, bytes);
  const { signal } = o;
  await using handle = await storage.open(path, { signal });
  // One write for both, so that no other writer's line comes between.
  const body = o.beginsLine && (await isTorn(handle, { signal })) ? join([Uint8Array.of(NEWLINE), bytes]) : bytes;
  if (storage.append !== undefined) await storage.append(path, body);
  else if (handle === undefined) await storage.put(path, body, { signal, mode: "create" });
  else {
    const whole = join([await readAll(handle, { signal }), body]);
    await storage.put(path, whole, { signal, mode: { ifMatch: handle.meta.etag } });
  }
};

const isTorn = async (handle: ReadHandle | undefined, o: Signal): Promise<boolean> =>
  handle !== undefined && handle.meta.size > 0 && (await handle.read(handle.meta.size - 1, 1, o))[0] !== NEWLINE;
