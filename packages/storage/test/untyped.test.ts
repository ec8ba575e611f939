/// <reference types="node" />
import { memoryStorage, readAll, type Storage } from "@usr/storage";
import { httpStorage } from "@usr/storage/http";
import { diskStorage } from "@usr/storage/node";
import { expect, onTestFinished, test } from "vitest";
import { freshFolder } from "./folder.ts";

const disk = async (): Promise<Storage> => {
  const made = await freshFolder();
  onTestFinished(() => made[Symbol.asyncDispose]());
  return diskStorage(made.path);
};

/** What a program without types may pass for a body. */
const untyped = (value: unknown): Uint8Array => Object.assign({ body: new Uint8Array() }, { body: value }).body;

test.each<[string, () => Storage | Promise<Storage>]>([
  ["memory", memoryStorage],
  ["a disk", disk],
])("%s keeps bytes and nothing else for them", async (_, open) => {
  const storage = await open();
  await storage.put("a", new TextEncoder().encode("before"));
  for (const body of ["text", [1, 2, 3], ["text"], new Float64Array(2), new ArrayBuffer(4), undefined, 5])
    await expect(storage.put("a", untyped(body))).rejects.toThrow(TypeError);
  const handle = await storage.open("a");
  expect(new TextDecoder().decode(await readAll(handle!))).toBe("before");
  await handle![Symbol.asyncDispose]();
  // Views of a pool and of shared memory are bytes.
  const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 3).fill(7);
  for (const bytes of [Buffer.from("xyz"), shared]) {
    await storage.put("b", bytes);
    await using stored = await storage.open("b");
    expect(await readAll(stored!)).toEqual(new Uint8Array(bytes));
  }
});

test("a server without an index is told at once", () => {
  const without: Parameters<typeof httpStorage>[1] = JSON.parse("{}");
  expect(() => httpStorage("https://example.org/", without)).toThrow("HTTP cannot list: give httpStorage an index");
});

test("a read after the handle is closed says so", async () => {
  const storage = await disk();
  await storage.put("a", Uint8Array.of(1));
  const handle = await storage.open("a");
  await handle![Symbol.asyncDispose]();
  await expect(handle!.read(0, 1)).rejects.toThrow("Cannot read a: its handle is closed.");
});
