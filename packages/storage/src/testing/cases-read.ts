import { comparePaths } from "../path.ts";
import type { ReadableStorage } from "../types.ts";
import { equal, fails, list, ok, read, textOf, utf8 } from "./check.ts";
import type { ConformanceFlags } from "./laws.ts";

export interface ReadLaw {
  readonly needs?: keyof ConformanceFlags;
  readonly seed: ReadonlyMap<string, Uint8Array>;
  run(storage: ReadableStorage): Promise<void>;
}

const seedOf = (objects: Readonly<Record<string, string>>): ReadonlyMap<string, Uint8Array> =>
  new Map(Object.entries(objects).map(([path, text]) => [path, utf8(text)]));

/** Names whose order by path, by folder, by UTF-16 and by code point all differ; and names that URLs and shells trip over. */
const TREE = seedOf({
  "a-b/1": "x",
  "a/1": "x",
  "a/b/2": "x",
  "a.b": "x",
  ab: "x",
  "é/ü": "x",
  "\uffee": "x",
  "\u{1f9ec}": "x",
  "c d/100%?#&+;=.txt": "odd name",
  "c d/_derived/.hidden": "x",
});

export const BAD_PATHS: readonly string[] = [
  "",
  "/",
  "/a",
  "a/",
  "a//b",
  ".",
  "..",
  "a/..",
  "../a",
  "a/./b",
  "a\\b",
  "a\u0000b",
  "a\nb",
  "a\u0085",
  "a\ud800",
];

export const readCases: Readonly<Record<string, ReadLaw>> = {
  "an object opens with its size, and any range of it reads exactly": {
    seed: seedOf({ "a/b": "0123456789" }),
    async run(storage) {
      await using handle = await storage.open("a/b");
      ok(handle !== undefined, "the object opens");
      equal([handle.meta.path, handle.meta.size], ["a/b", 10], "meta");
      const into = new Uint8Array(12);
      for (let offset = 0; offset <= 10; offset++) {
        for (let length = 0; offset + length <= 10; length++) {
          const bytes = await handle.read(offset, length);
          equal(textOf(bytes), "0123456789".slice(offset, offset + length), `read(${offset}, ${length})`);
          const again = await handle.read(offset, length, { into });
          equal(textOf(again), textOf(bytes), `read(${offset}, ${length}) into memory that was used before`);
        }
      }
    },
  },
  "a range outside the object is RANGE": {
    seed: seedOf({ a: "0123" }),
    async run(storage) {
      await using handle = await storage.open("a");
      ok(handle !== undefined, "the object opens");
      for (const [offset, length] of [
        [0, 5],
        [4, 1],
        [5, 0],
        [-1, 1],
        [0, -1],
        [0.5, 1],
        [0, Number.NaN],
      ] as const) {
        await fails("RANGE", handle.read(offset, length), `read(${offset}, ${length})`);
      }
    },
  },
  "an empty object opens and reads": {
    seed: seedOf({ empty: "" }),
    async run(storage) {
      equal(await read(storage, "empty"), "", "content");
    },
  },
  "many reads of one handle run side by side": {
    seed: new Map([["big", Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31 + (i >> 8)) & 255)]]),
    async run(storage) {
      await using handle = await storage.open("big");
      ok(handle !== undefined, "the object opens");
      const starts = Array.from({ length: 20 }, (_, i) => i * 4_999);
      const pieces = await Promise.all(starts.map((start) => handle.read(start, 5_000)));
      pieces.forEach((piece, n) => {
        const right = piece.every((byte, i) => byte === (((n * 4_999 + i) * 31 + ((n * 4_999 + i) >> 8)) & 255));
        ok(piece.length === 5_000 && right, `piece ${n} is right`);
      });
    },
  },
  "what is absent opens as undefined": {
    seed: seedOf({ "a/b": "x" }),
    async run(storage) {
      for (const path of ["c", "a", "a/c", "a/b/c", "A/b"]) equal(await storage.open(path), undefined, path);
    },
  },
  "illegal paths are PATH_INVALID": {
    seed: seedOf({ a: "x" }),
    async run(storage) {
      for (const path of BAD_PATHS) await fails("PATH_INVALID", storage.open(path), `open ${JSON.stringify(path)}`);
      for (const prefix of ["/", "/a", "../", "a/../", "a//b", "./a", "a\\b/c"]) {
        await fails("PATH_INVALID", list(storage, prefix), `list ${JSON.stringify(prefix)}`);
      }
    },
  },
  "a listing is all objects in code point order of the path": {
    seed: TREE,
    async run(storage) {
      equal(await list(storage, ""), [...TREE.keys()].sort(comparePaths), "list");
      equal((await list(storage, "")).slice(-2), ["\uffee", "\u{1f9ec}"], "beyond U+FFFF comes last");
    },
  },
  "a listing but for a folder has all that is elsewhere, in order": {
    seed: TREE,
    async run(storage) {
      for (const prefix of ["", "a"]) {
        const all = await list(storage, prefix);
        for (const except of ["a/", "a/b/", "é/", "no/such/"]) {
          const found: string[] = [];
          for await (const { path } of storage.list(prefix, { except: (folder) => folder === except }))
            found.push(path);
          equal(
            found.filter((path) => !path.startsWith(except)),
            all.filter((path) => !path.startsWith(except)),
            `list ${prefix} but for ${except}`,
          );
          equal(
            found,
            all.filter((path) => found.includes(path)),
            `list ${prefix} but for ${except}: order`,
          );
        }
      }
    },
  },
  "a listing by prefix is what starts with that text": {
    seed: TREE,
    async run(storage) {
      const all = await list(storage, "");
      for (const prefix of [
        "a",
        "a/",
        "a/b",
        "a/b/",
        "a-",
        "ab",
        "abc",
        "c d/",
        "c d/_",
        "é",
        "é/ü",
        "é/ü/",
        "no/such/",
      ]) {
        equal(
          await list(storage, prefix),
          all.filter((path) => path.startsWith(prefix)),
          `list ${prefix}`,
        );
      }
    },
  },
  "a listed object opens, and both tell the same about it": {
    seed: TREE,
    async run(storage) {
      for await (const meta of storage.list("")) {
        await using handle = await storage.open(meta.path);
        equal(handle?.meta, meta, meta.path);
      }
    },
  },
  "a listing may be left early and started again": {
    seed: TREE,
    async run(storage) {
      for (let round = 0; round < 3; round++) {
        for await (const meta of storage.list("")) {
          ok(TREE.has(meta.path), "a known path");
          break;
        }
      }
    },
  },
  "an aborted signal ends every call with its reason": {
    seed: seedOf({ a: "x" }),
    async run(storage) {
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      await using handle = await storage.open("a");
      ok(handle !== undefined, "the object opens");
      const ends = [
        storage.open("a", { signal }),
        handle.read(0, 1, { signal }),
        (async () => {
          for await (const meta of storage.list("", { signal })) ok(meta === undefined, "nothing is listed");
        })(),
      ];
      for (const end of await Promise.allSettled(ends))
        ok(end.status === "rejected" && end.reason === reason, "the reason");
    },
  },
  "the digest is the sha256 of the bytes": {
    needs: "digest",
    seed: seedOf({ abc: "abc", empty: "" }),
    async run(storage) {
      ok(storage.digest !== undefined, "digest is there");
      equal(
        [await storage.digest("abc"), await storage.digest("empty"), await storage.digest("none")],
        [
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
          undefined,
        ],
        "digests",
      );
    },
  },
};
