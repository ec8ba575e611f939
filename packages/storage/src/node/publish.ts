/// <reference types="node" />
import { constants } from "node:fs";
import { basename, dirname, join } from "node:path";
import { conflict, StorageError } from "../error.ts";
import type { ObjectMeta, PutMode } from "../types.ts";
import { attempt, attemptIfPresent, diskError, errnoOf, quietly } from "./error.ts";
import { flusher } from "./flusher.ts";
import { type DiskFile, type DiskFs, metaOf, writeFully } from "./fs.ts";

/** A complete, flushed file: beside its target, under a name no listing shows, or at its target. */
export interface Staged {
  readonly name: string;
  readonly meta: ObjectMeta;
}

export interface Staging {
  /** Makes the name of a sibling of the target; absent = the file is made at the target, where nothing may lie. */
  readonly token?: string | undefined;
  /** Flushes the name of the new file, while its bytes come. */
  readonly flushName?: (() => Promise<void>) | undefined;
  /** Default `true`. */
  readonly durable?: boolean | undefined;
}

/** Writes the chunks into a new file, and flushes it where it is to be durable. On any error nothing is left. */
export async function stage(
  fs: DiskFs,
  target: string,
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  o: Staging,
): Promise<Staged> {
  const name = stagingName(target, o);
  return await fill(fs, name, path, await attempt("write", path, fs.open(name, "wx")), undefined, chunks, o);
}

/** What keeps a file from being copied by the system, or its copy from being written to, but not from being read by who has it open. */
const UNCOPYABLE: ReadonlySet<string | undefined> = new Set([
  "EACCES",
  "EINVAL",
  "ENOENT",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EPERM",
  "EXDEV",
]);

/** What a file is to begin with: the first `length` bytes of the object that is found under `name`. */
interface Beginning {
  readonly name: string;
  readonly meta: ObjectMeta;
  readonly length: Promise<number>;
}

/**
 * As {@link stage}, after the beginning of another file, copied by the system: whole, by reference where the file system can, and then cut. The copy
 * is made, and on its way to the disk, while the length is still to come. `undefined` = the system cannot do it with this file, or the name stands for another one now; nothing is left and no chunk was
 * taken.
 */
export async function stageCopy(
  fs: DiskFs,
  target: string,
  path: string,
  source: Beginning,
  chunks: AsyncIterable<Uint8Array>,
  o: Staging,
): Promise<Staged | undefined> {
  const name = stagingName(target, o);
  let handle: DiskFile;
  try {
    await fs.copyFile(source.name, name, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    handle = await fs.open(name, "r+");
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") await quietly(fs.unlink(name));
    if (UNCOPYABLE.has(errnoOf(error))) return undefined;
    throw diskError(error, "write", path);
  }
  const whole = await isWhole(fs, handle, source).catch(() => false);
  if (!whole) {
    await quietly(handle.close());
    await quietly(fs.unlink(name));
    return undefined;
  }
  return await fill(fs, name, path, handle, source, chunks, o);
}

/** Whether the copy has the bytes it should, and was made of the file it should be made of: a file that was replaced before has another etag. */
const isWhole = async (fs: DiskFs, copy: DiskFile, { name, meta }: Beginning): Promise<boolean> =>
  (await copy.stat({ bigint: true })).size >= BigInt(meta.size) &&
  metaOf("", await fs.stat(name, { bigint: true })).etag === meta.etag;

const stagingName = (target: string, { token }: Staging): string =>
  token === undefined ? target : join(dirname(target), `.${shortened(basename(target))}.${token}.tmp`);

/** Puts the chunks into a new file, or after the beginning that one is to keep, flushes and closes it. On any error the file is gone. */
async function fill(
  fs: DiskFs,
  name: string,
  path: string,
  handle: DiskFile,
  kept: Beginning | undefined,
  chunks: AsyncIterable<Uint8Array>,
  { durable = true, flushName }: Staging,
): Promise<Staged> {
  let open = true;
  const named = flushName?.();
  // It fails where it is waited for.
  named?.catch(() => {});
  try {
    const flush = durable ? flusher(handle) : undefined;
    let size = 0;
    if (kept !== undefined) {
      flush?.grown(kept.meta.size);
      size = await kept.length;
      await attempt("write", path, handle.truncate(size));
    }
    for await (const chunk of chunks) {
      await writeFully(handle, path, chunk, size);
      size += chunk.length;
      flush?.grown(size);
    }
    if (flush !== undefined) await attempt("flush", path, flush.end());
    const meta = metaOf(path, await attempt("inspect", path, handle.stat({ bigint: true })));
    open = false;
    // A network file system may report a full disk only here.
    await attempt("close", path, handle.close());
    await named;
    return { name, meta };
  } catch (error) {
    if (open) await quietly(handle.close());
    if (named !== undefined) await quietly(named);
    await quietly(fs.unlink(name));
    throw error;
  }
}

/** Gives the staged file its name, by the rule of `mode`. On an error the staged file is removed and the target is what it was. */
export async function publish(fs: DiskFs, staged: Staged, target: string, mode: PutMode): Promise<void> {
  const { path } = staged.meta;
  try {
    if (mode === "create") {
      await linkNew(fs, staged.name, target, path);
      await quietly(fs.unlink(staged.name));
      return;
    }
    if (mode !== "overwrite") await checkMatch(fs, target, path, mode.ifMatch);
    await attempt("replace", path, fs.rename(staged.name, target));
  } catch (error) {
    await quietly(fs.unlink(staged.name));
    throw error;
  }
}

/** A hard link, the one way to a new name that fails atomically where the name is taken. */
export async function linkNew(fs: DiskFs, from: string, to: string, path: string): Promise<void> {
  const linked = fs.link(from, to).catch((error: unknown) => {
    if (errnoOf(error) !== "EPERM") throw error;
    throw new StorageError(
      "NOT_SUPPORTED",
      `Cannot make ${path}: the file system or its owner rules allow no hard link here.`,
      {
        hint: "Keep the data on a file system with hard links, and as files you may write.",
        details: { path },
        cause: error,
      },
    );
  });
  await attempt("make", path, linked);
}

async function checkMatch(fs: DiskFs, target: string, path: string, expected: string): Promise<void> {
  const stats = await attemptIfPresent("inspect", path, fs.stat(target, { bigint: true }));
  const actual = stats === undefined ? undefined : metaOf(path, stats).etag;
  if (actual !== expected) throw conflict(path, expected, actual);
}

/** Leaves room for the token in the 255 bytes a name may have. */
function shortened(name: string): string {
  return Buffer.byteLength(name) <= 200 ? name : [...name].slice(0, 50).join("");
}
