/// <reference types="node" />
import { constants } from "node:fs";
import * as fsp from "node:fs/promises";
import { platform } from "node:process";
import { testRuns } from "@usr/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DiskFs } from "../src/node/index.ts";
import { powerCutDisk } from "../src/node/testing/index.ts";
import { freshFolder, textOf, utf8 } from "./folder.ts";

// The disk in memory refuses and does what a real one does, for the calls that a storage makes.

const NAMES = ["a", "b", "d", "d/a", "d/e", "d/e/a", "a/x"];
const name = fc.constantFrom(...NAMES);
const call = fc.oneof(
  fc.record({ verb: fc.constantFrom("create", "read", "append", "rmdir", "unlink", "stat", "enter"), name }),
  fc.record({ verb: fc.constant("mkdir"), name: fc.constantFrom("d", "d/e", "a", "a/x/y") }),
  fc.record({ verb: fc.constantFrom("rename", "link", "copy"), name, to: name }),
);
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** What the call gives, or how it is refused. */
async function outcome(fs: DiskFs, root: string, step: Call, n: number): Promise<unknown> {
  const at = `${root}/${step.name}`;
  const to = "to" in step ? `${root}/${step.to}` : "";
  const isFile = async (path: string): Promise<boolean> =>
    (await fs.stat(path, { bigint: true }).catch(() => undefined))?.isFile() === true;
  const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
    create: async () => {
      const file = await fs.open(at, "wx");
      await file.write(utf8(`<${n}>`), 0, `<${n}>`.length, 0);
      await file.truncate(2);
      await file.close();
      return undefined;
    },
    read: async () => {
      const file = await fs.open(at, constants.O_RDONLY);
      try {
        const bytes = new Uint8Array(9);
        const { bytesRead } = await file.read(bytes, 1, 8, 1);
        return [bytesRead, textOf(bytes), Number((await file.stat({ bigint: true })).size)];
      } finally {
        await file.close();
      }
    },
    append: async () => {
      const file = await fs.open(at, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
      await file.write(utf8("_more"), 1, 4, null);
      await file.close();
      return undefined;
    },
    enter: async () => {
      const folder = await fs.open(at, constants.O_RDONLY | constants.O_DIRECTORY);
      await folder.sync();
      await folder.close();
      return (await fs.readdir(at, { withFileTypes: true }))
        .map((entry) => `${entry.name} ${entry.isDirectory()} ${entry.isSymbolicLink()}`)
        .sort();
    },
    mkdir: async () => (await fs.mkdir(at, { recursive: true }))?.slice(root.length),
    rmdir: () => fs.rmdir(at),
    unlink: () => fs.unlink(at),
    stat: async () => {
      const [own, target] = [await fs.lstat(at, { bigint: true }), await fs.stat(at, { bigint: true })];
      const whole =
        own.ino === target.ino && own.mtimeNs === target.mtimeNs && own.mtimeMs === own.mtimeNs / 1_000_000n;
      return [
        own.isFile(),
        own.isDirectory(),
        own.isSymbolicLink(),
        own.isFile() && own.size,
        own.isFile() && own.nlink,
        whole,
      ];
    },
    // A storage moves, links and copies files alone.
    rename: async () => ((await isFile(at)) ? fs.rename(at, to) : undefined),
    link: async () => ((await isFile(at)) ? fs.link(at, to) : undefined),
    copy: async () => ((await isFile(at)) ? fs.copyFile(at, to, constants.COPYFILE_EXCL) : undefined),
  };
  try {
    return await verbs[step.verb]!();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    // Of a folder that holds what is moved Linux says that it is not empty, of any other that it is a folder: both stand in the way.
    return step.verb === "rename" && error.code === "ENOTEMPTY" ? "EISDIR" : error.code;
  }
}

/** Every file with its text, by name; which names share a file. */
async function tree(fs: DiskFs, root: string): Promise<readonly string[]> {
  const found: string[] = [];
  const inodes: bigint[] = [];
  for (const path of NAMES) {
    const stats = await fs.stat(`${root}/${path}`, { bigint: true }).catch(() => undefined);
    if (stats === undefined) continue;
    if (!inodes.includes(stats.ino)) inodes.push(stats.ino);
    found.push(`${path} ${stats.isFile() ? stats.size : "folder"} ${inodes.indexOf(stats.ino)}`);
  }
  return found;
}

test.skipIf(platform !== "linux")("the disk in memory is a disk", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 30, size: "max" }), async (calls) => {
      await using folder = await freshFolder();
      const { fs } = powerCutDisk();
      await fs.mkdir("/r", { recursive: true });
      for (const [n, step] of calls.entries()) {
        const real = await outcome(fsp, folder.path, step, n);
        expect(await outcome(fs, "/r", step, n), JSON.stringify(calls.slice(0, n + 1))).toEqual(real);
      }
      expect(await tree(fs, "/r")).toEqual(await tree(fsp, folder.path));
    }),
    { numRuns: testRuns(150) },
  );
});
