import { describe, expect, test } from "vitest";
import { httpStorage } from "../src/http/index.ts";
import { type ObjectMeta, readAll } from "../src/index.ts";
import { textOf, utf8 } from "./folder.ts";
import {
  type Answer,
  BASE,
  endless,
  failure,
  opened,
  partial,
  server,
  status,
  TAG,
  TEXT,
  whole,
} from "./http-support.ts";

// Answers that a server, or what stands between, may give: a read is the bytes that were asked for, or an error with a code.

describe("opening", () => {
  test.each<readonly [string, Answer, Partial<ObjectMeta>]>([
    ["a range with its total", partial(), { size: 10, etag: TAG }],
    [
      "an empty object, which has no first byte",
      status(416, { "content-range": "bytes */0" }),
      { size: 0, etag: "0-" },
    ],
    ["no ranges, but a length", whole(), { size: 10, etag: TAG }],
    [
      "a date and no tag",
      partial({ etag: undefined, "last-modified": "Thu, 01 Jan 1970 00:00:05 GMT" }),
      { size: 10, etag: "10-Thu, 01 Jan 1970 00:00:05 GMT", modifiedMs: 5000 },
    ],
    ["a date that is none", partial({ "last-modified": "yesterday" }), { size: 10, etag: TAG }],
  ])("%s", async (_name, answer, meta) => {
    const { handle, asked } = await opened(answer);
    expect(handle.meta).toEqual({ path: "a b/c", ...meta });
    expect(asked).toEqual([{ url: `${BASE}a%20b/c`, range: "bytes=0-0", ifMatch: undefined }]);
  });

  test.each<readonly [string, Answer, string]>([
    ["a range without a total", partial({ "content-range": "bytes 0-0/*" }), "NOT_SUPPORTED"],
    ["a range of nobody knows what", partial({ "content-range": undefined }), "NOT_SUPPORTED"],
    ["a range that cannot be read", partial({ "content-range": "bites 0-0/10" }), "NOT_SUPPORTED"],
    ["a range with something before it", partial({ "content-range": "x-bytes 0-0/10" }), "NOT_SUPPORTED"],
    ["a range with something behind it", partial({ "content-range": "bytes 0-0/10, 5" }), "NOT_SUPPORTED"],
    ["no first byte of an object that has some", status(416, { "content-range": "bytes */10" }), "NOT_SUPPORTED"],
    ["no first byte and no reason", status(416), "NOT_SUPPORTED"],
    ["no ranges and no length", () => new Response(TEXT), "NOT_SUPPORTED"],
    ["no ranges and a length of the encoded bytes", whole({ "content-encoding": "gzip" }), "NOT_SUPPORTED"],
    ["no ranges and a length that is none", whole({ "content-length": "ten" }), "NOT_SUPPORTED"],
    ["an answer without a body", status(204), "IO"],
    ["no rights", status(403), "PERMISSION"],
    ["too many requests", status(429), "IO"],
  ])("%s is refused", async (_name, answer, code) => {
    const error = await failure(opened(answer));
    expect([error.code, error.details["path"], error.hint]).toEqual([
      code,
      "a b/c",
      expect.stringMatching(/^[A-Z].*\.$/),
    ]);
  });

  test.each([404, 410])("%i is no such object", async (code) => {
    const { fetch } = server(status(code), partial());
    expect(await httpStorage(BASE, { index: [], fetch }).open("a")).toBe(undefined);
  });

  test("an entry of the index is what the handle tells, as long as the size agrees", async () => {
    const entry = { path: "a b/c", size: 10, etag: "of the index", modifiedMs: 7 };
    expect((await opened(partial(), partial(), [entry])).handle.meta).toEqual(entry);
    const other = await failure(opened(partial(), partial(), [{ ...entry, size: 11 }]));
    expect([other.code, other.message]).toEqual([
      "CONFLICT",
      "a b/c was replaced on the server since the index was written.",
    ]);
    expect((await opened(partial(), partial(), [{ ...entry, path: "other", size: 11 }])).handle.meta.etag).toBe(TAG);
  });
});

describe("reading a range", () => {
  test("takes no more than was asked for, whatever is sent", async () => {
    const { stream, sent } = endless(TEXT);
    const { handle } = await opened(partial(), partial({}, stream));
    const error = await failure(handle.read(2, 5));
    expect([error.code, error.message]).toEqual(["IO", "The server sent more than the 5 bytes asked from a b/c."]);
    expect(sent()).toBeLessThan(4 * 2 ** 20);
  });

  test("asks for those bytes of that version", async () => {
    const { handle, asked } = await opened(partial());
    expect(textOf(await handle.read(2, 5))).toBe("23456");
    expect(textOf(await readAll(handle))).toBe(TEXT);
    expect(asked.slice(1)).toEqual([
      { url: `${BASE}a%20b/c`, range: "bytes=2-6", ifMatch: TAG },
      { url: `${BASE}a%20b/c`, range: "bytes=0-9", ifMatch: TAG },
    ]);
  });

  test.each([['W/"v1"'], [undefined]])("a tag %s cannot be asked for, but a change of it is seen", async (etag) => {
    const { handle, asked } = await opened(partial({ etag }), partial({ etag }));
    expect(textOf(await handle.read(2, 5))).toBe("23456");
    expect(asked[1]?.ifMatch).toBe(undefined);
    const changed = await opened(partial({ etag: 'W/"v1"' }), partial({ etag: 'W/"v2"' }));
    expect((await failure(changed.handle.read(2, 5))).code).toBe("CONFLICT");
  });

  test.each<readonly [string, Answer, string]>([
    ["the whole object", whole(), "IO"],
    ["another range", partial({ "content-range": "bytes 1-5/10" }), "CONFLICT"],
    ["a range of a larger object", partial({ "content-range": "bytes 2-6/11" }), "CONFLICT"],
    ["no range", partial({ "content-range": undefined }), "CONFLICT"],
    ["another tag", partial({ etag: '"v2"' }), "CONFLICT"],
    ["that the version is gone", status(412), "CONFLICT"],
    ["that the range is outside", status(416), "CONFLICT"],
    ["that the object is gone", status(404), "CONFLICT"],
    ["that it is gone for good", status(410), "CONFLICT"],
    ["an error of its own", status(500), "IO"],
    ["that nobody may", status(401), "PERMISSION"],
    ["too few bytes", partial({}, "234"), "IO"],
    ["too many bytes", partial({}, "23456789"), "IO"],
  ])("%s is an error", async (_name, answer, code) => {
    const { handle } = await opened(partial(), answer);
    const error = await failure(handle.read(2, 5));
    expect([error.code, error.details["path"], error.hint !== undefined]).toEqual([code, "a b/c", true]);
    if (code === "CONFLICT") expect(error.message).toBe("a b/c was replaced on the server while it was open.");
  });

  test("a range of unknown total from a server that told it before is taken", async () => {
    const { handle } = await opened(partial(), partial({ "content-range": "bytes 2-6/*" }));
    expect(textOf(await handle.read(2, 5))).toBe("23456");
  });

  test("a tag or a date that only one answer tells speaks against nothing", async () => {
    const dated = { "last-modified": "Thu, 01 Jan 1970 00:00:05 GMT" };
    for (const [first, then] of [
      [{ etag: undefined }, { etag: TAG }],
      [{ etag: TAG }, { etag: undefined }],
      [{ etag: undefined }, { etag: undefined, ...dated }],
      [
        { etag: undefined, ...dated },
        { etag: TAG, ...dated },
      ],
    ]) {
      const { handle } = await opened(partial(first), partial(then));
      expect(textOf(await handle.read(2, 5))).toBe("23456");
    }
  });

  test("an answer that has no body at all is told as any other", async () => {
    const empty =
      (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
      () =>
        new Response(null, { status: code, headers });
    const { fetch } = server(empty(404), empty(404));
    expect(await httpStorage(BASE, { index: [], fetch }).open("a")).toBe(undefined);
    const nothing = await opened(empty(416, { "content-range": "bytes */0" }));
    expect(nothing.handle.meta.size).toBe(0);
    for (const answer of [empty(412), empty(206, { "content-range": "bytes 2-6/11" })]) {
      const { handle } = await opened(partial(), answer);
      expect((await failure(handle.read(2, 5))).code).toBe("CONFLICT");
    }
  });

  test("dates count only where no tag does", async () => {
    const [early, late] = [{ "last-modified": "Thu, 01 Jan 1970 00:00:05 GMT" }, { "last-modified": "later" }];
    const tagged = await opened(partial(early), partial(late));
    expect(textOf(await tagged.handle.read(0, 1))).toBe("0");
    const dated = await opened(partial({ etag: undefined, ...early }), partial({ etag: undefined, ...late }));
    expect((await failure(dated.handle.read(0, 1))).code).toBe("CONFLICT");
    const silent = await opened(partial({ etag: undefined, ...early }), partial({ etag: undefined }));
    expect(textOf(await silent.handle.read(0, 1))).toBe("0");
  });

  test("a connection that breaks in the middle is IO and keeps the cause; an abort is the abort", async () => {
    const cause = new TypeError("terminated");
    const breaking: Answer = (asked) =>
      partial({}, new ReadableStream({ pull: (stream) => stream.error(cause) }))(asked);
    const { handle } = await opened(partial(), breaking);
    expect(await failure(handle.read(2, 5))).toMatchObject({ code: "IO", cause, details: { path: "a b/c" } });

    const controller = new AbortController();
    const reason = new Error("enough");
    const stopping: Answer = (asked) =>
      partial(
        {},
        new ReadableStream({
          pull: (stream) => {
            controller.abort(reason);
            stream.error(cause);
          },
        }),
      )(asked);
    const stopped = await opened(partial(), stopping);
    await expect(stopped.handle.read(2, 5, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("no bytes are no request, and a range outside is none either", async () => {
    const { handle, asked } = await opened(partial());
    expect(await handle.read(10, 0)).toEqual(new Uint8Array(0));
    expect((await failure(handle.read(9, 2))).code).toBe("RANGE");
    await expect(handle.read(0, 1, { signal: AbortSignal.abort("no") })).rejects.toBe("no");
    expect(asked.length).toBe(1);
  });
});

describe("reading without ranges", () => {
  test("one download serves all reads, until the handle is disposed of", async () => {
    const { handle, asked } = await opened(whole(), whole());
    expect(textOf(await handle.read(2, 5))).toBe("23456");
    const [a, b] = await Promise.all([handle.read(0, 3), handle.read(7, 3)]);
    expect([textOf(a), textOf(b)]).toEqual(["012", "789"]);
    a.fill(0);
    expect(textOf(await readAll(handle))).toBe(TEXT);
    expect(asked.slice(1)).toEqual([{ url: `${BASE}a%20b/c`, range: "bytes=0-", ifMatch: TAG }]);
    await handle[Symbol.asyncDispose]();
    expect(textOf(await handle.read(2, 5))).toBe("23456");
    expect(asked.length).toBe(3);
  });

  test.each<readonly [string, Answer, string]>([
    ["another tag", whole({ etag: '"v2"' }), "CONFLICT"],
    ["another length", whole({ "content-length": "11" }), "CONFLICT"],
    ["that the version is gone", status(412), "CONFLICT"],
    ["that the object is gone", status(404), "CONFLICT"],
    ["that it is gone for good", status(410), "CONFLICT"],
    ["an error of its own", status(503), "IO"],
    ["that nobody may", status(403), "PERMISSION"],
    ["too few bytes", whole({}, utf8("012")), "IO"],
  ])("%s is an error, and the next read asks again", async (_name, answer, code) => {
    let broken = true;
    const { handle } = await opened(whole(), (asked) => (broken ? answer(asked) : whole()(asked)));
    const error = await failure(handle.read(2, 5));
    expect([error.code, error.details["path"]]).toEqual([code, "a b/c"]);
    if (code === "CONFLICT") expect(error.message).toBe("a b/c was replaced on the server while it was open.");
    broken = false;
    expect(textOf(await handle.read(2, 5))).toBe("23456");
  });

  test("up to 8 MiB are fetched, no more", async () => {
    const size = 8 * 2 ** 20;
    const of =
      (length: number): Answer =>
      () =>
        new Response(new Uint8Array(length), { headers: { "content-length": `${length}` } });
    const { handle } = await opened(of(size), of(size));
    expect((await handle.read(size - 1, 1)).length).toBe(1);
    const large = await opened(of(size + 1), of(size + 1));
    expect(await failure(large.handle.read(0, 1))).toMatchObject({
      code: "NOT_SUPPORTED",
      details: { path: "a b/c", size: size + 1, limit: size },
    });
    expect(large.asked.length).toBe(1);
  });
});

test("the caller's abort ends every request that is out, with the caller's reason", async () => {
  const reason = new Error("enough");
  for (const verb of ["open", "read", "list"]) {
    const controller = new AbortController();
    const { signal } = controller;
    let answered = 0;
    const ask: typeof fetch = (url, init) => {
      if (verb === "read" && answered++ === 0)
        return Promise.resolve(partial()({ url: String(url), range: "bytes=0-0", ifMatch: undefined }));
      controller.abort(reason);
      return init?.signal?.aborted === true
        ? Promise.reject(new TypeError("broken off"))
        : Promise.resolve(new Response("[]"));
    };
    const storage = httpStorage(BASE, { index: "index.json", fetch: ask });
    const work = async (): Promise<unknown> => {
      if (verb === "open") return storage.open("a", { signal });
      if (verb === "read") return (await storage.open("a"))?.read(0, 3, { signal });
      return storage.list("", { signal })[Symbol.asyncIterator]().next();
    };
    await expect(work(), verb).rejects.toBe(reason);
  }
});

test("a request that is never answered is IO with the address, and an abort is the abort", async () => {
  const cause = new TypeError("fetch failed");
  const ask: typeof fetch = () => Promise.reject(cause);
  const storage = httpStorage(BASE, { index: [], fetch: ask });
  expect(await failure(storage.open("a"))).toMatchObject({
    code: "IO",
    cause,
    details: { path: "a", url: `${BASE}a` },
  });
});
