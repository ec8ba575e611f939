/// <reference types="node" />
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountTmpfs } from "@usr/testkit/tmpfs";

/** Makes a mounted folder refuse writes, or take them again. */
export const remount = (folder: string, mode: "ro" | "rw"): void =>
  void execFileSync("mount", ["-o", `remount,${mode}`, folder]);

export interface SmallDisk extends AsyncDisposable {
  readonly folder: string;
  /** Leaves that many units of space and no more; `undefined` gives all of it back. */
  readonly leave: (units: number | undefined) => Promise<void>;
}

/** A real file system with little space, in pages of 4 KiB or in files; `undefined` where mounting is not permitted. */
export const smallDisk = async (unit: "pages" | "files"): Promise<SmallDisk | undefined> => {
  const folder = await mkdtemp(join(tmpdir(), "usr-disk-"));
  const mount = mountTmpfs(folder, unit === "pages" ? "size=2m" : "size=16m,nr_inodes=400");
  if (mount === undefined) {
    await rm(folder, { recursive: true });
    return undefined;
  }
  const filler = join(folder, "filler");
  return {
    folder,
    leave: async (units) => {
      await rm(filler, { recursive: true, force: true });
      if (units === undefined) return;
      const { bavail, bsize, ffree } = await statfs(folder);
      if (unit === "pages") return writeFile(filler, new Uint8Array((bavail - units) * bsize));
      execFileSync("sh", ["-c", 'mkdir "$1" && cd "$1" && seq "$2" | xargs touch', "fill", filler, String(ffree - units - 1)]); // biome-ignore format: one line
    },
    [Symbol.asyncDispose]: async () => {
      await mount[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
};
