/// <reference types="node" />
import * as fsp from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { StorageError } from "../src/index.ts";
import { type DiskFs, diskStorage } from "../src/node/index.ts";
import { codeOf, failing, paths, read, type Step, watched } from "./disk-support.ts";
import { freshFolder, utf8 } from "./folder.ts";

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
    const nothing = { code: "IO", details: { path: "a" } };
    await expect(storage.put("a", utf8("x"))).rejects.toMatchObject(nothing);
    await expect(storage.append("a", utf8("x"))).rejects.toMatchObject(nothing);
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

  test("what someone else wrote after a failed append is not cut off, and the piece before it is told", async () => {
    await using folder = await freshFolder();
    const plain = diskStorage(folder.path);
    await plain.append("log", utf8("one\n"));
    const fs: DiskFs = {
      ...fsp,
      open: async (name, flags, mode) => {
        const handle = await fsp.open(name, flags, mode);
        const write = handle.write.bind(handle);
        let seen = 0;
        return Object.assign(handle, {
          write: async (bytes: Uint8Array, offset: number, _length: number, position: number | null) => {
            if (++seen === 1) return await write(bytes, offset, 2, position);
            await plain.append("log", utf8("three\n"));
            throw failing("ENOSPC");
          },
        });
      },
    };
    const error = await diskStorage(folder.path, { fs })
      .append("log", utf8("two\n"))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "IO",
      details: { path: "log", former: 4, written: 2 },
      cause: { code: "FULL" },
    });
    expect(await read(plain, "log")).toBe("one\ntwthree\n");
  });

  test("where hard links are not allowed, a new name is NOT_SUPPORTED, and nothing is left", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path, { fs: { ...fsp, link: () => Promise.reject(failing("EPERM")) } });
    await storage.put("a", utf8("x"));
    for (const work of [() => storage.put("b", utf8("y"), { mode: "create" }), () => storage.link("a", "b")])
      await expect(work()).rejects.toMatchObject({
        code: "NOT_SUPPORTED",
        details: { path: "b" },
        cause: { code: "EPERM" },
      });
    expect([await paths(storage.list("")), await paths(storage.debris(""))]).toEqual([["a"], []]);
  });
});
