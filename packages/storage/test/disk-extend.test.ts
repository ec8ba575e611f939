/// <reference types="node" />
import * as fsp from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { StorageError } from "../src/index.ts";
import { type DiskFs, diskStorage } from "../src/node/index.ts";
import { failing, paths, read } from "./disk-support.ts";
import { freshFolder, utf8 } from "./folder.ts";

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
