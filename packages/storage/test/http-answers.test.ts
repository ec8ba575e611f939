import { describe, expect, test } from "vitest";
import { type HttpOptions, httpStorage } from "../src/http/index.ts";
import { type ObjectMeta, type ReadHandle, readAll, StorageError } from "../src/index.ts";
import { textOf, utf8 } from "./folder.ts";

// Answers that a server, or what stands between, may give: a read is the bytes that were asked for, or an error with a code.

const TEXT = "0123456789";
const TAG = '"v1"';
const BASE = "https://h.example/data/";

interface Asked {
  readonly url: string;
  readonly range: string | undefined;
  readonly ifMatch: string | undefined;
}

type Answer = (asked: Asked) => Response | Promise<Response>;

/** Answers the first request, which opens, with `opening`, and all others with `reading`; tells what was asked. */
function server(opening: Answer, reading: Answer): { readonly fetch: typeof fetch; readonly asked: readonly Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      const one = {
        url: String(url),
        range: headers.get("range") ?? undefined,
        ifMatch: headers.get("if-match") ?? undefined,
      };
      asked.push(one);
      return asked.length === 1 ? opening(one) : reading(one);
    },
  };
}

/** A right answer to a request for a range, with changes. */
const partial =
  (headers: Readonly<Record<string, string | undefined>> = {}, body?: BodyInit): Answer =>
  ({ range }) => {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
    const start = Number(from);
    const end = to === "" ? TEXT.length - 1 : Number(to);
    const all: Record<string, string | undefined> = {
      etag: TAG,
      "content-range": `bytes ${start}-${end}/${TEXT.length}`,
      ...headers,
    };
    const told = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
    return new Response(body ?? TEXT.slice(start, end + 1), {
      status: 206,
      headers: [...told.map(([a, b]): [string, string] => [a, b])],
    });
  };

const whole =
  (headers: Readonly<Record<string, string>> = {}, body: BodyInit = TEXT): Answer =>
  () =>
    new Response(body, { headers: { "content-length": `${TEXT.length}`, etag: TAG, ...headers } });

const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  () =>
    new Response(code === 204 ? null : "sorry", { status: code, headers });

async function opened(
  opening: Answer,
  reading: Answer = partial(),
  index: HttpOptions["index"] = [],
): Promise<{ readonly handle: ReadHandle; readonly asked: readonly Asked[] }> {
  const { fetch, asked } = server(opening, reading);
  const handle = await httpStorage(BASE, { index, fetch }).open("a b/c");
  if (handle === undefined) throw new Error("there is no such object");
  return { handle, asked };
}

const failure = async (work: Promise<unknown>): Promise<StorageError> => {
  const error = await work.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (error instanceof StorageError) return error;
  throw new Error(`expected a StorageError, got ${String(error)}`);
};

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
    expect([error.code, error.details["path"], error.hint !== undefined]).toEqual([code, "a b/c", true]);
  });

  test.each([404, 410])("%i is no such object", async (code) => {
    const { fetch } = server(status(code), partial());
    expect(await httpStorage(BASE, { index: [], fetch }).open("a")).toBe(undefined);
  });

  test("an entry of the index is what the handle tells, as long as the size agrees", async () => {
    const entry = { path: "a b/c", size: 10, etag: "of the index", modifiedMs: 7 };
    expect((await opened(partial(), partial(), [entry])).handle.meta).toEqual(entry);
    expect((await failure(opened(partial(), partial(), [{ ...entry, size: 11 }]))).code).toBe("CONFLICT");
    expect((await opened(partial(), partial(), [{ ...entry, path: "other", size: 11 }])).handle.meta.etag).toBe(TAG);
  });
});

describe("reading a range", () => {
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
  });

  test("a range of unknown total from a server that told it before is taken", async () => {
    const { handle } = await opened(partial(), partial({ "content-range": "bytes 2-6/*" }));
    expect(textOf(await handle.read(2, 5))).toBe("23456");
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
    ["too few bytes", whole({}, utf8("012")), "IO"],
  ])("%s is an error, and the next read asks again", async (_name, answer, code) => {
    let broken = true;
    const { handle } = await opened(whole(), (asked) => (broken ? answer(asked) : whole()(asked)));
    const error = await failure(handle.read(2, 5));
    expect([error.code, error.details["path"]]).toEqual([code, "a b/c"]);
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
