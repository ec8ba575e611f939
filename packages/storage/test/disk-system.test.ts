/// <reference types="node" />
import { createHash } from "node:crypto";
import * as fsp from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { StorageErrorCode } from "../src/index.ts";
import { type DiskFs, diskStorage } from "../src/node/index.ts";
import { failing, paths, read } from "./disk-support.ts";
import { freshFolder, textOf, utf8 } from "./folder.ts";

// What the disk asks of the system, and what it tells of the system's answers.

type DiskFile = Awaited<ReturnType<DiskFs["open"]>>;

/** The real file system, with the files it opens changed by `change`. */
const withFiles = (change: (file: DiskFile, name: string) => Partial<DiskFile>): DiskFs => ({
  ...fsp,
  open: async (name, flags, mode) => {
    const file = await fsp.open(name, flags, mode);
    return Object.assign(file, change(file, name));
  },
});

/** The errno of a call, and what the caller is told. */
const CODES: readonly (readonly [string, StorageErrorCode])[] = [
  ["ENOSPC", "FULL"],
  ["EDQUOT", "FULL"],
  ["EROFS", "READ_ONLY"],
  ["EACCES", "PERMISSION"],
  ["EPERM", "PERMISSION"],
  ["EMFILE", "TOO_MANY_FILES"],
  ["ENFILE", "TOO_MANY_FILES"],
  ["ENOENT", "NOT_FOUND"],
  ["EEXIST", "EXISTS"],
  ["EXDEV", "NOT_SUPPORTED"],
  ["ENOSYS", "NOT_SUPPORTED"],
  ["ENOTSUP", "NOT_SUPPORTED"],
  ["EOPNOTSUPP", "NOT_SUPPORTED"],
  ["ENOTDIR", "PATH_INVALID"],
  ["EISDIR", "PATH_INVALID"],
  ["ENOTEMPTY", "PATH_INVALID"],
  ["ENAMETOOLONG", "PATH_INVALID"],
  ["ELOOP", "PATH_INVALID"],
  ["EIO", "IO"],
  ["ESTALE", "IO"],
];

test.each(CODES)(
  "%s is %s, with a reason of its own, and a way out unless it speaks for itself",
  async (errno, code) => {
    await using folder = await freshFolder();
    const cause = failing(errno);
    const fs: DiskFs = { ...fsp, rename: () => Promise.reject(cause) };
    const storage = diskStorage(folder.path, { fs });
    const error = await storage.put("d/a", utf8("x")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, details: { path: "d/a", action: "replace", errno }, cause });
    expect(String(error)).toMatch(/^StorageError: Cannot replace d\/a: [a-z].{8,}\.$/);
    const plain = code === "NOT_FOUND" || code === "EXISTS";
    expect(error).toHaveProperty("hint", plain ? undefined : expect.stringMatching(/^[A-Z].*\.$/));
  },
);

test.each([
  Object.assign(new Error("a number"), { syscall: "open", code: 28 }),
  Object.assign(new Error("no call"), { code: "ENOSPC" }),
  { syscall: "open", code: "ENOSPC" },
])("what the system did not say comes through as it is: %o", async (cause) => {
  await using folder = await freshFolder();
  const storage = diskStorage(folder.path, { fs: { ...fsp, open: () => Promise.reject(cause) } });
  expect(await storage.open("a").catch((thrown: unknown) => thrown)).toBe(cause);
  expect(await storage.put("a", utf8("x")).catch((thrown: unknown) => thrown)).toBe(cause);
});

test("inodes, sizes and times are asked for as big numbers: others are rounded beyond 2 ** 53", async () => {
  await using folder = await freshFolder();
  let rounded = 0;
  const exactly = <T>(o: { readonly bigint: boolean }, stats: () => Promise<T>): Promise<T> => {
    if (o.bigint !== true) rounded++;
    return stats();
  };
  const fs: DiskFs = {
    ...withFiles((file) => {
      const stat = file.stat.bind(file);
      return { stat: (o) => exactly(o, () => stat(o)) };
    }),
    stat: (name, o) => exactly(o, () => fsp.stat(name, o)),
    lstat: (name, o) => exactly(o, () => fsp.lstat(name, o)),
  };
  const storage = diskStorage(folder.path, { fs });
  const { etag } = await storage.put("d/a", utf8("0123"));
  await storage.put("d/a", utf8("4567"), { mode: { ifMatch: etag } });
  await storage.append("d/log", utf8("1"));
  await using log = (await storage.open("d/log"))!;
  const from = { path: "d/log", etag: log.meta.etag, length: 1 };
  await storage.extend("e", from, utf8("2"));
  await storage.link("e", "f");
  await storage.rename("e", "f");
  await storage.delete("d");
  await fsp.symlink("log", join(folder.path, "d/link"));
  await fsp.symlink("d", join(folder.path, "also"));
  expect(await paths(storage.list(""))).toEqual(["also/a", "also/link", "also/log", "d/a", "d/link", "d/log", "f"]);
  const torn = diskStorage(folder.path, {
    fs: {
      ...fs,
      open: async (...args) => Object.assign(await fs.open(...args), { sync: () => Promise.reject(failing("EIO")) }),
    },
  });
  await expect(torn.append("d/log", utf8("2"))).rejects.toMatchObject({ code: "IO" });
  expect(rounded).toBe(0);
});

describe("opening", () => {
  test.each([
    ["EACCES", "PERMISSION"],
    ["EMFILE", "TOO_MANY_FILES"],
    ["EIO", "IO"],
  ])("that is refused by %s is told, not tried in another way", async (errno, code) => {
    await using folder = await freshFolder();
    await diskStorage(folder.path).put("a", utf8("x"));
    let opened = 0;
    const fs: DiskFs = {
      ...fsp,
      open: (...args) => (++opened === 1 ? Promise.reject(failing(errno)) : fsp.open(...args)),
    };
    const details = { path: "a", action: "open", errno };
    await expect(diskStorage(folder.path, { fs }).open("a")).rejects.toMatchObject({ code, details });
    expect(opened).toBe(1);
  });

  test("what a link leads to is opened, and its refusal told", async () => {
    await using folder = await freshFolder();
    await diskStorage(folder.path).put("a", utf8("x"));
    await fsp.symlink("a", join(folder.path, "link"));
    const fs: DiskFs = {
      ...fsp,
      open: (name, ...args) => (name.endsWith("/a") ? Promise.reject(failing("EACCES")) : fsp.open(name, ...args)),
    };
    const details = { path: "link", action: "open", errno: "EACCES" };
    await expect(diskStorage(folder.path, { fs }).open("link")).rejects.toMatchObject({ code: "PERMISSION", details });
  });

  test("a socket is no object, and no error", async () => {
    await using folder = await freshFolder();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder.path, "socket"), resolve));
    const asked: string[] = [];
    const fs: DiskFs = {
      ...fsp,
      realpath: (name) => {
        asked.push(name);
        return fsp.realpath(name);
      },
    };
    const storage = diskStorage(folder.path, { fs });
    expect(await storage.open("socket")).toBe(undefined);
    expect([await paths(storage.list("")), await storage.digest("socket")]).toEqual([[], undefined]);
    expect(asked.filter((name) => name.endsWith("socket"))).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("reading", () => {
  test("goes into the memory that is given where it is enough, else into its own", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    await storage.put("a", utf8("0123456789"));
    await using handle = (await storage.open("a"))!;
    for (const size of [4, 5, 9]) {
      const into = new Uint8Array(size);
      const bytes = await handle.read(3, 5, { into });
      expect([size, textOf(bytes), bytes.buffer === into.buffer]).toEqual([size, "34567", size >= 5]);
    }
  });

  test.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 2 ** 21 + 5])(
    "the digest of %i bytes is that of all",
    async (size) => {
      await using folder = await freshFolder();
      const storage = diskStorage(folder.path);
      const bytes = new Uint8Array(
        new Uint32Array(Math.ceil(size / 4)).map((_, i) => Math.imul(i, 2_654_435_761)).buffer,
      );
      await storage.put("a", bytes.subarray(0, size));
      expect(await storage.digest("a")).toBe(createHash("sha256").update(bytes.subarray(0, size)).digest("hex"));
    },
  );
});

describe("refusals tell their facts:", () => {
  test("names that stand for nothing, for folders, and for links", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    await storage.put("d/a", utf8("x"));
    await fsp.symlink("a", join(folder.path, "d/link"));
    const absent = { code: "NOT_FOUND", details: { path: "none" } };
    await expect(storage.rename("none", "b")).rejects.toMatchObject(absent);
    await expect(storage.link("none", "b")).rejects.toMatchObject(absent);
    await expect(storage.link("d", "b")).rejects.toMatchObject({ code: "NOT_FOUND", details: { path: "d" } });
    const details = { path: "d/link", to: "b" };
    await expect(storage.rename("d/link", "b")).rejects.toMatchObject({ code: "PATH_INVALID", details });
    expect(await paths(storage.list(""))).toEqual(["d/a", "d/link"]);
  });

  test("a file that was cut while it was open", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path);
    await storage.put("a", utf8("0123456789"));
    await using handle = (await storage.open("a"))!;
    await fsp.truncate(join(folder.path, "a"), 4);
    await expect(handle.read(0, 10)).rejects.toMatchObject({ code: "CONFLICT", details: { path: "a", size: 10 } });
  });

  test("a file that went away while its removal was refused", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path, {
      fs: {
        ...fsp,
        unlink: async (name) => {
          await fsp.unlink(name);
          throw failing("EACCES");
        },
      },
    });
    await storage.put("a", utf8("x"));
    const details = { path: "a", action: "delete", errno: "EACCES" };
    await expect(storage.delete("a")).rejects.toMatchObject({ code: "PERMISSION", details });
  });

  test("the second name of a file that cannot be taken away", async () => {
    await using folder = await freshFolder();
    const storage = diskStorage(folder.path, { fs: { ...fsp, unlink: () => Promise.reject(failing("EIO")) } });
    await storage.put("a", utf8("x"));
    await storage.link("a", "b");
    const details = { path: "a", action: "rename", errno: "EIO" };
    await expect(storage.rename("a", "b")).rejects.toMatchObject({ code: "IO", details });
  });

  test("an append that failed and could not be cut back", async () => {
    await using folder = await freshFolder();
    await diskStorage(folder.path).append("log", utf8("one\n"));
    let writes = 0;
    const fs = withFiles((file) => {
      const write = file.write.bind(file);
      return {
        write: (bytes, offset, _, position) =>
          ++writes === 1 ? write(bytes, offset, 3, position) : Promise.reject(failing("ENOSPC")),
        truncate: () => Promise.reject(failing("EIO")),
      };
    });
    await expect(diskStorage(folder.path, { fs }).append("log", utf8("two\n"))).rejects.toMatchObject({
      code: "IO",
      details: { path: "log", former: 4, written: 3 },
      cause: { code: "FULL" },
    });
    expect(await read(diskStorage(folder.path), "log")).toBe("one\ntwo");
  });
});

test("what someone else puts under the old name of a moved file, even on another device, is not taken away", async () => {
  await using folder = await freshFolder();
  let looks = 0;
  const gone: string[] = [];
  const fs: DiskFs = {
    ...fsp,
    lstat: async (name, o) => {
      if (!name.endsWith("/a") || ++looks === 1) return await fsp.lstat(name, o);
      return Object.assign(await fsp.lstat(join(folder.path, "b"), o), { dev: -1n });
    },
    unlink: async (name) => void gone.push(name),
  };
  const storage = diskStorage(folder.path, { fs });
  await storage.put("a", utf8("x"));
  await storage.rename("a", "b");
  expect([looks, gone]).toEqual([2, []]);
});

test("a new spelling of a name, where the file system takes both for one, is the same file", async () => {
  await using folder = await freshFolder();
  const folded = (name: string): string => folder.path + name.slice(folder.path.length).toLowerCase();
  const fs: DiskFs = {
    ...fsp,
    lstat: (name, o) => fsp.lstat(folded(name), o),
    mkdir: (name, o) => fsp.mkdir(folded(name), o),
    open: (name, flags, mode) => fsp.open(folded(name), flags, mode),
    realpath: (name) => fsp.realpath(folded(name)),
    rename: (from, to) => fsp.rename(folded(from), folded(to)),
    unlink: (name) => fsp.unlink(folded(name)),
  };
  const storage = diskStorage(folder.path, { fs });
  await storage.put("mock/a", utf8("x"));
  await storage.rename("Mock/a", "mock/a");
  expect(await read(storage, "mock/a")).toBe("x");
  // Two names of one file are two all the same, and neither is lost to another spelling of itself.
  await storage.link("mock/a", "mock/b");
  await storage.rename("Mock/a", "mock/a");
  expect(await read(storage, "mock/a")).toBe("x");
  await storage.rename("mock/a", "mock/b");
  expect(await read(storage, "mock/b")).toBe("x");
  expect(await storage.open("mock/a")).toBeUndefined();
});

test("a refusal comes when its clean-up is done, whatever that said", async () => {
  await using folder = await freshFolder();
  let cleaned = 0;
  const fs: DiskFs = {
    ...withFiles(() => ({ write: () => Promise.reject(failing("ENOSPC")) })),
    unlink: async (name) => {
      await sleep(20);
      await fsp.unlink(name);
      cleaned++;
      throw failing("EIO");
    },
  };
  const storage = diskStorage(folder.path, { fs });
  await expect(storage.put("a", utf8("x"))).rejects.toMatchObject({ code: "FULL" });
  expect([cleaned, await fsp.readdir(folder.path)]).toEqual([1, []]);
});

test("a length that comes to nothing fails the extension alone, not the process", async () => {
  await using folder = await freshFolder();
  const stray: unknown[] = [];
  const onStray = (reason: unknown): void => void stray.push(reason);
  process.on("unhandledRejection", onStray);
  try {
    const fs: DiskFs = {
      ...fsp,
      copyFile: async (...args) => {
        await sleep(20);
        await fsp.copyFile(...args);
      },
    };
    const storage = diskStorage(folder.path, { fs });
    const { etag } = await storage.put("a", utf8("0123"));
    const reason = new Error("the rows differ");
    const length = Promise.reject(reason);
    length.catch(() => {});
    await expect(storage.extend("b", { path: "a", etag, length }, utf8("x"))).rejects.toBe(reason);
    await sleep(5);
    expect([stray, await fsp.readdir(folder.path)]).toEqual([[], ["a"]]);
  } finally {
    process.off("unhandledRejection", onStray);
  }
});
