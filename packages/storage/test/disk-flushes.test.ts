/// <reference types="node" />
import { constants } from "node:fs";
import * as fsp from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Storage } from "../src/index.ts";
import { type DiskFs, diskStorage } from "../src/node/index.ts";
import { codeOf, failing, paths, read, watched } from "./disk-support.ts";
import { freshFolder, utf8 } from "./folder.ts";

// What is flushed, and when; and what is said where a flush fails.

describe("a folder that cannot be flushed fails what was done in it:", () => {
  const verbs: Readonly<Record<string, (storage: Required<Storage>) => Promise<unknown>>> = {
    "d/new": (storage) => storage.put("d/new", utf8("x")),
    "d/a": (storage) => storage.delete("d/a"),
    "d/moved": (storage) => storage.rename("d/a", "d/moved"),
    "d/linked": (storage) => storage.link("d/a", "d/linked"),
    "d/log": (storage) => storage.append("d/log", utf8("x")),
    d: (storage) => storage.prune("d"),
  };
  test.each(Object.entries(verbs))("%s", async (path, verb) => {
    await using folder = await freshFolder();
    await diskStorage(folder.path).put("d/a", utf8("x"));
    for (const [errno, code] of [
      ["EIO", "IO"],
      ["EACCES", "PERMISSION"],
    ] as const) {
      const fs: DiskFs = {
        ...fsp,
        open: async (name, flags, mode) => {
          const isFolder = typeof flags === "number" && (flags & constants.O_DIRECTORY) !== 0;
          if (isFolder && errno === "EACCES" && name.endsWith("/d")) throw failing(errno);
          const file = await fsp.open(name, flags, mode);
          return isFolder && errno === "EIO" && name.endsWith("/d")
            ? Object.assign(file, { sync: () => Promise.reject(failing(errno)) })
            : file;
        },
      };
      const details = { path, action: "flush the folder of", errno };
      await expect(verb(diskStorage(folder.path, { fs })), errno).rejects.toMatchObject({ code, details });
      await diskStorage(folder.path).put("d/a", utf8("x"));
      for (const name of ["d/new", "d/moved", "d/linked", "d/log"]) await diskStorage(folder.path).delete(name);
    }
  });
});

test("folders that someone else made are flushed up to the root, those this storage made from where it began", async () => {
  await using folder = await freshFolder();
  const steps: string[] = [];
  const storage = diskStorage(folder.path, { fs: watched(folder.path, (call, name) => steps.push(`${call} ${name}`)) });
  await fsp.mkdir(join(folder.path, "theirs/too"), { recursive: true });
  await storage.put("theirs/too/ours/a", utf8("x"));
  expect(steps.filter((step) => step.startsWith("sync") && !step.endsWith(".tmp"))).toEqual([
    "sync theirs/too",
    "sync theirs",
    "sync (root)",
    "sync theirs/too/ours",
  ]);
});

test("an object where a folder should be is told with its name", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  await storage.put("a", utf8("x"));
  await expect(storage.put("a/b", utf8("y"))).rejects.toMatchObject({
    code: "PATH_INVALID",
    details: { path: "a/b", folder: join(folder.path, "a") },
  });
});

describe("a file that grows", () => {
  const flushesOf = async (sync: (name: string, n: number) => Promise<void>): Promise<readonly number[]> => {
    await using folder = await freshFolder();
    let size = 0;
    const flushes: number[] = [];
    const fs: DiskFs = {
      ...fsp,
      open: async (name, flags, mode) => {
        const file = await fsp.open(name, flags, mode);
        if (!name.endsWith(".tmp")) return file;
        return Object.assign(file, { sync: () => sync(name, flushes.push(size)) });
      },
    };
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 5; n++) {
        yield new Uint8Array(4 * 2 ** 20);
        // What was written is being flushed by now.
        size += 4;
        await sleep(2);
      }
    }
    await diskStorage(folder.path, { fs }).put("a", body());
    return flushes;
  };

  test("is flushed whenever eight megabytes wait, and at its end", async () => {
    // The size before the chunk that brought it to eight, to sixteen; all of it.
    expect(await flushesOf(async () => {})).toEqual([4, 12, 20]);
  });

  test("is not flushed twice at once", async () => {
    let running = 0;
    let most = 0;
    await flushesOf(async () => {
      most = Math.max(most, ++running);
      await sleep(10);
      running--;
    });
    expect(most).toBe(1);
  });

  test("fails at its end where a flush before failed, and the process hears of it nowhere else", async () => {
    const stray: unknown[] = [];
    const onStray = (reason: unknown): void => void stray.push(reason);
    process.on("unhandledRejection", onStray);
    try {
      const put = flushesOf(async (_, n) => {
        if (n === 1) throw failing("EIO");
      });
      await expect(put).rejects.toMatchObject({ code: "IO", details: { path: "a", action: "flush", errno: "EIO" } });
      expect(stray).toEqual([]);
    } finally {
      process.off("unhandledRejection", onStray);
    }
  });
});

test("an extension that copies by reading is flushed as any other", async () => {
  await using folder = await freshFolder();
  const { etag } = await diskStorage(folder.path).put("a", utf8("0123"));
  const steps: string[] = [];
  const fs: DiskFs = {
    ...watched(folder.path, (call, name) => steps.push(`${call} ${name}`)),
    copyFile: () => Promise.reject(failing("EOPNOTSUPP")),
  };
  await diskStorage(folder.path, { fs }).extend("b", { path: "a", etag, length: 2 }, utf8("x"));
  expect(steps).toEqual([
    "unlink .b.PID.RAND.tmp",
    "open wx .b.PID.RAND.tmp",
    "write .b.PID.RAND.tmp",
    "write .b.PID.RAND.tmp",
    "sync .b.PID.RAND.tmp",
    "rename .b.PID.RAND.tmp b",
    "sync (root)",
  ]);
});

test("a copy that cannot be held against its source is not trusted", async () => {
  await using folder = await freshFolder();
  const plain = diskStorage(folder.path);
  const { etag } = await plain.put("a", utf8("0123456789"));
  const fs: DiskFs = {
    ...fsp,
    copyFile: async (from, to) => {
      await fsp.unlink(from);
      await fsp.writeFile(to, utf8("something else"));
    },
  };
  await diskStorage(folder.path, { fs }).extend("b", { path: "a", etag, length: 4 }, utf8("x"));
  expect([await read(plain, "b"), await paths(plain.debris(""))]).toEqual(["0123x", []]);
});

test("a replacement that comes too late tells what it expected and what is there", async () => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path);
  const { etag } = await storage.put("a", utf8("x"));
  for (const [path, actual] of [
    ["a", etag],
    ["none", undefined],
  ] as const)
    await expect(storage.put(path, utf8("y"), { mode: { ifMatch: "another" } })).rejects.toMatchObject({
      code: "CONFLICT",
      details: { path, expected: "another", actual },
    });
});

test("a write in flight bears the name it will have, cut where that leaves no room", async () => {
  await using folder = await freshFolder();
  const names: string[] = [];
  const fs: DiskFs = {
    ...fsp,
    rename: async (from, to) => {
      names.push(basename(from).replace(/\.\d+\.[0-9a-f]{16}\.tmp$/, "|"));
      await fsp.rename(from, to);
    },
  };
  const storage = diskStorage(folder.path, { fs });
  const full = "n".repeat(200);
  const wide = "é".repeat(101);
  for (const name of [full, `${full}n`, wide]) await storage.put(name, utf8("x"));
  expect(names).toEqual([`.${full}|`, `.${"n".repeat(50)}|`, `.${"é".repeat(50)}|`]);
});

describe("where things lie", () => {
  test("what only begins as the root does is not in it", async () => {
    await using outside = await freshFolder();
    const root = join(outside.path, "root");
    const storage = diskStorage(root);
    await storage.put("d/a", utf8("x"));
    const beside = `${root}-beside`;
    await fsp.mkdir(beside);
    await fsp.writeFile(join(beside, "secret"), "s");
    await fsp.symlink(beside, join(root, "out"));
    await fsp.symlink(join(beside, "secret"), join(root, "d/secret"));
    const target = await fsp.realpath(join(beside, "secret"));
    const details = { path: "d/secret", target };
    await expect(storage.open("d/secret")).rejects.toMatchObject({ code: "PATH_INVALID", details });
    expect(await codeOf(storage.open("out/secret"))).toBe("PATH_INVALID");
    expect(await codeOf(storage.put("out/new", utf8("x")))).toBe("PATH_INVALID");
    expect(await codeOf(storage.delete("out/secret"))).toBe("PATH_INVALID");
    expect(await fsp.readdir(beside)).toEqual(["secret"]);
  });

  test("is asked once by all who ask at the same time, and of the root once", async () => {
    await using folder = await freshFolder();
    const asked: string[] = [];
    const fs: DiskFs = {
      ...fsp,
      realpath: async (name) => {
        asked.push(name.slice(folder.path.length));
        return await fsp.realpath(name);
      },
    };
    await diskStorage(folder.path).put("d/a", utf8("x"));
    const storage = diskStorage(folder.path, { fs });
    const open = async (): Promise<void> => await (await storage.open("d/a"))?.[Symbol.asyncDispose]();
    await Promise.all(Array.from({ length: 20 }, open));
    expect(asked.sort()).toEqual(["", "/d"]);
    await open();
    expect(asked).toEqual(["", "/d", "/d"]);
  });
});
