/// <reference types="node" />
import { execFileSync } from "node:child_process";
import * as fsp from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { type ObjectMeta, readAll, type Storage, StorageError, type StorageErrorCode } from "../src/index.ts";
import { type DiskFs, diskStorage } from "../src/node/index.ts";
import { powerCutDisk } from "../src/node/testing/index.ts";
import { freshFolder, textOf, utf8 } from "./folder.ts";

const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xab);

async function paths(listing: AsyncIterable<ObjectMeta>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const meta of listing) found.push(meta.path);
  return found;
}

async function read(storage: Storage, path: string): Promise<string | undefined> {
  await using handle = await storage.open(path);
  return handle && textOf(await readAll(handle));
}

async function codeOf(work: Promise<unknown>): Promise<StorageErrorCode | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return undefined;
  if (!(error instanceof StorageError)) throw error;
  expect(error.hint ?? "a hint").not.toBe("");
  return error.code;
}

type Step = (call: string, name: string) => void;
type Handle = fsp.FileHandle;

/** The real file system, telling each call that changes or flushes something before it happens; `onStep` may throw instead. */
function watched(root: string, onStep: Step): DiskFs {
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

const failing = (errno: string): Error =>
  Object.assign(new Error(`${errno}: planned`), { code: errno, syscall: "test" });

describe("the order of system calls", () => {
  const recorded = async (work: (storage: Required<Storage>) => Promise<void>): Promise<readonly string[]> => {
    await using folder = await freshFolder();
    const root = `${folder.path}/root`;
    const steps: string[] = [];
    const storage = diskStorage(root, { random, fs: watched(root, (call, name) => steps.push(`${call} ${name}`)) });
    await storage.put("a/b/first", utf8("x"));
    steps.push("--");
    await work(storage);
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

  test("rename flushes the folder it comes to, then the one it leaves", async () => {
    expect(await after((s) => s.rename("a/b/first", "c/first"))).toEqual([
      "sync (root)",
      "rename a/b/first c/first",
      "sync c",
      "sync a/b",
    ]);
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
});

describe("failing system calls", () => {
  test.each([
    ["ENOSPC", "FULL"],
    ["EDQUOT", "FULL"],
    ["EROFS", "READ_ONLY"],
    ["EACCES", "PERMISSION"],
    ["EMFILE", "TOO_MANY_FILES"],
    ["ENFILE", "TOO_MANY_FILES"],
    ["EXDEV", "NOT_SUPPORTED"],
    ["EIO", "IO"],
  ] as const)(
    "%s is %s at every step of a put before its commit, and leaves the old object and no debris",
    async (errno, code) => {
      await using folder = await freshFolder();
      const plain = diskStorage(folder.path);
      await plain.put("f/a", utf8("old"));
      for (const call of ["open wx", "write", "sync", "rename"]) {
        const onStep: Step = (step, name) => {
          if (step === call && name.includes(".tmp")) throw failing(errno);
        };
        const fs = watched(folder.path, onStep);
        const storage = diskStorage(folder.path, { fs });
        const error = await storage.put("f/a", utf8("new")).catch((reason: unknown) => reason);
        expect(error, call).toBeInstanceOf(StorageError);
        if (error instanceof StorageError) {
          expect([error.code, error.message.includes("f/a"), error.details["errno"]]).toEqual([code, true, errno]);
          expect(error.cause).toMatchObject({ code: errno });
        }
        expect(await paths(plain.debris("")), call).toEqual([]);
        expect(await read(plain, "f/a"), call).toBe("old");
      }
    },
  );

  test("a system that takes no bytes is an error, not an endless loop", async () => {
    await using folder = await freshFolder();
    const fs: DiskFs = {
      ...fsp,
      open: async (name, flags, mode) =>
        Object.assign(await fsp.open(name, flags, mode), { write: async () => ({ bytesWritten: 0 }) }),
    };
    const storage = diskStorage(folder.path, { fs });
    expect(await codeOf(storage.put("a", utf8("x")))).toBe("IO");
    expect(await codeOf(storage.append("a", utf8("x")))).toBe("IO");
    expect(await paths(storage.debris(""))).toEqual([]);
    // Nothing to be taken is nothing missing.
    await storage.put("empty", new Uint8Array(0));
    expect(await read(storage, "empty")).toBe("");
  });

  test("several folders to be made on a read-only file system are READ_ONLY, whatever the call for many says", async () => {
    await using folder = await freshFolder();
    const asked: string[] = [];
    const fs: DiskFs = {
      ...fsp,
      mkdir: async (name, { recursive }) => {
        asked.push(`${relative(folder.path, name)} ${recursive}`);
        throw failing(recursive ? "ENOENT" : "EROFS");
      },
    };
    await fsp.mkdir(join(folder.path, "is"));
    expect(await codeOf(diskStorage(folder.path, { fs }).put("is/a/b/c/d", utf8("x")))).toBe("READ_ONLY");
    expect(asked).toEqual(["is/a/b/c true", "is/a false"]);
  });

  test.each(["EINVAL", "ENOTSUP", "ENOENT"])("a folder whose flush says %s has nothing to flush", async (errno) => {
    await using folder = await freshFolder();
    const fs: DiskFs = {
      ...fsp,
      open: async (name, flags, mode) => {
        const handle = await fsp.open(name, flags, mode);
        if (!(await handle.stat()).isDirectory()) return handle;
        return Object.assign(handle, { sync: () => Promise.reject(failing(errno)) });
      },
    };
    const storage = diskStorage(folder.path, { fs });
    await storage.put("d/a", utf8("x"));
    expect(await read(storage, "d/a")).toBe("x");
  });

  test("a link whose target may not be looked up ends a listing with the reason", async () => {
    await using folder = await freshFolder();
    await diskStorage(folder.path).put("d/a", utf8("x"));
    await fsp.symlink("d", join(folder.path, "link"));
    const fs: DiskFs = {
      ...fsp,
      realpath: async (name) => {
        if (name.endsWith("link")) throw failing("EACCES");
        return await fsp.realpath(name);
      },
    };
    expect(await codeOf(paths(diskStorage(folder.path, { fs }).list("")))).toBe("PERMISSION");
  });

  test("errors that no system call made come through as they are", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    const made: readonly unknown[] = [
      Object.assign(new Error("no call"), { code: "ENOSPC" }),
      Object.assign(new Error("no code"), { syscall: "write" }),
      Object.assign(new Error("a number"), { syscall: "write", code: 28 }),
      { syscall: "write", code: "ENOSPC" },
      new DOMException("stop", "AbortError"),
    ];
    for (const error of made) {
      const body = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield utf8("x");
        throw error;
      };
      expect(await storage.put("a", body()).catch((thrown: unknown) => thrown)).toBe(error);
    }
    expect(await paths(storage.list(""))).toEqual([]);
  });

  test.each([1, 2])("flush %i of a file that is flushed while it grows fails, and the put with it", async (which) => {
    await using folder = await freshFolder();
    const plain = diskStorage(folder.path);
    await plain.put("f/a", utf8("old"));
    let flushes = 0;
    const onStep: Step = (step, name) => {
      // The system tells it once: the next flush succeeds.
      if (step === "sync" && name.includes(".tmp") && ++flushes === which) throw failing("EIO");
    };
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 5; i++) yield new Uint8Array(4 * 2 ** 20);
    }
    const put = diskStorage(folder.path, { fs: watched(folder.path, onStep) }).put("f/a", body());
    await expect(put).rejects.toMatchObject({ code: "IO", details: { errno: "EIO" } });
    expect(flushes).toBeGreaterThanOrEqual(which);
    expect(await paths(plain.debris(""))).toEqual([]);
    expect(await read(plain, "f/a")).toBe("old");
  });

  test("a system that takes three bytes at a time still gets everything", async () => {
    await using folder = await freshFolder();
    const fs: DiskFs = {
      ...fsp,
      open: async (name, flags, mode) => {
        const handle = await fsp.open(name, flags, mode);
        const write = handle.write.bind(handle);
        return Object.assign(handle, {
          write: (bytes: Uint8Array, offset: number, length: number, position: number | null) =>
            write(bytes, offset, Math.min(3, length), position),
        });
      },
    };
    const storage = diskStorage(folder.path, { fs });
    await storage.put("a", utf8("0123456789"));
    await storage.append("a", utf8("abcdefghij"));
    expect(await read(storage, "a")).toBe("0123456789abcdefghij");
  });

  test.each(["write", "sync"])("an append whose %s fails half way is cut back", async (call) => {
    await using folder = await freshFolder();
    await diskStorage(folder.path).append("log", utf8("one\n"));
    let seen = 0;
    const fs: DiskFs = {
      ...fsp,
      open: async (name, flags, mode) => {
        const handle = await fsp.open(name, flags, mode);
        const [write, sync] = [handle.write.bind(handle), handle.sync.bind(handle)];
        return Object.assign(handle, {
          write: (bytes: Uint8Array, offset: number, length: number, position: number | null) => {
            if (call === "write" && ++seen === 2) return Promise.reject(failing("ENOSPC"));
            return write(bytes, offset, Math.min(2, length), position);
          },
          sync: () => (call === "sync" && ++seen === 1 ? Promise.reject(failing("ENOSPC")) : sync()),
        });
      },
    };
    expect(await codeOf(diskStorage(folder.path, { fs }).append("log", utf8("two\n")))).toBe("FULL");
    expect(await read(diskStorage(folder.path), "log")).toBe("one\n");
  });
});

describe("extend", () => {
  const old = utf8("0123456789");

  /** A disk whose copies go as `copyFile` says, with the calls of it counted. */
  const extended = async (
    copyFile: (copy: () => Promise<void>, to: string, from: string) => Promise<void>,
  ): Promise<{ readonly end: string; readonly names: readonly string[]; readonly opened: readonly string[] }> => {
    await using folder = await freshFolder();
    const plain = diskStorage(folder.path);
    const { etag } = await plain.put("f/old", old);
    const opened: string[] = [];
    const fs: DiskFs = {
      ...fsp,
      copyFile: (from, to, mode) => copyFile(() => fsp.copyFile(from, to, mode), to, from),
      open: (name, flags, mode) => {
        opened.push(String(flags));
        return fsp.open(name, flags, mode);
      },
    };
    const end = await diskStorage(folder.path, { fs })
      .extend("f/new", { path: "f/old", etag, length: 4 }, utf8("xy"))
      .then(async () => await read(plain, "f/new"))
      .catch((error: unknown) => (error instanceof StorageError ? error.code : String(error)));
    expect(await paths(plain.debris(""))).toEqual([]);
    return { end: end ?? "", names: await paths(plain.list("")), opened };
  };

  test("lets the system copy, and reads nothing itself", async () => {
    const { end, names, opened } = await extended((copy) => copy());
    expect([end, names]).toEqual(["0123xy", ["f/new", "f/old"]]);
    expect(opened).not.toContain("wx");
  });

  test.each(["EXDEV", "ENOTSUP", "EINVAL", "EPERM", "EACCES", "ENOSYS"])(
    "copies by reading where the system says %s",
    async (errno) => {
      const { end, names, opened } = await extended(() => Promise.reject(failing(errno)));
      expect([end, names]).toEqual(["0123xy", ["f/new", "f/old"]]);
      expect(opened).toContain("wx");
    },
  );

  test("copies by reading where the system copied too little", async () => {
    const { end } = await extended((_, to) => fsp.writeFile(to, utf8("012")));
    expect(end).toBe("0123xy");
  });

  test("keeps to the bytes it was asked for where the name is replaced before the copy", async () => {
    const { end } = await extended(async (copy, _, from) => {
      await fsp.writeFile(`${from}.other`, utf8("other bytes here"));
      await fsp.rename(`${from}.other`, from);
      await copy();
    });
    expect(end).toBe("0123xy");
  });

  test.each(["before the copy", "while it is looked for"])(
    "keeps to them where the name is removed %s",
    async (when) => {
      await using folder = await freshFolder();
      const plain = diskStorage(folder.path);
      const { etag } = await plain.put("f/old", old);
      let looks = 0;
      const fs: DiskFs = {
        ...fsp,
        copyFile: async (from, to, mode) => {
          await fsp.unlink(from);
          await fsp.copyFile(from, to, mode);
        },
        realpath: async (name) => {
          if (when === "while it is looked for" && name.endsWith("f/old") && ++looks === 1) await fsp.unlink(name);
          return await fsp.realpath(name);
        },
      };
      await diskStorage(folder.path, { fs }).extend("f/new", { path: "f/old", etag, length: 4 }, utf8("xy"));
      expect([await read(plain, "f/new"), await paths(plain.list(""))]).toEqual(["0123xy", ["f/new"]]);
      expect(await paths(plain.debris(""))).toEqual([]);
    },
  );

  test.each([
    ["ENOSPC", "FULL"],
    ["EIO", "IO"],
  ])("a copy that ends in %s changes nothing and leaves nothing", async (errno, code) => {
    const { end, names } = await extended(async (_, to) => {
      await fsp.writeFile(to, utf8("01"));
      throw failing(errno);
    });
    expect([end, names]).toEqual([code, ["f/old"]]);
  });

  test("writes beside a file that its owner made read-only", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    const { etag } = await storage.put("old", old);
    await fsp.chmod(join(folder.path, "old"), 0o444);
    await storage.extend("new", { path: "old", etag, length: 10 }, utf8("!"));
    expect([await read(storage, "new"), await read(storage, "old")]).toEqual(["0123456789!", "0123456789"]);
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

  test("a listing of a few thousand files in many folders is complete and in order", async () => {
    await using folder = await freshFolder();
    const names = Array.from({ length: 2_000 }, (_, n) => `d${n % 7}/e${n % 11}/f${n}`);
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
  if (!works("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder.path))
    return context.skip("mount is not permitted here");
  try {
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
  } finally {
    execFileSync("umount", [folder.path]);
  }
});
