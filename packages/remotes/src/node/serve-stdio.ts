/// <reference types="node" />
import { realpath, stat, statfs } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { StorageError } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import { type ServedRoot, serve } from "../ssh/serve.ts";
import { writeTo } from "./channel.ts";

/** Serves a folder of this machine to an ssh transport whose other end is at `input` and `output`, until the input ends. */
export async function serveStdio(o: {
  readonly input: Readable;
  readonly output: Writable;
  readonly marker: string;
}): Promise<void> {
  await serve({
    input: o.input,
    write: (bytes) => writeTo(o.output, bytes),
    marker: o.marker,
    open: openRoot,
  });
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
