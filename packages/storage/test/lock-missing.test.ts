/// <reference types="node" />
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
  return error instanceof StorageError ? [error.code, error.message] : error;
}

test("without the native library a lock is refused, never left out", async () => {
  const missing = (): object => {
    throw new Error("no prebuilt library");
  };
  expect(await codeWith(missing)).toEqual([
    "NOT_SUPPORTED",
    "File locks need the optional native library koffi, which did not load.",
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
  expect(await codeWith(() => koffi)).toMatchObject([code, expect.stringContaining("l")]);
});

test("a flock that says a number nobody knows", async () => {
  const koffi = { load: () => ({ func: () => () => -1 }), errno: () => 4711, os: { errno: {} } };
  expect(await codeWith(() => koffi)).toEqual(["IO", expect.stringContaining("errno 4711")]);
});
