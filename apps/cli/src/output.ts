import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { access, constants, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { flusher } from "@usr/storage/node";
import { UsageError } from "./errors.ts";
import { aboutFile } from "./system-error.ts";

/**
 * Refuses a place for an output where nothing should be written: a folder, a file that may not be written to, and in a root what is, or would be,
 * a dataset or its registry. Throws `USAGE`, or what the system says about the place.
 */
export const checkOutput = async (path: string, root: string): Promise<void> => {
  if (path.endsWith(sep) || path.endsWith("/")) throw isFolder(path);
  const found = await existing(path);
  if (found?.isDirectory() === true) throw isFolder(path);
  if (found !== undefined) await checkWritable(path);
  const target = await targetOf(path);
  const inRoot = relative(await realpath(root), target);
  if (inRoot.startsWith("..") || resolve(inRoot) === inRoot) return;
  const [top = "", ...rest] = inRoot.split(sep);
  const folders = [top, join(top, rest[0] ?? "")].filter((folder) => folder !== inRoot);
  const held = await Promise.all(folders.map((folder) => existing(join(root, folder, "records.parquet"))));
  // A file of that name would make a dataset of its folder, whatever it holds.
  const isBase = basename(inRoot) === "records.parquet";
  if (
    isBase ||
    inRoot === "registry.yaml" ||
    inRoot.startsWith(".usr.lock") ||
    held.some((file) => file !== undefined)
  ) {
    throw new UsageError(`${path} lies among the files of the root`, {
      hint: "An export belongs outside of the datasets: name another folder.",
      details: { path, root },
    });
  }
};

const isFolder = (path: string): UsageError =>
  new UsageError(`${path} is a folder`, { hint: "Name a file.", details: { path } });

const existing = (path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> =>
  stat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw aboutFile(error, "write", path);
  });

/** A new file in the place of another asks only for the folder. Whoever took the right to write from the file wants it kept all the same. */
const checkWritable = (path: string): Promise<void> =>
  access(path, constants.W_OK).catch((error: unknown) => {
    throw aboutFile(error, "replace", path);
  });

/** Where a path really lies, through the links in it. */
const targetOf = async (path: string): Promise<string> => {
  try {
    return await realpath(path);
  } catch {
    const folder = await realpath(dirname(path)).catch((error: unknown) => {
      throw aboutFile(error, "write into", dirname(path));
    });
    return join(folder, basename(path));
  }
};

/**
 * Writes a file whole or not at all: what stood there before stays until everything is on the disk, and stays where it may not be written to.
 * Pipes and devices, which have no before, are written as they are.
 */
export const writeOutput = async (
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> => {
  const refuse = (error: unknown): never => {
    throw aboutFile(error, "write", path);
  };
  const found = await existing(path);
  if (found !== undefined && !found.isFile()) {
    await using stream = await open(path, "w").catch(refuse);
    await fill(stream, bytes, signal, refuse, () => undefined);
    return;
  }
  if (found !== undefined) await checkWritable(path);
  const target = await targetOf(path);
  const name = `.${basename(target).slice(0, 100)}.${randomBytes(6).toString("hex")}.tmp`;
  const temporary = join(dirname(target), name);
  const mode = found === undefined ? 0o666 : Number(found.mode) & 0o777;
  try {
    await using handle = await open(temporary, "wx", mode).catch(refuse);
    const flush = flusher(handle);
    await fill(handle, bytes, signal, refuse, flush.grown);
    await flush.end().catch(refuse);
    await rename(temporary, target).catch(refuse);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
};

/** Writes the bytes, and says before each chunk how many lie in the file. */
const fill = async (
  file: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  refuse: (error: unknown) => never,
  grown: (size: number) => void,
): Promise<void> => {
  // The next chunk is made while this one is written; one waits at most.
  let writing: Promise<void> = Promise.resolve();
  let size = 0;
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    await writing;
    grown(size);
    size += chunk.length;
    writing = writeWhole(file, chunk).catch(refuse);
    // What becomes of it is looked at above, or below.
    writing.catch(() => undefined);
  }
  await writing;
  signal.throwIfAborted();
};

const writeWhole = async (file: FileHandle, chunk: Uint8Array): Promise<void> => {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done);
    done += bytesWritten;
  }
};
