/// <reference types="node" />
import { constants } from "node:fs";
import { StorageError } from "../error.ts";
import { attempt } from "./error.ts";
import { type DiskFs, writeFully } from "./fs.ts";

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Appends, and flushes where it is to be durable. When a write fails, what it had written is cut off again, unless someone else wrote after it (callers hold a lock, so
 * nobody should). Returns whether the folder may hold a new name.
 */
export async function appendFully(
  fs: DiskFs,
  name: string,
  path: string,
  body: Uint8Array,
  durable: boolean,
): Promise<boolean> {
  const handle = await attempt("append to", path, fs.open(name, FLAGS, 0o666));
  try {
    const former = Number((await attempt("inspect", path, handle.stat({ bigint: true }))).size);
    let written = 0;
    const counted = {
      write: async (bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }> => {
        const result = await handle.write(bytes, offset, length, null);
        written += result.bytesWritten;
        return result;
      },
    };
    try {
      await writeFully(counted, path, body);
      if (durable) await attempt("flush", path, handle.sync());
    } catch (error) {
      const rolledBack = await handle
        .stat({ bigint: true })
        .then(async ({ size }) => {
          if (Number(size) !== former + written) return false;
          await handle.truncate(former);
          await handle.sync();
          return true;
        })
        .catch(() => false);
      if (rolledBack) throw error;
      throw new StorageError("IO", `${path} may end in a piece of an append that failed.`, {
        hint: "Check its last line.",
        details: { path, former, written },
        cause: error,
      });
    }
    return former === 0;
  } finally {
    await attempt("close", path, handle.close());
  }
}
