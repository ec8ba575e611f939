/// <reference types="node" />
import { expect, test } from "vitest";
import { lockedError } from "../src/adapter/index.ts";
import { memoryStorage, readAll, StorageError } from "../src/index.ts";
import { textOf, utf8 } from "./folder.ts";

// What a refusal tells a program: its code and the facts, for every storage the same.

const refusal = async (work: Promise<unknown>): Promise<unknown> => {
  const error = await work.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  return error instanceof StorageError ? [error.code, error.details] : error;
};

test("every refusal tells its facts", async () => {
  const storage = memoryStorage();
  const { etag } = await storage.put("d/a", utf8("abc"));
  const handle = await storage.open("d/a");
  expect(await refusal(handle!.read(2, 2))).toEqual(["RANGE", { path: "d/a", size: 3, offset: 2, length: 2 }]);
  const from = { path: "d/a", etag: "another", length: 1 };
  expect(await refusal(storage.extend("b", from, utf8("")))).toEqual([
    "CONFLICT",
    { path: "d/a", expected: "another", actual: etag },
  ]);
  expect(await refusal(storage.extend("b", { ...from, path: "none" }, utf8("")))).toEqual([
    "CONFLICT",
    { path: "none", expected: "another", actual: undefined },
  ]);
  expect(await refusal(storage.extend("b", { ...from, etag, length: 4 }, utf8("")))).toEqual([
    "RANGE",
    { path: "d/a", size: 3, offset: 0, length: 4 },
  ]);
  // However much is asked for, it is told as it was asked.
  expect(await refusal(storage.extend("b", { ...from, etag, length: 2 ** 30 }, utf8("")))).toEqual([
    "RANGE",
    { path: "d/a", size: 3, offset: 0, length: 2 ** 30 },
  ]);
  expect(await refusal(storage.put("d/a", utf8("x"), { mode: "create" }))).toEqual(["EXISTS", { path: "d/a" }]);
  expect(await refusal(storage.put("d/a", utf8("x"), { mode: { ifMatch: "another" } }))).toEqual([
    "CONFLICT",
    { path: "d/a", expected: "another", actual: etag },
  ]);
  expect(await refusal(storage.put("none", utf8("x"), { mode: { ifMatch: "another" } }))).toEqual([
    "CONFLICT",
    { path: "none", expected: "another", actual: undefined },
  ]);
  expect(await refusal(storage.rename("none", "b"))).toEqual(["NOT_FOUND", { path: "none" }]);
  expect(await refusal(storage.put("d", utf8("x")))).toEqual(["PATH_INVALID", { path: "d" }]);
  expect(await refusal(storage.put("d/a/x", utf8("x")))).toEqual(["PATH_INVALID", { path: "d/a/x" }]);
  expect(await refusal(storage.put("../x", utf8("x")))).toEqual(["PATH_INVALID", { path: "../x" }]);
  expect(await refusal(storage.put("d/.x.tmp", utf8("x")))).toEqual(["PATH_INVALID", { path: "d/.x.tmp" }]);
  await using held = await storage.lock("l");
  expect([held !== undefined, await refusal(storage.lock("l", { timeoutMs: 3 }))]).toEqual([
    true,
    ["LOCKED", { path: "l", timeoutMs: 3 }],
  ]);
});

test("each reason against a path is told in words", async () => {
  const storage = memoryStorage();
  for (const [path, reason] of [
    ["", "it is empty"],
    ["/a", "absolute"],
    ["a\\b", "backslash"],
    ["a\nb", "control character"],
    ["a\ud800", "surrogate"],
    ["a//b", "empty segment"],
    ["a/./b", "a . segment"],
    ["a/../b", "a .. segment"],
  ] as const)
    await expect(storage.open(path)).rejects.toThrow(reason);
});

test("an error of this package has details, though they may be empty, and keeps its cause", () => {
  const cause = new Error("why");
  expect(new StorageError("IO", "It is.", { cause, hint: "Mend it." })).toMatchObject({
    name: "StorageError",
    message: "It is.",
    code: "IO",
    hint: "Mend it.",
    details: {},
    cause,
  });
  expect("cause" in new StorageError("IO", "It is.")).toBe(false);
  expect(lockedError("l", 5)).toMatchObject({ code: "LOCKED", details: { path: "l", timeoutMs: 5 } });
});

test("an extension of many megabytes has them all", async () => {
  const storage = memoryStorage();
  const bytes = new Uint8Array(
    new Uint32Array((9 * 2 ** 20 + 8) / 4).map((_, i) => Math.imul(i, 2_654_435_761)).buffer,
  );
  const { etag } = await storage.put("a", bytes);
  for (const length of [4 * 2 ** 20, 8 * 2 ** 20 + 1, bytes.length]) {
    await storage.extend("b", { path: "a", etag, length }, utf8("end"));
    const handle = await storage.open("b");
    const whole = await readAll(handle!);
    expect(textOf(whole.subarray(length))).toBe("end");
    expect(Buffer.compare(whole.subarray(0, length), bytes.subarray(0, length))).toBe(0);
  }
});

test("times are those of the clock that is given, and none without one", async () => {
  let now = 5;
  const timed = memoryStorage({ clock: () => now });
  expect(await timed.put("a", utf8("x"))).toMatchObject({ path: "a", size: 1, modifiedMs: 5 });
  now = 0;
  expect(await timed.put("a", utf8("x"))).toMatchObject({ modifiedMs: 0 });
  expect("modifiedMs" in (await memoryStorage().put("a", utf8("x")))).toBe(false);
});
