/// <reference types="node" />

import type { BigIntStats } from "node:fs";
import type * as promises from "node:fs/promises";
import { StorageError } from "../error.ts";
import type { ObjectMeta } from "../types.ts";
import { attempt } from "./error.ts";

/** The part of `node:fs/promises` a disk storage calls; replaceable so that tests see the order of calls and make them fail. */
export type DiskFs = Pick<
  typeof promises,
  "open" | "mkdir" | "rmdir" | "readdir" | "rename" | "link" | "unlink" | "lstat" | "stat" | "realpath"
>;

/**
 * Inode, size and modification time. Not the change time: a second hard link would alter it. A replaced file has another inode, an appended
 * one another size.
 */
export function metaOf(path: string, stats: BigIntStats): ObjectMeta {
  return {
    path,
    size: Number(stats.size),
    etag: `${stats.ino}-${stats.size}-${stats.mtimeNs}`,
    modifiedMs: Number(stats.mtimeMs),
  };
}

/** The one method of an open file that writing needs. */
interface Writable {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
}

/** Writes all of `bytes`, however little the system takes at a time. `position` undefined = at the end of a file opened to append. */
export async function writeFully(file: Writable, path: string, bytes: Uint8Array, position?: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const at = position === undefined ? null : position + done;
    const { bytesWritten } = await attempt("write", path, file.write(bytes, done, bytes.length - done, at));
    if (bytesWritten === 0)
      throw new StorageError("IO", `Cannot write ${path}: the system took no bytes.`, { details: { path } });
    done += bytesWritten;
  }
}
