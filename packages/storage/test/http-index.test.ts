import { describe, expect, test } from "vitest";
import { httpStorage } from "../src/http/index.ts";
import type { ObjectMeta } from "../src/index.ts";
import { BASE, endless, failure, partial, server, TAG } from "./http-support.ts";

// The list of objects that a web server offers: HTTP itself has none.

describe("the index", () => {
  const list = async (text: string): Promise<readonly ObjectMeta[]> => {
    const metas: ObjectMeta[] = [];
    const { fetch } = server(
      () => new Response(text),
      () => new Response(text),
    );
    for await (const meta of httpStorage(BASE, { index: "in/dex.json", fetch }).list("")) metas.push(meta);
    return metas;
  };
  const good = { path: "a", size: 1, etag: "x" };

  test.each<readonly [string, unknown]>([
    ["is no object", 1],
    ["is no object", null],
    ["is no object", "a"],
    ["has no path", { ...good, path: 1 }],
    ["has no path", { size: 1, etag: "x" }],
    ["has no whole size", { ...good, size: "1" }],
    ["has no whole size", { ...good, size: 1.5 }],
    ["has no whole size", { ...good, size: -1 }],
    ["has no whole size", { path: "a", etag: "x" }],
    ["has no etag", { ...good, etag: 1 }],
    ["has no etag", { path: "a", size: 1 }],
    ["has a modifiedMs that is no number", { ...good, modifiedMs: "now" }],
    ["has a modifiedMs that is no number", { ...good, modifiedMs: null }],
  ])("an entry that %s: %j", async (problem, entry) => {
    const error = await failure(list(JSON.stringify([good, entry])));
    expect(error).toMatchObject({ code: "IO", details: { name: "in/dex.json" } });
    expect(error.message).toContain(`entry 1 ${problem}`);
  });

  test("one without end is refused before it fills the memory", async () => {
    const { stream, sent } = endless("[ ");
    const answer = (): Response => new Response(stream);
    const { fetch } = server(answer, answer);
    const storage = httpStorage(BASE, { index: "in/dex.json", fetch });
    const read = async (): Promise<void> => {
      for await (const _ of storage.list("")) break;
    };
    const error = await failure(read());
    expect(error).toMatchObject({ code: "IO", message: expect.stringContaining("longer than 67108864 bytes") });
    expect(sent()).toBeLessThan(80 * 2 ** 20);
  });

  test("what is not JSON keeps its cause", async () => {
    expect((await failure(list("["))).cause).toBeInstanceOf(Error);
    expect((await failure(list('{"length":0}'))).message).toContain("no array");
  });

  test("other members of an entry are left out, and a size may be nothing", async () => {
    const entries = [
      { ...good, more: 1 },
      { ...good, path: "b", size: 0, modifiedMs: 0 },
    ];
    expect(await list(JSON.stringify(entries))).toEqual([good, { ...good, path: "b", size: 0, modifiedMs: 0 }]);
  });

  test("it is listed in code point order, whatever its own is; where it is gone, that is told", async () => {
    const entries = ["b", "a/c", "a-b", "\u{1f9ec}", "\uffee"].map((path) => ({ ...good, path }));
    const { fetch } = server(
      () => new Response(JSON.stringify(entries)),
      () => new Response("", { status: 410 }),
    );
    const storage = httpStorage(BASE, { index: "index.json", fetch });
    const found: string[] = [];
    for await (const { path } of storage.list("")) found.push(path);
    expect(found).toEqual(["a-b", "a/c", "b", "\uffee", "\u{1f9ec}"]);
    const gone = await failure(storage.list("")[Symbol.asyncIterator]().next());
    expect([gone.code, gone.details]).toEqual(["NOT_FOUND", { path: "index.json", status: 410 }]);
    expect(gone.hint).toMatch(/^[A-Z].*\.$/);
  });

  test("it is asked for afresh by each listing, below the base, and an open knows what the last one told", async () => {
    const asked: string[] = [];
    const ask: typeof fetch = async (url, init) => {
      asked.push(`${String(url)} ${init?.cache ?? ""}`);
      if (String(url).endsWith("dex.json")) return new Response(JSON.stringify([{ ...good, size: 10 }]));
      return partial()({ url: "", range: new Headers(init?.headers).get("range") ?? "", ifMatch: undefined });
    };
    const storage = httpStorage("https://h.example/data", { index: "in/dex.json", fetch: ask });
    expect((await storage.open("a"))?.meta.etag).toBe(TAG);
    for await (const meta of storage.list("")) expect(meta.path).toBe("a");
    for await (const meta of storage.list("b")) expect.unreachable(meta.path);
    expect((await storage.open("a"))?.meta.etag).toBe("x");
    expect(asked).toEqual([`${BASE}a `, `${BASE}in/dex.json no-cache`, `${BASE}in/dex.json no-cache`, `${BASE}a `]);
  });
});
