/// <reference types="node" />
import * as fsp from "node:fs/promises";
import { relative } from "node:path";
import { expect } from "vitest";
import { type ObjectMeta, readAll, type Storage, StorageError, type StorageErrorCode } from "../src/index.ts";
import type { DiskFs } from "../src/node/index.ts";
import { textOf } from "./folder.ts";

export const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xab);

export async function paths(listing: AsyncIterable<ObjectMeta>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const meta of listing) found.push(meta.path);
  return found;
}

export async function read(storage: Storage, path: string): Promise<string | undefined> {
  await using handle = await storage.open(path);
  return handle && textOf(await readAll(handle));
}

export async function codeOf(work: Promise<unknown>): Promise<StorageErrorCode | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return undefined;
  if (!(error instanceof StorageError)) throw error;
  expect(error.hint ?? "a hint").not.toBe("");
  return error.code;
}

export type Step = (call: string, name: string) => void;
type Handle = fsp.FileHandle;

/** The real file system, telling each call that changes or flushes something before it happens; `onStep` may throw instead. */
export function watched(root: string, onStep: Step): DiskFs {
  const shown = (name: unknown): string =>
    relative(root, String(name)).replace(/\.\d+\.[0-9a-f]{16}\.tmp$/, ".PID.RAND.tmp") || "(root)";
  const handleOf = (handle: Handle, name: string): Handle => {
    const { write, sync, truncate } = {
      write: handle.write.bind(handle),
      sync: handle.sync.bind(handle),
      truncate: handle.truncate.bind(handle),
    };
    return Object.assign(handle, {
      write: async (...args: Parameters<typeof write>) => {
        onStep("write", name);
        return write(...args);
      },
      sync: async () => {
        onStep("sync", name);
        return sync();
      },
      truncate: async (size: number) => {
        onStep(`truncate ${size}`, name);
        return truncate(size);
      },
    });
  };
  return {
    ...fsp,
    open: async (name, flags, mode) => {
      if (flags === "wx") onStep("open wx", shown(name));
      return handleOf(await fsp.open(name, flags, mode), shown(name));
    },
    rename: async (from, to) => {
      onStep("rename", `${shown(from)} ${shown(to)}`);
      await fsp.rename(from, to);
    },
    link: async (from, to) => {
      onStep("link", `${shown(from)} ${shown(to)}`);
      await fsp.link(from, to);
    },
    unlink: async (name) => {
      onStep("unlink", shown(name));
      await fsp.unlink(name);
    },
  };
}

export const failing = (errno: string): Error =>
  Object.assign(new Error(`${errno}: planned`), { code: errno, syscall: "test" });
