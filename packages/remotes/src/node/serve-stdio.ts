/// <reference types="node" />
import { realpath, stat, statfs } from "node:fs/promises";
import { StorageError } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import { type ServedRoot, type ServeOptions, serve } from "../ssh/serve.ts";

/** Serves folders of this machine to an ssh transport at the other end of `input` and `write`, until the input ends. */
export async function serveStdio(o: Omit<ServeOptions, "open">): Promise<void> {
  await serve({ ...o, open: openRoot });
}

async function openRoot(path: string): Promise<ServedRoot> {
  const stats = await stat(path).catch(() => undefined);
  if (!path.startsWith("/") || !stats?.isDirectory()) {
    throw new StorageError("NOT_FOUND", `${path} is no folder`, { details: { path } });
  }
  const real = await realpath(path);
  return {
    storage: diskStorage(path),
    root: real === "/" ? "/" : `${real}/`,
    async space(): Promise<number> {
      const { bavail, bsize } = await statfs(path);
      return Math.floor((bavail * bsize) / 1_024);
    },
  };
}
