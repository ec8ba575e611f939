/// <reference types="node" />
import { constants } from "node:fs";
import { dirname, join } from "node:path";
import { StorageError } from "../error.ts";
import { attempt, attemptIfPresent, diskError, errnoOf } from "./error.ts";
import type { DiskFs } from "./fs.ts";

export interface Folders {
  /** The folder and its parents exist, and that they do is on stable storage up to the root. */
  ensure(folder: string, path: string): Promise<void>;
  /** The names in the folder are on stable storage. A folder that is gone has none: nothing is done. */
  sync(folder: string, path: string): Promise<void>;
  /** The folder and those below it that hold nothing are gone, from stable storage too. */
  prune(folder: string, path: string): Promise<void>;
}

export function foldersOf(fs: DiskFs, root: string): Folders {
  /** Folders whose own entry this storage has flushed: another process may have made them without doing so. */
  const flushed = new Set<string>([root]);

  const sync = async (folder: string, path: string): Promise<void> => {
    try {
      const handle = await fs.open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      // File systems that answer EINVAL or ENOTSUP keep no folder data of their own to flush.
      const errno = errnoOf(error);
      const nothing = errno === "ENOENT" || errno === "ENOTDIR" || errno === "EINVAL" || errno === "ENOTSUP";
      if (!nothing) throw diskError(error, "flush the folder of", path);
    }
  };

  /** Whether the folder held nothing but empty folders and was removed. */
  const removeEmpty = async (folder: string, path: string): Promise<boolean> => {
    const entries = await attemptIfPresent("list", path, fs.readdir(folder, { withFileTypes: true }));
    if (entries === undefined) return false;
    let empty = true;
    for (const entry of entries) {
      if (!entry.isDirectory() || !(await removeEmpty(join(folder, entry.name), path))) empty = false;
    }
    if (!empty) return false;
    await attempt("remove the empty folder", path, fs.rmdir(folder));
    flushed.delete(folder);
    return true;
  };

  return {
    sync,
    async prune(folder: string, path: string): Promise<void> {
      const gone = await removeEmpty(folder, path);
      await sync(gone ? dirname(folder) : folder, path);
    },
    async ensure(folder: string, path: string): Promise<void> {
      const first = await makeFolder(fs, folder, path);
      if (first === undefined && flushed.has(folder)) return;
      const top = first !== undefined && first.length <= root.length ? dirname(first) : root;
      for (let at = folder; at !== top; at = dirname(at)) {
        // What was made just now is no longer what was flushed under its name.
        if (flushed.has(at) && (first === undefined || at.length < first.length)) break;
        await sync(dirname(at), path);
        flushed.add(at);
      }
    },
  };
}

/** The first folder that had to be made, `undefined` if all were there. */
async function makeFolder(fs: DiskFs, folder: string, path: string): Promise<string | undefined> {
  const made = fs.mkdir(folder, { recursive: true }).catch(async (error: unknown) => {
    // Node says ENOENT of a read-only file system where it makes several folders, and the truth where it makes one.
    if (errnoOf(error) === "ENOENT") await fs.mkdir(await firstMissing(fs, folder), { recursive: false });
    if (errnoOf(error) !== "EEXIST") throw error;
    throw new StorageError("PATH_INVALID", `${path} cannot be written: a file stands where its folder should be.`, {
      hint: "Move what is in the way.",
      details: { path, folder },
      cause: error,
    });
  });
  return await attempt("make the folder of", path, made);
}

/** The first of the folder and its parents that is not there. */
async function firstMissing(fs: DiskFs, folder: string): Promise<string> {
  const parent = dirname(folder);
  const stats = parent === folder ? undefined : await fs.stat(parent, { bigint: true }).catch(() => undefined);
  return parent === folder || stats !== undefined ? folder : firstMissing(fs, parent);
}
