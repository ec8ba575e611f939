/// <reference types="node" />
import { describe, expect, test } from "vitest";
import { type HttpOptions, httpStorage } from "../src/http/index.ts";
import { readAll, StorageError } from "../src/index.ts";
import { textOf, utf8 } from "./folder.ts";
import { type ServerHabits, serve } from "./server.ts";

async function errorOf(work: Promise<unknown>): Promise<StorageError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof StorageError) return error;
  throw new Error(`expected a StorageError, got ${String(error)}`);
}

const listed = async (url: string, index: HttpOptions["index"]): Promise<number> => {
  let count = 0;
  for await (const meta of httpStorage(url, { index }).list("")) count += meta.path.length > 0 ? 1 : 0;
  return count;
};

describe("a replaced object is a CONFLICT", () => {
  const ways: readonly (readonly [string, ServerHabits])[] = [
    ["the server honours If-Match", {}],
    ["it ignores If-Match", { ifMatch: false }],
    ["its tags are weak", { tags: "weak" }],
    ["it has no tags, but the size differs", { tags: "none" }],
    ["it ignores ranges", { ranges: false }],
  ];
  test.each(ways)("%s", async (_way, habits) => {
    const objects = new Map([["a", utf8("0123456789")]]);
    await using server = await serve(objects, habits);
    await using handle = await httpStorage(server.url, { index: [] }).open("a");
    if (habits.ranges ?? true) expect(handle && textOf(await handle.read(2, 3))).toBe("234");
    objects.set("a", utf8("an altogether other text"));
    expect(handle && (await errorOf(handle.read(2, 3))).code).toBe("CONFLICT");
    objects.delete("a");
    expect(handle && (await errorOf(handle.read(2, 3))).code).toBe("CONFLICT");
  });

  test("so is one that the index knows with another size", async () => {
    await using server = await serve(new Map([["a", utf8("0123456789")]]));
    const storage = httpStorage(server.url, { index: [{ path: "a", size: 9, etag: "1" }] });
    expect((await errorOf(storage.open("a"))).code).toBe("CONFLICT");
  });
});

test("each read is one request for just its bytes", async () => {
  await using server = await serve(new Map([["d/a b", new Uint8Array(1_000_000)]]));
  await using handle = await httpStorage(server.url.replace(/\/$/, ""), { index: [] }).open("d/a b");
  expect(handle?.meta.size).toBe(1_000_000);
  await handle?.read(500_000, 10);
  await handle?.read(7, 0);
  expect(server.requests).toEqual(["GET /data/d/a%20b bytes=0-0", "GET /data/d/a%20b bytes=500000-500009"]);
});

test("without ranges a small object is fetched once for all reads, a large one is refused", async () => {
  const objects = new Map([
    ["small", utf8("0123456789")],
    ["large", new Uint8Array(8 * 2 ** 20 + 1)],
  ]);
  await using server = await serve(objects, { ranges: false });
  const storage = httpStorage(server.url, { index: [] });
  await using small = await storage.open("small");
  expect(small && textOf(await readAll(small))).toBe("0123456789");
  expect(small && textOf(await small.read(3, 2))).toBe("34");
  expect(server.requests.length).toBe(2);
  await using large = await storage.open("large");
  const error = large && (await errorOf(large.read(0, 1)));
  expect([error?.code, error?.message]).toEqual([
    "NOT_SUPPORTED",
    "The server ignores ranges, and large is too large (8388609 bytes) to be read whole.",
  ]);
});

test.each([
  [401, "PERMISSION"],
  [403, "PERMISSION"],
  [500, "IO"],
  [503, "IO"],
] as const)("status %i is %s, for objects and for the index", async (status, code) => {
  await using server = await serve(new Map(), { status });
  expect((await errorOf(httpStorage(server.url, { index: [] }).open("a"))).code).toBe(code);
  expect((await errorOf(listed(server.url, "index.json"))).code).toBe(code);
});

test("a server that cannot be reached is IO and keeps the cause", async () => {
  const server = await serve(new Map());
  await server[Symbol.asyncDispose]();
  const error = await errorOf(httpStorage(server.url, { index: [] }).open("a"));
  expect([error.code, error.cause instanceof Error]).toEqual(["IO", true]);
});

test("an index that is missing or broken is an error that says how", async () => {
  const objects = new Map([
    ["text.json", utf8("hello")],
    ["object.json", utf8("{}")],
    ["size.json", utf8('[{"path":"a","etag":"x","size":1},{"path":"b","etag":"x","size":-1}]')],
    ["path.json", utf8('[{"path":"../a","etag":"x","size":1}]')],
    ["good.json", utf8('[{"path":"a","etag":"x","size":1,"modifiedMs":5}]')],
  ]);
  await using server = await serve(objects);
  expect((await errorOf(listed(server.url, "none.json"))).code).toBe("NOT_FOUND");
  expect((await errorOf(listed(server.url, "text.json"))).message).toBe(
    "The index text.json cannot be used: it is no JSON.",
  );
  expect((await errorOf(listed(server.url, "object.json"))).message).toContain("it is no array");
  expect((await errorOf(listed(server.url, "size.json"))).message).toContain("entry 1 has no whole size");
  expect((await errorOf(listed(server.url, "path.json"))).code).toBe("PATH_INVALID");
  expect(await listed(server.url, "good.json")).toBe(1);
});

test("an abort during the request ends it with the caller's reason", async () => {
  const controller = new AbortController();
  const slow: typeof fetch = (_url, init) =>
    new Promise((_resolve, reject) =>
      init?.signal?.addEventListener("abort", () => reject(new TypeError("broken off"))),
    );
  const storage = httpStorage("http://127.0.0.1:1/", { index: [], fetch: slow });
  const opening = storage.open("a", { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(opening).rejects.toBe(controller.signal.reason);
});
