import type { Signal, Storage } from "@usr/storage";
import { appendBytes } from "../append-bytes.ts";
import { join } from "../lines.ts";

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
  { signal }: Signal = {},
): Promise<void> => {
  let held: Uint8Array[] = [];
  let size = 0;
  // A batch may end within a line: only the first is known to begin one.
  let beginsLine = true;
  const flush = async (): Promise<void> => {
    if (size === 0) return;
    await appendBytes(storage, path, join(held), { signal, beginsLine });
    held = [];
    size = 0;
    beginsLine = false;
  };
  for await (const chunk of lines) {
    held.push(chunk);
    size += chunk.length;
    if (size >= BATCH_BYTES) await flush();
  }
  await flush();
};
