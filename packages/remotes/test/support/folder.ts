/// <reference types="node" />
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fresh folder that disposal removes. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
}

export async function freshFolder(): Promise<Folder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "usr-remotes-")));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
}
