/// <reference types="node" />
import { execFileSync } from "node:child_process";
import * as fsp from "node:fs/promises";
import { join } from "node:path";
import { mountTmpfs } from "@usr/testkit/tmpfs";
import { describe, expect, test } from "vitest";
import type { Storage } from "../src/index.ts";
import { diskStorage } from "../src/node/index.ts";
import { powerCutDisk } from "../src/node/testing/index.ts";
import { codeOf, paths, random, read, watched } from "./disk-support.ts";
import { freshFolder, textOf, utf8 } from "./folder.ts";

describe("the order of system calls", () => {
  const recorded = async (
    work: (storage: Required<Storage>, root: string) => Promise<void>,
  ): Promise<readonly string[]> => {
    await using folder = await freshFolder();
    const root = `${folder.path}/root`;
    const steps: string[] = [];
    const storage = diskStorage(root, { random, fs: watched(root, (call, name) => steps.push(`${call} ${name}`)) });
    await storage.put("a/b/first", utf8("x"));
    steps.push("--");
    await work(storage, root);
    return steps;
  };

  test("a put makes and flushes the folders, stages, flushes, renames, flushes the folder", async () => {
    expect(await recorded(async (storage) => void (await storage.put("a/b/second", utf8("y"))))).toEqual([
      "sync a",
      "sync (root)",
      "sync ..",
      "open wx a/b/.first.PID.RAND.tmp",
      "write a/b/.first.PID.RAND.tmp",
      "sync a/b/.first.PID.RAND.tmp",
      "rename a/b/.first.PID.RAND.tmp a/b/first",
      "sync a/b",
      "--",
      "open wx a/b/.second.PID.RAND.tmp",
      "write a/b/.second.PID.RAND.tmp",
      "sync a/b/.second.PID.RAND.tmp",
      "rename a/b/.second.PID.RAND.tmp a/b/second",
      "sync a/b",
    ]);
  });

  test("a put where nothing lies writes there, and flushes the name meanwhile", async () => {
    const steps = await after(async (s) => void (await s.put("a/b/new", utf8("y"), { fresh: true })));
    expect(steps.toSorted()).toEqual(["open wx a/b/new", "sync a/b", "sync a/b/new", "write a/b/new"]);
    expect(steps.indexOf("open wx a/b/new")).toBe(0);
    const taken = after(async (s) => void (await s.put("a/b/first", utf8("y"), { fresh: true })));
    await expect(taken).rejects.toMatchObject({ code: "EXISTS" });
  });

  const after = async (work: (storage: Required<Storage>) => Promise<void>): Promise<readonly string[]> => {
    const steps = await recorded(work);
    return steps.slice(steps.indexOf("--") + 1);
  };

  test("create links, which fails where the name is taken", async () => {
    expect(await after(async (s) => void (await s.put("a/b/new", utf8("y"), { mode: "create" })))).toEqual([
      "open wx a/b/.new.PID.RAND.tmp",
      "write a/b/.new.PID.RAND.tmp",
      "sync a/b/.new.PID.RAND.tmp",
      "link a/b/.new.PID.RAND.tmp a/b/new",
      "unlink a/b/.new.PID.RAND.tmp",
      "sync a/b",
    ]);
  });

  test("rename flushes the folder it comes to: it is done wholly or not at all", async () => {
    expect(await after((s) => s.rename("a/b/first", "c/first"))).toEqual([
      "sync (root)",
      "rename a/b/first c/first",
      "sync c",
    ]);
    expect(await after((s) => s.rename("a/b/first", "a/b/other"))).toEqual(["rename a/b/first a/b/other", "sync a/b"]);
  });

  test("delete, link and append flush what they changed", async () => {
    expect(await after((s) => s.delete("a/b/first"))).toEqual(["unlink a/b/first", "sync a/b"]);
    expect(await after((s) => s.link("a/b/first", "a/b/copy"))).toEqual(["link a/b/first a/b/copy", "sync a/b"]);
    const log = ["write a/b/log", "sync a/b/log"];
    const twice = async (s: Required<Storage>): Promise<void> => {
      await s.append("a/b/log", utf8("1\n"));
      await s.append("a/b/log", utf8("2\n"));
    };
    expect(await after(twice)).toEqual([...log, "sync a/b", ...log]);
  });

  test("what nobody relies on is not flushed, but its folder is when it is new", async () => {
    expect(await after(async (s) => void (await s.put("a/b/note", utf8("y"), { durable: false })))).toEqual([
      "open wx a/b/.note.PID.RAND.tmp",
      "write a/b/.note.PID.RAND.tmp",
      "rename a/b/.note.PID.RAND.tmp a/b/note",
    ]);
    expect(await after((s) => s.delete("a/b/first", { durable: false }))).toEqual(["unlink a/b/first"]);
  });

  test("appending nothing flushes what others appended, unless nobody relies on it, and makes what is not there", async () => {
    expect(await after((s) => s.append("a/b/first", new Uint8Array(0)))).toEqual(["sync a/b/first"]);
    expect(await after((s) => s.append("a/b/first", new Uint8Array(0), { durable: false }))).toEqual([]);
    expect(await after((s) => s.append("a/b/log", new Uint8Array(0), { durable: false }))).toEqual([]);
    expect(await after((s) => s.append("a/b/log", new Uint8Array(0)))).toEqual(["sync a/b/log", "sync a/b"]);
  });

  test("a folder below one that is flushed is flushed alone", async () => {
    const below = await after(async (s) => void (await s.put("a/b/c/d", utf8("y"))));
    expect(below.slice(0, 2)).toEqual(["sync a/b", "open wx a/b/c/.d.PID.RAND.tmp"]);
  });

  test("a folder that was removed and made again is flushed again", async () => {
    const again = await recorded(async (s, root) => {
      await fsp.rm(join(root, "a"), { recursive: true });
      await s.put("a/b/c/d", utf8("y"));
    });
    expect(again.slice(again.indexOf("--") + 1, again.indexOf("--") + 4)).toEqual([
      "sync a/b",
      "sync a",
      "sync (root)",
    ]);
  });
});

describe("symbolic links", () => {
  test("a link out of the root is refused everywhere, one inside is followed", async () => {
    await using outside = await freshFolder();
    await using folder = await freshFolder();
    await fsp.writeFile(join(outside.path, "secret"), "s");
    const storage = diskStorage(folder.path);
    await storage.put("in/real", utf8("r"));
    await fsp.symlink(outside.path, join(folder.path, "out"));
    await fsp.symlink(join(outside.path, "secret"), join(folder.path, "in/secret"));
    await fsp.symlink("real", join(folder.path, "in/alias"));
    await fsp.symlink("in", join(folder.path, "also"));
    await fsp.symlink("nowhere", join(folder.path, "in/dangling"));

    const refused: readonly (() => Promise<unknown>)[] = [
      () => storage.open("out/secret"),
      () => storage.open("in/secret"),
      () => storage.digest("in/secret"),
      () => storage.put("out/new", utf8("x")),
      () => storage.put("out/deep/er/new", utf8("x")),
      () => storage.append("out/secret", utf8("x")),
      () => storage.append("in/secret", utf8("x")),
      () => storage.delete("out/secret"),
      () => storage.rename("out/secret", "in/stolen"),
      () => storage.rename("in/real", "out/real"),
      () => storage.rename("in/alias", "in/other"),
      () => storage.link("in/secret", "in/stolen"),
      () => storage.link("in/real", "out/real"),
      () => storage.lock("out/.lock"),
      () => storage.lock("in/secret"),
      () => paths(storage.list("out/")),
    ];
    for (const [n, work] of refused.entries()) expect(await codeOf(work()), `call ${n}`).toBe("PATH_INVALID");
    expect(await fsp.readdir(outside.path)).toEqual(["secret"]);
    expect(await fsp.readFile(join(outside.path, "secret"), "utf8")).toBe("s");

    expect([await read(storage, "in/alias"), await read(storage, "also/real")]).toEqual(["r", "r"]);
    expect(await storage.open("in/dangling")).toBe(undefined);
    // The alias tells what its file tells; the link out is shown, so that nobody mistakes it for absent.
    expect(await paths(storage.list("in/"))).toEqual(["in/alias", "in/real", "in/secret"]);
    expect(await paths(storage.list("also/"))).toEqual(["also/alias", "also/real", "also/secret"]);
    expect(await paths(storage.list("also/re"))).toEqual(["also/real"]);
    expect(await paths(storage.list(""))).toEqual(["also/alias", "also/real", "also/secret", "in/alias", "in/real", "in/secret", "out"]); // biome-ignore format: a row
    expect(await codeOf(storage.open("out"))).toBe("PATH_INVALID");
    await using alias = await storage.open("in/alias");
    for await (const meta of storage.list("in/alias")) expect(meta).toEqual(alias?.meta);
  });

  test("links that lead in a circle end where they meet it", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    for (const path of ["a/1", "b/2"]) await storage.put(path, utf8(path));
    await fsp.symlink("..", join(folder.path, "a/up"));
    await fsp.symlink(".", join(folder.path, "a/self"));
    await fsp.symlink("../b", join(folder.path, "a/x"));
    await fsp.symlink("../a", join(folder.path, "b/y"));
    expect(await paths(storage.list(""))).toEqual(["a/1", "a/x/2", "b/2", "b/y/1"]);
    await storage.put("a/x/new", utf8("n"));
    expect(await paths(storage.list("b/"))).toEqual(["b/2", "b/new", "b/y/1"]);
  });

  test("the root itself may be reached through a link", async () => {
    await using folder = await freshFolder();
    await fsp.mkdir(join(folder.path, "real"));
    await fsp.symlink("real", join(folder.path, "root"));
    const storage = diskStorage(join(folder.path, "root"));
    await storage.put("a/b", utf8("x"));
    expect([await read(storage, "a/b"), await paths(storage.list("a/"))]).toEqual(["x", ["a/b"]]);
  });
});

describe("what lies on the disk", () => {
  test("prune removes folders that hold nothing, and no others", async () => {
    await using dir = await freshFolder();
    const storage = diskStorage(dir.path);
    await storage.put("d/ns/part", utf8("x"));
    await storage.put("d/other/part", utf8("y"));
    await storage.rename("d/ns/part", "d/old/ns/part");
    await fsp.mkdir(join(dir.path, "d/a/b/c"), { recursive: true });
    await storage.prune("d");
    expect((await fsp.readdir(join(dir.path, "d"))).sort()).toEqual(["old", "other"]);
    await storage.prune("nowhere");
    await storage.put("d/ns/part", utf8("again"));
    expect(await paths(storage.list("d/"))).toEqual(["d/ns/part", "d/old/ns/part", "d/other/part"]);
    for (const path of ["d/ns/part", "d/old/ns/part", "d/other/part"]) await storage.delete(path);
    await storage.prune("d");
    expect(await fsp.readdir(dir.path)).toEqual([]);
  });

  test("debris is what interrupted puts left; listings do not show it, delete removes it", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path, { random });
    await storage.put("d/a", utf8("x"));
    await fsp.writeFile(join(folder.path, "d/.a.1.00.tmp"), "half");
    await fsp.writeFile(join(folder.path, "d/.hidden"), "seen");
    expect(await paths(storage.list(""))).toEqual(["d/.hidden", "d/a"]);
    expect(await paths(storage.debris("d/"))).toEqual(["d/.a.1.00.tmp"]);
    expect(await paths(storage.debris("e/"))).toEqual([]);
    for await (const meta of storage.debris("")) await storage.delete(meta.path);
    expect(await paths(storage.debris(""))).toEqual([]);
  });

  test("folders, pipes and names no path can spell are no objects", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    await fsp.mkdir(join(folder.path, "empty/folder"), { recursive: true });
    await fsp.writeFile(join(folder.path, "two\nlines"), "x");
    execFileSync("mkfifo", [join(folder.path, "pipe")]);
    expect(await paths(storage.list(""))).toEqual([]);
    expect([await storage.open("empty"), await storage.open("pipe"), await storage.digest("pipe")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("a root that does not exist is empty, and reading does not make it", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(join(folder.path, "no/root"));
    expect([await paths(storage.list("")), await paths(storage.list("a/b")), await storage.open("a")]).toEqual([
      [],
      [],
      undefined,
    ]);
    await storage.delete("a/b");
    expect(await fsp.readdir(folder.path)).toEqual([]);
  });

  test("the longest name a file system takes can be put, a longer one is PATH_INVALID", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    const longest = `${"é".repeat(127)}x`;
    await storage.put(longest, utf8("x"));
    expect(await read(storage, longest)).toBe("x");
    expect(await codeOf(storage.put(`${longest}x`, utf8("x")))).toBe("PATH_INVALID");
    expect(await paths(storage.debris(""))).toEqual([]);
  });

  test("the folder that file systems keep for themselves is not looked into, a file of that name is an object", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    await fsp.mkdir(join(folder.path, "lost+found"));
    await fsp.writeFile(join(folder.path, "lost+found/#12"), "x");
    await storage.put("d/lost+found/a", utf8("x"));
    expect(await paths(storage.list(""))).toEqual(["d/lost+found/a"]);
    await fsp.rm(join(folder.path, "lost+found"), { recursive: true });
    await fsp.writeFile(join(folder.path, "lost+found"), "x");
    expect(await paths(storage.list(""))).toEqual(["d/lost+found/a", "lost+found"]);
  });

  test("the root may be the root of the machine", async () => {
    const { fs } = powerCutDisk();
    const storage = diskStorage("/", { fs });
    await storage.put("a/b", utf8("x"));
    expect([await read(storage, "a/b"), await paths(storage.list("")), await paths(storage.list("a/"))]).toEqual([
      "x",
      ["a/b"],
      ["a/b"],
    ]);
  });

  test("a file that shrinks under an open handle is a CONFLICT, not short bytes", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    await storage.put("a", utf8("0123456789"));
    await using handle = await storage.open("a");
    await fsp.truncate(join(folder.path, "a"), 4);
    expect(handle && (await codeOf(handle.read(0, 10)))).toBe("CONFLICT");
    expect(handle && textOf(await handle.read(0, 4))).toBe("0123");
  });

  test("a listing of hundreds of files in many folders is complete and in order", async () => {
    await using folder = await freshFolder();
    const names = Array.from({ length: 400 }, (_, n) => `d${n % 2}/e${n % 3}/f${n}`);
    for (const name of names) await fsp.mkdir(join(folder.path, name, ".."), { recursive: true });
    await Promise.all(names.map((name) => fsp.writeFile(join(folder.path, name), "")));
    expect(await paths(diskStorage(folder.path).list(""))).toEqual([...names].sort());
  });
});

/** Runs a command, telling whether it worked: for what needs rights this machine may not give. */
function works(command: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("a disk that is really full: FULL, the old object stays, nothing is left", async (context) => {
  await using folder = await freshFolder();
  await using mount = mountTmpfs(folder.path, "size=256k");
  if (mount === undefined) return context.skip("mount is not permitted here");
  const storage = diskStorage(folder.path);
  await storage.put("a", utf8("old"));
  await storage.append("log", utf8("one\n"));
  const big = new Uint8Array(300_000);
  expect(await codeOf(storage.put("a", big))).toBe("FULL");
  expect(await codeOf(storage.put("b", big, { mode: "create" }))).toBe("FULL");
  expect(await codeOf(storage.append("log", big))).toBe("FULL");
  expect([await read(storage, "a"), await read(storage, "log")]).toEqual(["old", "one\n"]);
  expect([await paths(storage.list("")), await paths(storage.debris(""))]).toEqual([["a", "log"], []]);
  await storage.put("a", utf8("new"));
  expect(works("mount", "-o", "remount,ro", folder.path)).toBe(true);
  expect(await codeOf(storage.put("a", utf8("x")))).toBe("READ_ONLY");
  expect(await read(storage, "a")).toBe("new");
});
