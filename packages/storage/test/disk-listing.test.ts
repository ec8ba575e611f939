/// <reference types="node" />
import * as fsp from "node:fs/promises";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { type StorageError, scopedStorage } from "../src/index.ts";
import { type DiskFs, diskStorage } from "../src/node/index.ts";
import { failing, paths } from "./disk-support.ts";
import { freshFolder, utf8 } from "./folder.ts";

// What a listing asks of the disk, and what it says where the disk refuses.

test("a listing reads the folders it needs, and looks behind no link that lies elsewhere", async () => {
  await using folder = await freshFolder();
  const read: string[] = [];
  const looked: string[] = [];
  const fs: DiskFs = {
    ...fsp,
    readdir: (name, o) => {
      read.push(relative(folder.path, name));
      return fsp.readdir(name, o);
    },
    stat: (name, o) => {
      looked.push(relative(folder.path, name));
      return fsp.stat(name, o);
    },
  };
  const storage = diskStorage(folder.path, { fs });
  for (const path of ["a/x/1", "a/xy/2", "a/y/3", "b/4"]) await storage.put(path, utf8("x"));
  await fsp.symlink("../b", join(folder.path, "a/link"));
  const asked = async (prefix: string, left?: string): Promise<readonly (readonly string[])[]> => {
    read.length = 0;
    looked.length = 0;
    return [await paths(storage.list(prefix, { except: (at) => at === left })), [...read], [...looked]];
  };
  expect(await asked("a/x")).toEqual([["a/x/1", "a/xy/2"], ["a", "a/x", "a/xy"], []]);
  expect(await asked("a/x/")).toEqual([["a/x/1"], ["a/x"], []]);
  expect(await asked("a/x/1")).toEqual([["a/x/1"], ["a/x"], []]);
  expect(await asked("a/", "a/x/")).toEqual([
    ["a/link/4", "a/xy/2", "a/y/3"],
    ["a", "a/link", "a/xy", "a/y"],
    ["a/link"],
  ]);
  expect(await asked("", "a/")).toEqual([["b/4"], ["", "b"], []]);
  expect(await asked("", "a/link/")).toEqual([
    ["a/x/1", "a/xy/2", "a/y/3", "b/4"],
    ["", "a", "a/x", "a/xy", "a/y", "b"],
    [],
  ]);
  // A file is no folder.
  expect((await asked("b/", "b/4/"))[0]).toEqual(["b/4"]);
});

test("a refused listing tells where it was refused", async () => {
  await using folder = await freshFolder();
  await diskStorage(folder.path).put("d/a", utf8("x"));
  const refusing = (call: "readdir" | "stat", place: string, after = 0): DiskFs => {
    let seen = 0;
    const refused = (name: string): boolean => relative(folder.path, name) === place && seen++ >= after;
    const refuse = (): Promise<never> => Promise.reject(failing("EACCES"));
    return call === "readdir"
      ? { ...fsp, readdir: (name, o) => (refused(name) ? refuse() : fsp.readdir(name, o)) }
      : { ...fsp, stat: (name, o) => (refused(name) ? refuse() : fsp.stat(name, o)) };
  };
  const errorOf = (fs: DiskFs): Promise<unknown> =>
    paths(diskStorage(folder.path, { fs }).list("")).catch((thrown: unknown) => thrown);
  const told = (path: string, action: string): object => ({
    code: "PERMISSION",
    details: { path, action, errno: "EACCES" },
  });
  expect(await errorOf(refusing("readdir", ""))).toMatchObject(told("the root", "list"));
  expect(await errorOf(refusing("readdir", "d"))).toMatchObject(told("d/", "list"));
  await fsp.symlink("a", join(folder.path, "d/link"));
  expect(await errorOf(refusing("stat", "d/link"))).toMatchObject(told("d/link", "inspect"));
  expect(await errorOf(refusing("stat", "d/link", 1))).toMatchObject(told("d/link", "inspect"));
});

test("a listing that tells what it cannot look into goes on with the rest", async () => {
  await using outside = await freshFolder();
  await fsp.mkdir(join(outside.path, "there"));
  await using folder = await freshFolder();
  const plain = diskStorage(folder.path);
  for (const path of ["a/1", "closed/2", "dark/3", "dark/sub/4", "z/5"]) await plain.put(path, utf8("x"));
  await fsp.symlink(join(outside.path, "there"), join(folder.path, "out"));
  await fsp.symlink(join(outside.path, "there"), join(folder.path, "z/out"));
  await fsp.symlink("/nowhere", join(folder.path, "lost"));
  await fsp.symlink("a", join(folder.path, "unseen"));
  const isAt = (name: string, place: string): boolean => relative(folder.path, name) === place;
  const refuse = (): Promise<never> => Promise.reject(failing("EACCES"));
  const fs: DiskFs = {
    ...fsp,
    readdir: (name, o) => (isAt(name, "closed") ? refuse() : fsp.readdir(name, o)),
    lstat: (name, o) => (isAt(name, "dark/3") ? refuse() : fsp.lstat(name, o)),
    stat: (name, o) => (isAt(name, "unseen") ? refuse() : fsp.stat(name, o)),
  };
  const told = new Map<string, unknown>();
  const onUnreachable = (place: string, { code, details }: StorageError): void =>
    void told.set(place, [code, details["path"]]);
  const found = await paths(diskStorage(folder.path, { fs }).list("", { onUnreachable }));
  expect(found).toEqual(["a/1", "dark/sub/4", "out", "z/5", "z/out"]);
  expect(Object.fromEntries(told)).toEqual({
    closed: ["PERMISSION", "closed/"],
    dark: ["PERMISSION", "dark/3"],
    out: ["PATH_INVALID", "out"],
    unseen: ["PERMISSION", "unseen"],
    "z/out": ["PATH_INVALID", "z/out"],
  });
  told.clear();
  expect(await paths(scopedStorage(plain, "z").list("", { onUnreachable }))).toEqual(["5", "out"]);
  expect([...told.keys()]).toEqual(["out"]);
  // Where the very folder asked for is refused there is nothing to go on with.
  for (const prefix of ["closed/", "dark/"])
    await expect(paths(diskStorage(folder.path, { fs }).list(prefix, { onUnreachable }))).rejects.toMatchObject({
      code: "PERMISSION",
    });
});

test("what goes away while a listing runs is not in it", async () => {
  await using folder = await freshFolder();
  const fs: DiskFs = {
    ...fsp,
    lstat: async (name, o) => {
      if (name.endsWith("/b")) await fsp.unlink(name);
      return await fsp.lstat(name, o);
    },
    readdir: async (name, o) => {
      if (name.endsWith("/d/")) await fsp.rm(name, { recursive: true });
      return await fsp.readdir(name, o);
    },
  };
  const storage = diskStorage(folder.path, { fs });
  for (const path of ["a", "b", "c", "d/e"]) await storage.put(path, utf8("x"));
  expect(await paths(storage.list(""))).toEqual(["a", "c"]);
});

test("a folder is listed as it was at one moment: what takes the place of another meanwhile is in it", async () => {
  await using folder = await freshFolder();
  const at = (name: string): string => join(folder.path, "d", name);
  // Ten times a file goes once its successor is there, each time between the names and the look at them.
  let turn = 0;
  const fs: DiskFs = {
    ...fsp,
    lstat: async (name, o) => {
      if (turn < 10 && name === at(String(turn))) {
        await fsp.copyFile(name, at(String(turn + 1)));
        await fsp.rename(name, join(folder.path, `gone-${turn++}`));
      }
      return await fsp.lstat(name, o);
    },
  };
  const storage = diskStorage(folder.path, { fs });
  await storage.put("d/0", utf8("x"));
  await fsp.symlink("../..", at("out"));
  const told: string[] = [];
  expect(await paths(storage.list("d/", { onUnreachable: (place) => told.push(place) }))).toEqual(["d/10", "d/out"]);
  expect(told).toEqual(["d/out"]);
});

test("a listing that always has to begin again can be given up", async () => {
  await using folder = await freshFolder();
  const giveUp = new AbortController();
  let looks = 0;
  const fs: DiskFs = {
    ...fsp,
    lstat: async (name, o) => {
      await fsp.rename(name, `${name}${looks}`);
      if (++looks === 20) giveUp.abort(new Error("enough"));
      return await fsp.lstat(name, o);
    },
  };
  const storage = diskStorage(folder.path, { fs });
  await fsp.writeFile(join(folder.path, "a"), "x");
  await expect(paths(storage.list("", { signal: giveUp.signal }))).rejects.toThrow("enough");
  expect(looks).toBe(20);
});

test("names that the system lists and nobody can open are left out, and end no listing", async () => {
  await using folder = await freshFolder();
  const looks = new Map<string, number>();
  const fs: DiskFs = {
    ...fsp,
    lstat: (name, o) => {
      const place = relative(folder.path, name);
      looks.set(place, (looks.get(place) ?? 0) + 1);
      return place === "kept" ? fsp.lstat(name, o) : Promise.reject(failing("ENOENT"));
    },
  };
  // What is no UTF-8 comes with U+FFFD in its name.
  for (const name of ["a\uFFFD", "kept", "stale", "stale2"]) await fsp.writeFile(join(folder.path, name), "x");
  expect(await paths(diskStorage(folder.path, { fs }).list(""))).toEqual(["kept"]);
  expect(Object.fromEntries(looks)).toEqual({ "a\uFFFD": 2, kept: 2, stale: 2, stale2: 2 });
  looks.clear();
  expect(await paths(diskStorage(folder.path, { fs }).list("a"))).toEqual([]);
  expect(Object.fromEntries(looks)).toEqual({ "a\uFFFD": 1 });
});
