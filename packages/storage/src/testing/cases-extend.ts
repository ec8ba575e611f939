import { equal, fails, having, list, ok, read, utf8 } from "./check.ts";
import type { WriteLaw } from "./laws.ts";

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const text of texts) yield utf8(text);
}

export const extendCases: Readonly<Record<string, WriteLaw>> = {
  "extend puts the first bytes of another object and what follows, and leaves the other as it is": {
    needs: "extend",
    async run(storage) {
      having(storage, "extend");
      const source = await storage.put("d/old", utf8("hello world"));
      for (const [length, tail] of [
        [5, "!"],
        [11, ""],
        [11, " and more"],
        [0, "new"],
        [0, ""],
      ] as const) {
        const from = { path: "d/old", etag: source.etag, length };
        const meta = await storage.extend("e/new", from, length % 2 === 0 ? utf8(tail) : chunks(tail, ""));
        const content = "hello world".slice(0, length) + tail;
        equal([meta.path, meta.size], ["e/new", content.length], "meta");
        equal([await read(storage, "e/new"), await read(storage, "d/old")], [content, "hello world"], "contents");
        for await (const listed of storage.list("e/")) equal(listed, meta, "listed");
        for await (const listed of storage.list("d/")) equal(listed, source, "the source as it was");
      }
    },
  },
  "what is written where nothing lies is as it is elsewhere, and not there where its body throws": {
    needs: "extend",
    async run(storage) {
      having(storage, "extend");
      const { etag } = await storage.put("a/old", utf8("first"));
      const from = { path: "a/old", etag, length: 2 };
      const fresh = { fresh: true } as const;
      const put = await storage.put("b/put", chunks("x", "y"), fresh);
      const extended = await storage.extend("b/extended", from, chunks("!"), fresh);
      equal([await read(storage, "b/put"), await read(storage, "b/extended")], ["xy", "fi!"], "contents");
      equal(await list(storage, "b/"), ["b/extended", "b/put"], "listed");
      equal([put.path, put.size, extended.path, extended.size], ["b/put", 2, "b/extended", 3], "metas");
      await storage.rename("b/put", "b/extended");
      equal(await read(storage, "b/extended"), "xy", "renamed");
      async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
        yield utf8("z");
        throw new Error("no more");
      }
      const error = (write: Promise<unknown>): Promise<unknown> => write.catch(String);
      equal(await error(storage.put("c/put", broken(), fresh)), "Error: no more", "the error of the body");
      equal(await error(storage.extend("c/more", from, broken(), fresh)), "Error: no more", "the error of the body");
      equal(await list(storage, "c/"), [], "nothing is left");
    },
  },
  "extend of an object by itself replaces it whole; open handles keep the old bytes": {
    needs: "extend",
    async run(storage) {
      having(storage, "extend");
      const { etag } = await storage.put("a", utf8("0123456789"));
      const handle = await storage.open("a");
      const meta = await storage.extend("a", { path: "a", etag, length: 4 }, chunks("x", "y"));
      equal(await read(storage, "a"), "0123xy", "content");
      ok(meta.etag !== etag, "the etag changes");
      equal(new TextDecoder().decode(await handle?.read(0, 10)), "0123456789", "the open handle");
      await handle?.[Symbol.asyncDispose]();
    },
  },
  "extend refuses a source that is gone, replaced or too short, and changes nothing": {
    needs: "extend",
    async run(storage) {
      having(storage, "extend");
      const { etag } = await storage.put("a", utf8("first"));
      const now = await storage.put("a", utf8("second"));
      await fails("CONFLICT", storage.extend("b", { path: "a", etag, length: 1 }, utf8("x")), "extend");
      await fails("CONFLICT", storage.extend("b", { path: "absent", etag, length: 1 }, utf8("x")), "extend");
      await fails("RANGE", storage.extend("b", { path: "a", etag: now.etag, length: 7 }, utf8("x")), "extend");
      await fails(
        "PATH_INVALID",
        storage.extend("../b", { path: "a", etag: now.etag, length: 1 }, utf8("x")),
        "extend",
      );
      await fails(
        "PATH_INVALID",
        storage.extend("b", { path: "../a", etag: now.etag, length: 1 }, utf8("x")),
        "extend",
      );
      equal([await list(storage, ""), await read(storage, "a")], [["a"], "second"], "store");
    },
  },
  "extend waits for a length that is still to come, and where it fails or is too large nothing changes": {
    needs: "extend",
    async run(storage) {
      having(storage, "extend");
      const { etag } = await storage.put("a", utf8("0123456789"));
      const later = <T>(value: () => T): Promise<T> => new Promise((resolve) => setTimeout(resolve, 5)).then(value);
      const extended = (length: Promise<number>, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<unknown> =>
        storage.extend("b", { path: "a", etag, length }, body);
      await extended(
        later(() => 4),
        chunks("x", "y"),
      );
      equal([await read(storage, "b"), await read(storage, "a")], ["0123xy", "0123456789"], "contents");
      const reason = new Error("nothing comes after it");
      const failed = later(() => {
        throw reason;
      });
      const end = await extended(failed, utf8("z")).catch((error: unknown) => error);
      ok(end === reason, "the error of the length comes through");
      await fails(
        "RANGE",
        extended(
          later(() => 11),
          utf8("z"),
        ),
        "extend",
      );
      equal([await list(storage, ""), await read(storage, "b")], [["a", "b"], "0123xy"], "store");
      if (storage.debris) for await (const meta of storage.debris("")) ok(false, `no debris, but ${meta.path}`);
    },
  },
  "a body that fails after the copied bytes changes nothing and leaves nothing": {
    needs: "extend",
    async run(storage) {
      having(storage, "extend");
      const { etag } = await storage.put("a", utf8("old"));
      const reason = new Error("source broke");
      const failing = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield utf8("new");
        throw reason;
      };
      for (const path of ["a", "b"]) {
        const end = await storage
          .extend(path, { path: "a", etag, length: 2 }, failing())
          .catch((error: unknown) => error);
        ok(end === reason, "the error of the body comes through");
      }
      equal([await list(storage, ""), await read(storage, "a")], [["a"], "old"], "store");
      if (storage.debris) for await (const meta of storage.debris("")) ok(false, `no debris, but ${meta.path}`);
    },
  },
};
