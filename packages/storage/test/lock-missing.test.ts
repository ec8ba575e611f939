/// <reference types="node" />
import { fstatSync, renameSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { freshFolder } from "./folder.ts";

afterEach(() => {
  vi.doUnmock("koffi");
  vi.resetModules();
});

/** What locking throws while the native library is the given one. */
async function codeWith(koffi: () => object): Promise<unknown> {
  vi.resetModules();
  vi.doMock("koffi", koffi);
  const { diskStorage } = await import("../src/node/index.ts");
  const { StorageError } = await import("../src/index.ts");
  await using folder = await freshFolder();
  const error = await diskStorage(folder.path)
    .lock("l", { timeoutMs: 0 })
    .catch((reason: unknown) => reason);
  return error instanceof StorageError ? [error.code, error.message, error.details] : error;
}

/** A library whose `flock` does what `call` says, as an errno or 0. */
const libraryOf = (call: (fd: number, operation: number) => number): object => {
  let errno = 0;
  return {
    load: () => ({
      func: (signature: string) => {
        expect(signature).toBe("int flock(int fd, int operation)");
        return (fd: number, operation: number) => {
          errno = call(fd, operation);
          return errno === 0 ? 0 : -1;
        };
      },
    }),
    errno: () => errno,
    os: { errno: { EWOULDBLOCK: 11 } },
  };
};

/** A lock taken with that library. */
async function lockWith(library: object, folder: string, o: { readonly timeoutMs?: number }): Promise<AsyncDisposable> {
  vi.resetModules();
  vi.doMock("koffi", () => library);
  const { diskStorage } = await import("../src/node/index.ts");
  return await diskStorage(folder).lock("l", o);
}

const [LOCK, UNLOCK] = [2 | 4, 8];

test("without the native library a lock is refused, never left out", async () => {
  const missing = (): object => {
    throw new Error("no prebuilt library");
  };
  expect(await codeWith(missing)).toEqual([
    "NOT_SUPPORTED",
    "File locks need the optional native library koffi, which did not load.",
    { platform: process.platform, arch: process.arch },
  ]);
});

test.each([
  ["ENOLCK", 37, "NOT_SUPPORTED"],
  ["ENOSYS", 38, "NOT_SUPPORTED"],
  ["EOPNOTSUPP", 95, "NOT_SUPPORTED"],
  ["EIO", 5, "IO"],
  ["EWOULDBLOCK", 11, "LOCKED"],
  ["EAGAIN", 11, "LOCKED"],
  ["EINTR", 4, "LOCKED"],
  ["ENOTSUP", 95, "NOT_SUPPORTED"],
  ["EINVAL", 22, "NOT_SUPPORTED"],
])("a flock that says %s", async (name, errno, code) => {
  const koffi = { load: () => ({ func: () => () => -1 }), errno: () => errno, os: { errno: { [name]: errno } } };
  const details = code === "LOCKED" ? { path: "l", timeoutMs: 0 } : { path: "l", errno: name };
  expect(await codeWith(() => koffi)).toEqual([code, expect.stringContaining("l"), details]);
});

test("a flock that says a number nobody knows", async () => {
  const koffi = { load: () => ({ func: () => () => -1 }), errno: () => 4711, os: { errno: {} } };
  expect(await codeWith(() => koffi)).toEqual([
    "IO",
    expect.stringContaining("errno 4711"),
    { path: "l", errno: "errno 4711" },
  ]);
});

test("a lock is given back by a call of its own: who shares the open file may not know that it is over", async () => {
  await using folder = await freshFolder();
  const asked: (readonly [number, number])[] = [];
  const library = libraryOf((fd, operation) => {
    asked.push([fd, operation]);
    return 0;
  });
  const lock = await lockWith(library, folder.path, {});
  expect(asked.map(([, operation]) => operation)).toEqual([LOCK]);
  for (let n = 0; n < 2; n++) await lock[Symbol.asyncDispose]();
  expect(asked).toEqual([
    [asked[0]?.[0], LOCK],
    [asked[0]?.[0], UNLOCK],
  ]);
});

test("who waits for a lock asks less and less often", async () => {
  await using folder = await freshFolder();
  let asked = 0;
  const library = libraryOf(() => {
    asked++;
    return 11;
  });
  await expect(lockWith(library, folder.path, { timeoutMs: 300 })).rejects.toMatchObject({ code: "LOCKED" });
  // After 0, 2, 6, 14, 30, 62 ms, from then on every 50 ms, and at the end.
  expect(asked).toBeGreaterThan(1);
  expect(asked).toBeLessThanOrEqual(12);
});

test("a lock on a file that lost its name to nothing, or to another file, is taken anew", async () => {
  await using folder = await freshFolder();
  const name = join(folder.path, "l");
  const asked: number[] = [];
  const library = libraryOf((fd, operation) => {
    asked.push(operation);
    if (asked.length === 1) unlinkSync(name);
    if (asked.length === 2) {
      writeFileSync(`${name}.new`, "");
      renameSync(`${name}.new`, name);
    }
    if (asked.length === 3) expect(fstatSync(fd).ino).toBe(statSync(name).ino);
    return 0;
  });
  const lock = await lockWith(library, folder.path, { timeoutMs: 10_000 });
  expect(asked).toEqual([LOCK, LOCK, LOCK]);
  await lock[Symbol.asyncDispose]();
});
