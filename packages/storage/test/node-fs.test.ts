/// <reference types="node" />
import { execFileSync } from "node:child_process";
import fs, { constants } from "node:fs";
import * as promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DiskFs } from "../src/node/index.ts";
import { nodeFsWithin } from "../src/node/node-fs.ts";
import { freshFolder } from "./folder.ts";

const told = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => ({ value }),
    (error: Error & { code?: string; syscall?: string; path?: string; dest?: string }) => {
      const { code, syscall, path, dest, message } = error;
      return { error: error instanceof Error, code, syscall, path, dest, message };
    },
  );

/** Looking at once, and with the help of threads. */
const WAYS = [
  ["at once", Number.POSITIVE_INFINITY],
  ["later", 0],
] as const;

test.each(WAYS)("every call, answered %s, answers and refuses as node:fs/promises does", async (_, ms) => {
  const nodeFs = nodeFsWithin(ms);
  await using folder = await freshFolder();
  const at = (name: string): string => join(folder.path, name);
  const big = { bigint: true } as const;
  const calls: readonly ((fs: DiskFs, own: string) => Promise<unknown>)[] = [
    (fs, own) => fs.mkdir(at(`${own}/x/y`), { recursive: true }).then((made) => made?.replace(own, "")),
    (fs, own) => fs.mkdir(at(`${own}/x/y`), { recursive: true }),
    (fs) => fs.mkdir(at("none/x"), { recursive: false }),
    (fs) => fs.mkdir(at("file"), { recursive: false }),
    (fs, own) => fs.rmdir(at(`${own}/x/y`)),
    (fs) => fs.rmdir(at("full")),
    async (fs) => (await fs.readdir(at("full"), { withFileTypes: true })).map((e) => [e.name, e.isDirectory()]),
    (fs) => fs.readdir(at("file"), { withFileTypes: true }),
    (fs, own) => fs.copyFile(at("file"), at(`${own}/copy`), constants.COPYFILE_EXCL),
    (fs) => fs.copyFile(at("file"), at("full/inner"), constants.COPYFILE_EXCL),
    (fs, own) => fs.rename(at(`${own}/copy`), at(`${own}/moved`)),
    (fs) => fs.rename(at("none"), at("moved")),
    (fs, own) => fs.link(at(`${own}/moved`), at(`${own}/linked`)),
    (fs) => fs.link(at("file"), at("full/inner")),
    (fs, own) => fs.unlink(at(`${own}/linked`)),
    (fs) => fs.unlink(at("none")),
    async (fs) => (await fs.lstat(at("link"), big)).isSymbolicLink(),
    (fs) => fs.lstat(at("none"), big),
    async (fs) => (await fs.stat(at("link"), big)).ino,
    (fs) => fs.stat(at("loop"), big),
    (fs) => fs.realpath(at("link")),
    (fs) => fs.realpath(at("loop")),
    (fs) => fs.stat(at("a\0b"), big),
    (fs) => fs.open(at("link"), constants.O_RDONLY | constants.O_NOFOLLOW),
    (fs) => fs.open(at("file"), "wx"),
    async (fs, own) => {
      const file = await fs.open(at(`${own}/new`), "wx+", 0o600);
      const bytes = new Uint8Array(8);
      const written = await file.write(Uint8Array.of(9, 1, 2, 3, 9), 1, 3, null);
      const placed = await file.write(Uint8Array.of(7), 0, 1, 1);
      await file.sync();
      const read = await file.read(bytes, 2, 6, 1);
      await file.truncate(1);
      const { size, mtimeMs } = await file.stat(big);
      await file.close();
      return [written.bytesWritten, placed.bytesWritten, read.bytesRead, bytes, size, typeof mtimeMs];
    },
    async (fs) => {
      const file = await fs.open(at("file"), "r");
      try {
        return await file.write(Uint8Array.of(1), 0, 1, null);
      } finally {
        await file.close();
      }
    },
  ];
  await promises.mkdir(at("full"));
  await promises.writeFile(at("full/inner"), "inner");
  await promises.writeFile(at("file"), "file");
  await promises.symlink("file", at("link"));
  await promises.symlink("loop", at("loop"));
  for (const own of ["ours", "theirs"]) await promises.mkdir(at(own));
  for (const [i, call] of calls.entries()) {
    const ours = JSON.stringify(await told(call(nodeFs, "ours")), plain);
    const theirs = JSON.stringify(await told(call(promises, "theirs")), plain);
    expect(ours.replaceAll("/ours", "/own"), String(i)).toBe(theirs.replaceAll("/theirs", "/own"));
  }
});

const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value);

test.each(WAYS)(
  "a file, looked at %s, is closed after what is under way, once, and nothing is asked of it afterwards",
  async (_, ms) => {
    const nodeFs = nodeFsWithin(ms);
    await using folder = await freshFolder();
    const name = join(folder.path, "file");
    await promises.writeFile(name, new Uint8Array(2 ** 20).fill(5));
    const file = await nodeFs.open(name, "r");
    const parts = Array.from({ length: 16 }, () => new Uint8Array(2 ** 20));
    const ended: string[] = [];
    const reads = parts.map((bytes) =>
      file.read(bytes, 0, bytes.length, 0).then(({ bytesRead }) => {
        ended.push("read");
        return bytesRead;
      }),
    );
    const closed = file.close().then(() => ended.push("closed"));
    const late = file.read(new Uint8Array(1), 0, 1, 0);
    await expect(late).rejects.toMatchObject({ code: "EBADF", syscall: "read" });
    expect(await Promise.all(reads)).toEqual(parts.map(() => 2 ** 20));
    await closed;
    expect(ended.at(-1)).toBe("closed");
    expect(parts.every((bytes) => Buffer.compare(bytes, parts[0]!) === 0 && bytes[0] === 5)).toBe(true);
    // The number is another file's by now: neither is touched.
    const other = await nodeFs.open(name, "r");
    await file.close();
    await expect(file.stat({ bigint: true })).rejects.toMatchObject({ code: "EBADF" });
    expect((await other.stat({ bigint: true })).size).toBe(BigInt(2 ** 20));
    await other.close();
  },
);

/** Whether it is answered before the process turns to anything else. */
const isAtOnce = async (call: Promise<unknown>): Promise<boolean> => {
  let answered = false;
  const ended = call.then(() => {
    answered = true;
  });
  for (let i = 0; i < 8; i++) await Promise.resolve();
  const atOnce = answered;
  await ended;
  return atOnce;
};

test("what only looks is answered at once until that took its time, and what changes files never is", async () => {
  await using folder = await freshFolder();
  const at = join(folder.path, "new");
  const quick = nodeFsWithin(Number.POSITIVE_INFINITY);
  const spent = nodeFsWithin(Number.MIN_VALUE);
  for (const [fs, expected] of [
    [quick, [true, true, true]],
    [spent, [true, false, false]],
  ] as const) {
    const seen: boolean[] = [];
    for (let i = 0; i < 3; i++) seen.push(await isAtOnce(fs.stat(folder.path, { bigint: true })));
    expect(seen).toEqual(expected);
  }
  // Of the calls after that one in 65 is.
  const turns: number[] = [];
  for (let i = 3; i < 200; i++) if (await isAtOnce(spent.stat(folder.path, { bigint: true }))) turns.push(i);
  expect(turns).toEqual([65, 130, 195]);
  expect(await isAtOnce(quick.mkdir(at, { recursive: true }))).toBe(false);
  expect(await isAtOnce(quick.rmdir(at))).toBe(false);
});

test("of a file that is closed nothing is asked, and each call says which it was", async () => {
  await using folder = await freshFolder();
  const name = join(folder.path, "file");
  await promises.writeFile(name, "x");
  const file = await nodeFsWithin(0).open(name, "r+");
  await file.sync();
  await file.close();
  for (const [syscall, call] of [
    ["read", () => file.read(new Uint8Array(1), 0, 1, 0)],
    ["write", () => file.write(new Uint8Array(1), 0, 1, 0)],
    ["ftruncate", () => file.truncate(0)],
    ["fsync", () => file.sync()],
    ["fstat", () => file.stat({ bigint: true })],
  ] as const) {
    const error = await Promise.resolve(call()).catch((thrown: unknown) => thrown);
    expect(error, syscall).toMatchObject({ code: "EBADF", syscall });
  }
});

test("a file is not closed under a call that waits", async () => {
  await using folder = await freshFolder();
  const name = join(folder.path, "pipe");
  execFileSync("mkfifo", [name]);
  const fs = nodeFsWithin(0);
  const [pipe, writer] = [await fs.open(name, constants.O_RDWR), await promises.open(name, constants.O_RDWR)];
  const ended: string[] = [];
  const bytes = new Uint8Array(2);
  // Without a place: a pipe has none.
  const reading = pipe.read(bytes, 0, 1, -1).then(() => ended.push("read"));
  const closing = pipe.close().then(() => ended.push("closed"));
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(ended).toEqual([]);
  await writer.write("x");
  await Promise.all([reading, closing]);
  expect(ended).toEqual(["read", "closed"]);
  await writer.close();
});

test.each(WAYS)("what a pipe cannot do is refused by the system, which was asked, looked at %s", async (_, ms) => {
  await using folder = await freshFolder();
  const name = join(folder.path, "pipe");
  execFileSync("mkfifo", [name]);
  const pipe = await nodeFsWithin(ms).open(name, constants.O_RDWR);
  for (const [syscall, call] of [
    ["fsync", () => pipe.sync()],
    ["ftruncate", () => pipe.truncate(0)],
    ["read", () => pipe.read(new Uint8Array(1), 0, 1, 0)],
    ["write", () => pipe.write(new Uint8Array(1), 0, 1, 0)],
  ] as const)
    await expect(call(), syscall).rejects.toMatchObject({ code: /^f/.test(syscall) ? "EINVAL" : "ESPIPE", syscall });
  await pipe.close();
});

test.each(WAYS)("a close that fails is told, to all who wait for it, looked at %s", async (_, ms) => {
  await using folder = await freshFolder();
  const name = join(folder.path, "file");
  await promises.writeFile(name, "x");
  const { ino } = await promises.stat(name);
  const failure = Object.assign(new Error("EDQUOT: planned"), { code: "EDQUOT", syscall: "close" });
  const { close, closeSync } = fs;
  const isOurs = (descriptor: number): boolean => fs.fstatSync(descriptor).ino === ino;
  let closes = 0;
  // As Linux does it: the file is closed, and what could not be kept is told.
  const failing: Partial<typeof fs> = {
    closeSync: (descriptor) => {
      const ours = isOurs(descriptor);
      closeSync(descriptor);
      if (!ours) return;
      closes++;
      throw failure;
    },
    close: Object.assign(
      (descriptor: number, done?: (error: NodeJS.ErrnoException | null) => void): void => {
        const ours = isOurs(descriptor);
        if (ours) closes++;
        close(descriptor, (error) => done?.(ours ? failure : (error ?? null)));
      },
      { __promisify__: close.__promisify__ },
    ),
  };
  const file = await nodeFsWithin(ms).open(name, "r");
  Object.assign(fs, failing);
  syncBuiltinESMExports();
  try {
    const ends = await Promise.allSettled([file.close(), file.close()]);
    expect(ends.map((end) => end.status === "rejected" && end.reason)).toEqual([failure, failure]);
    expect(closes).toBe(1);
  } finally {
    Object.assign(fs, { close, closeSync });
    syncBuiltinESMExports();
  }
});

test("a short read is answered at once, a longer one is left to the threads", async () => {
  await using folder = await freshFolder();
  const name = join(folder.path, "file");
  const longest = 128 * 1024;
  await promises.writeFile(name, new Uint8Array(longest + 1));
  const file = await nodeFsWithin(Number.POSITIVE_INFINITY).open(name, "r");
  const bytes = new Uint8Array(longest + 1);
  const seen: boolean[] = [];
  for (const length of [1, longest, longest + 1]) seen.push(await isAtOnce(file.read(bytes, 0, length, 0)));
  expect(seen).toEqual([true, true, false]);
  await file.close();
});
