import { comparePaths } from "../path.ts";
import type { PutMode, Storage } from "../types.ts";
import { BAD_PATHS } from "./cases-read.ts";
import { equal, fails, list, ok, read, utf8 } from "./check.ts";
import type { WriteLaw } from "./laws.ts";

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const text of texts) yield utf8(text);
}

export const writeCases: Readonly<Record<string, WriteLaw>> = {
  "put makes the object and tells what a listing tells": {
    async run(storage) {
      const meta = await storage.put("a/b/c", utf8("hello"));
      equal([meta.path, meta.size], ["a/b/c", 5], "meta");
      equal(await read(storage, "a/b/c"), "hello", "content");
      for await (const listed of storage.list("")) equal(listed, meta, "listed");
    },
  },
  "put takes chunks, empty ones and a reused buffer too": {
    async run(storage) {
      await storage.put("a", chunks("one", "", "two", "three"));
      equal(await read(storage, "a"), "onetwothree", "content");
      await storage.put("empty", chunks());
      equal(await read(storage, "empty"), "", "no chunk");
      const buffer = new Uint8Array(1);
      const reusing = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        for (let byte = 97; byte < 123; byte++) {
          buffer[0] = byte;
          yield buffer;
        }
      };
      await storage.put("reused", reusing());
      equal(await read(storage, "reused"), "abcdefghijklmnopqrstuvwxyz", "reused buffer");
    },
  },
  "put replaces, and the etag changes with every replacement": {
    async run(storage) {
      const etags = new Set<string>();
      for (const text of ["one", "two", "three", "three"]) etags.add((await storage.put("a", utf8(text))).etag);
      equal([await read(storage, "a"), etags.size], ["three", 4], "content and etags");
    },
  },
  "a body that fails changes nothing and leaves nothing": {
    async run(storage) {
      await storage.put("a", utf8("old"));
      const reason = new Error("source broke");
      const failing = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield utf8("new");
        throw reason;
      };
      for (const path of ["a", "b"]) {
        const end = await storage.put(path, failing()).catch((error: unknown) => error);
        ok(end === reason, "the error of the body comes through");
      }
      equal([await list(storage, ""), await read(storage, "a")], [["a"], "old"], "store");
      if (storage.debris) for await (const meta of storage.debris("")) ok(false, `no debris, but ${meta.path}`);
    },
  },
  "an aborted put changes nothing and closes its source": {
    async run(storage) {
      await storage.put("a", utf8("old"));
      const controller = new AbortController();
      let closed = false;
      const endless = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        try {
          for (let n = 0; ; n++) {
            if (n === 3) controller.abort(new Error("enough"));
            yield utf8("new");
          }
        } finally {
          closed = true;
        }
      };
      const end = await storage.put("a", endless(), { signal: controller.signal }).catch((error: unknown) => error);
      ok(end === controller.signal.reason, "the signal's reason");
      equal([closed, await list(storage, ""), await read(storage, "a")], [true, ["a"], "old"], "store");
    },
  },
  "while a put runs, the old object is there and nothing else is listed": {
    async run(storage) {
      await storage.put("a", utf8("old"));
      const spying = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield utf8("new");
        equal([await list(storage, ""), await read(storage, "a")], [["a"], "old"], "during the put");
        yield utf8("er");
      };
      await storage.put("a", spying());
      equal(await read(storage, "a"), "newer", "after the put");
    },
  },
  "create fails with EXISTS and keeps the object; one of many creates wins": {
    async run(storage) {
      await storage.put("a", utf8("old"), { mode: "create" });
      await fails("EXISTS", storage.put("a", utf8("new"), { mode: "create" }), "create again");
      equal(await read(storage, "a"), "old", "kept");
      const ends = await Promise.allSettled(
        [1, 2, 3, 4, 5].map((n) => storage.put("b", utf8(`${n}`), { mode: "create" })),
      );
      equal(ends.filter((end) => end.status === "fulfilled").length, 1, "winners");
    },
  },
  "ifMatch replaces what was seen, else CONFLICT; one of many wins": {
    async run(storage) {
      const first = await storage.put("a", utf8("one"));
      const second = await storage.put("a", utf8("two"), { mode: { ifMatch: first.etag } });
      await fails("CONFLICT", storage.put("a", utf8("late"), { mode: { ifMatch: first.etag } }), "old etag");
      await fails("CONFLICT", storage.put("none", utf8("x"), { mode: { ifMatch: first.etag } }), "absent");
      equal([await read(storage, "a"), await list(storage, "")], ["two", ["a"]], "store");
      const mode: PutMode = { ifMatch: second.etag };
      const ends = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => storage.put("a", utf8(`${n}`), { mode })));
      equal(ends.filter((end) => end.status === "fulfilled").length, 1, "winners");
    },
  },
  "delete removes the object; what is absent or a folder is no error": {
    async run(storage) {
      await storage.put("a/b", utf8("x"));
      for (const path of ["a/c", "c", "a", "a/b/c"]) await storage.delete(path);
      equal(await list(storage, ""), ["a/b"], "still there");
      await storage.delete("a/b");
      await storage.delete("a/b");
      equal([await list(storage, ""), await storage.open("a/b")], [[], undefined], "gone");
    },
  },
  "rename moves across folders, replaces, and keeps bytes and etag": {
    async run(storage) {
      const meta = await storage.put("a/one", utf8("1"));
      await storage.put("b/c/two", utf8("2"));
      await storage.rename("a/one", "b/c/two");
      await storage.rename("b/c/two", "new/folder/three");
      equal([await list(storage, ""), await read(storage, "new/folder/three")], [["new/folder/three"], "1"], "store");
      await using handle = await storage.open("new/folder/three");
      equal(handle?.meta.etag, meta.etag, "etag");
    },
  },
  "rename of what is absent or a folder is NOT_FOUND; onto itself nothing": {
    async run(storage) {
      await storage.put("a/b", utf8("x"));
      for (const from of ["none", "a", "a/b/c"]) await fails("NOT_FOUND", storage.rename(from, "to"), `rename ${from}`);
      await storage.rename("a/b", "a/b");
      equal([await list(storage, ""), await read(storage, "a/b")], [["a/b"], "x"], "store");
    },
  },
  "illegal and reserved paths are PATH_INVALID, and change nothing": {
    async run(storage) {
      await storage.put("a", utf8("x"));
      for (const path of [...BAD_PATHS, ".a.tmp", "b/.x.1.2.tmp"]) {
        const what = JSON.stringify(path);
        await fails("PATH_INVALID", storage.put(path, utf8("y")), `put ${what}`);
        await fails("PATH_INVALID", storage.rename("a", path), `rename to ${what}`);
        if (storage.link) await fails("PATH_INVALID", storage.link("a", path), `link to ${what}`);
        if (storage.append) await fails("PATH_INVALID", storage.append(path, utf8("y")), `append to ${what}`);
        if (storage.lock) await fails("PATH_INVALID", storage.lock(path), `lock ${what}`);
      }
      for (const path of BAD_PATHS) await fails("PATH_INVALID", storage.delete(path), `delete ${JSON.stringify(path)}`);
      equal(await list(storage, ""), ["a"], "store");
    },
  },
  "an object is no folder and a folder no object": {
    async run(storage) {
      await storage.put("a/b", utf8("x"));
      await fails("PATH_INVALID", storage.put("a", utf8("y")), "put onto a folder");
      await fails("PATH_INVALID", storage.put("a/b/c", utf8("y")), "put below an object");
      await storage.put("c", utf8("x"));
      await fails("PATH_INVALID", storage.rename("c", "a"), "rename onto a folder");
      await fails("PATH_INVALID", storage.rename("c", "a/b/c"), "rename below an object");
      equal([await list(storage, ""), await read(storage, "a/b")], [["a/b", "c"], "x"], "store");
    },
  },
  "random calls leave what they would leave in a map": {
    run: (storage, { calls }) => agreesWithMap(storage, calls ?? 1_000),
  },
};

/** Runs the same calls on the storage and on a plain map. The sequence is fixed, so a failure can be repeated. */
async function agreesWithMap(storage: Storage, calls: number): Promise<void> {
  const model = new Map<string, string>();
  const paths = ["a", "b/a", "b/c", "b/d/e", "b/d/f", "g-h", "g/h", "\u{1f9ec}"];
  let state = 20_260_227;
  const below = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  for (let step = 0; step < calls; step++) {
    const path = paths[below(paths.length)]!;
    const other = paths[below(paths.length)]!;
    const action = below(5);
    if (action === 0) {
      await storage.put(path, utf8(`${step}`));
      model.set(path, `${step}`);
    } else if (action === 1) {
      await storage.delete(path);
      model.delete(path);
    } else if (action === 2 && model.has(path)) {
      await storage.rename(path, other);
      const text = model.get(path)!;
      model.delete(path);
      model.set(other, text);
    } else if (action === 3) {
      equal(await read(storage, path), model.get(path), `step ${step}: ${path}`);
    } else if (step % 10 === 0) {
      equal(await list(storage, ""), [...model.keys()].sort(comparePaths), `step ${step}: listing`);
    }
  }
  for (const path of paths) equal(await read(storage, path), model.get(path), `at the end: ${path}`);
}
