/// <reference types="node" />

import { StorageError } from "../error.ts";
import type { ObjectMeta } from "../types.ts";
import { attempt } from "./error.ts";

/** What a disk storage asks of a file's `stat`. */
export interface DiskStats {
  readonly ino: bigint;
  readonly dev: bigint;
  /** How many names the file has. */
  readonly nlink: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly mtimeMs: bigint;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** An open file or folder, as `node:fs/promises` gives it. */
export interface DiskFile {
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  stat(o: { readonly bigint: true }): Promise<DiskStats>;
  close(): Promise<void>;
}

/** The calls of `node:fs/promises` a disk storage makes, no more: replaceable, so that tests see their order, make them fail, or cut the power. */
export interface DiskFs {
  open(name: string, flags: string | number, mode?: number): Promise<DiskFile>;
  mkdir(name: string, o: { readonly recursive: boolean }): Promise<string | undefined>;
  rmdir(name: string): Promise<void>;
  readdir(
    name: string,
    o: { readonly withFileTypes: true },
  ): Promise<readonly { readonly name: string; isDirectory(): boolean; isSymbolicLink(): boolean }[]>;
  /** `mode` is `COPYFILE_EXCL | COPYFILE_FICLONE`: fails where `to` is there, shares blocks where the file system can. */
  copyFile(from: string, to: string, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  unlink(name: string): Promise<void>;
  lstat(name: string, o: { readonly bigint: true }): Promise<DiskStats>;
  stat(name: string, o: { readonly bigint: true }): Promise<DiskStats>;
  realpath(name: string): Promise<string>;
}

/**
 * Inode, size and modification time. Not the change time: a second hard link would alter it. A replaced file has another inode, an appended
 * one another size.
 */
export function metaOf(path: string, stats: DiskStats): ObjectMeta {
  return {
    path,
    size: Number(stats.size),
    etag: `${stats.ino}-${stats.size}-${stats.mtimeNs}`,
    modifiedMs: Number(stats.mtimeMs),
  };
}

/** Writes all of `bytes`, however little the system takes at a time. `position` undefined = at the end of a file opened to append. */
export async function writeFully(
  file: Pick<DiskFile, "write">,
  path: string,
  bytes: Uint8Array,
  position?: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const at = position === undefined ? null : position + done;
    const { bytesWritten } = await attempt("write", path, file.write(bytes, done, bytes.length - done, at));
    if (bytesWritten === 0)
      throw new StorageError("IO", `Cannot write ${path}: the system took no bytes.`, { details: { path } });
    done += bytesWritten;
  }
}
