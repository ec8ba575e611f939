import { equal, fails, having, list, ok, read, textOf, utf8 } from "./check.ts";
import type { WriteLaw } from "./laws.ts";

/** What holds between several names, handles and holders of one object. */
export const sharingCases: Readonly<Record<string, WriteLaw>> = {
  "a handle keeps its bytes after replacement, rename and removal": {
    async run(storage) {
      await storage.put("a", utf8("old bytes"));
      await using handle = await storage.open("a");
      ok(handle !== undefined, "the object opens");
      const check = async (when: string): Promise<void> => equal(textOf(await handle.read(0, 9)), "old bytes", when);
      await storage.put("a", utf8("new"));
      await check("replaced");
      await storage.rename("a", "b");
      await check("renamed");
      await storage.delete("b");
      await check("deleted");
    },
  },
  "bytes that were read or put are the caller's own": {
    async run(storage) {
      const bytes = utf8("abc");
      await storage.put("a", bytes);
      bytes.fill(0);
      await using handle = await storage.open("a");
      (await handle?.read(0, 3))?.fill(1);
      equal(await read(storage, "a"), "abc", "untouched");
    },
  },
  "link gives the same bytes and etag a second name": {
    needs: "link",
    async run(storage) {
      having(storage, "link");
      const meta = await storage.put("a", utf8("one"));
      await storage.link("a", "folder/b");
      await using handle = await storage.open("folder/b");
      equal([handle?.meta.etag, await read(storage, "folder/b")], [meta.etag, "one"], "linked");
      await using again = await storage.open("a");
      equal(again?.meta, meta, "the first name tells what it told");
      await storage.put("a", utf8("two"));
      equal([await read(storage, "a"), await read(storage, "folder/b")], ["two", "one"], "replaced the first name");
      await storage.delete("folder/b");
      equal(await list(storage, ""), ["a"], "store");
    },
  },
  "link onto a taken name is EXISTS, of what is absent NOT_FOUND": {
    needs: "link",
    async run(storage) {
      having(storage, "link");
      await storage.put("a", utf8("one"));
      await storage.put("b/c", utf8("two"));
      await fails("EXISTS", storage.link("a", "b/c"), "taken");
      for (const from of ["none", "b", "a/x"]) await fails("NOT_FOUND", storage.link(from, "to"), `link ${from}`);
      equal([await list(storage, ""), await read(storage, "b/c")], [["a", "b/c"], "two"], "store");
    },
  },
  "rename between two names of the same bytes removes the old name": {
    needs: "link",
    async run(storage) {
      having(storage, "link");
      await storage.put("a", utf8("one"));
      await storage.link("a", "b");
      await storage.rename("a", "b");
      equal([await list(storage, ""), await read(storage, "b")], [["b"], "one"], "store");
    },
  },
  "append adds at the end, makes the object, and changes the etag": {
    needs: "append",
    async run(storage) {
      having(storage, "append");
      await storage.append("log/a", utf8("one\n"));
      await using early = await storage.open("log/a");
      await storage.append("log/a", utf8("two\n"));
      await storage.append("log/a", utf8(""));
      await using late = await storage.open("log/a");
      equal(await read(storage, "log/a"), "one\ntwo\n", "content");
      ok(early?.meta.etag !== late?.meta.etag, "another etag");
      equal(early && textOf(await early.read(0, early.meta.size)), "one\n", "the early handle reads what it saw");
    },
  },
  "appends that run side by side are all kept whole": {
    needs: "append",
    async run(storage) {
      having(storage, "append");
      const lines = Array.from({ length: 20 }, (_, n) => `${n}`.padStart(100, "x"));
      await Promise.all(lines.map((line) => storage.append("log", utf8(`${line}\n`))));
      equal((await read(storage, "log"))?.trimEnd().split("\n").sort(), lines.sort(), "lines");
    },
  },
  "a held lock is LOCKED after the timeout, and free after disposal": {
    needs: "lock",
    async run(storage) {
      having(storage, "lock");
      {
        await using held = await storage.lock("folder/.lock");
        await fails("LOCKED", storage.lock("folder/.lock", { timeoutMs: 0 }), "one try");
        const before = performance.now();
        await fails("LOCKED", storage.lock("folder/.lock", { timeoutMs: 80 }), "80 ms");
        ok(performance.now() - before >= 75, "it waited");
        await using other = await storage.lock("folder/.other", { timeoutMs: 0 });
        ok(held !== other, "another path is another lock");
      }
      await using again = await storage.lock("folder/.lock", { timeoutMs: 0 });
      ok(again !== undefined, "taken again");
    },
  },
  "a lock disposed twice frees nobody else's": {
    needs: "lock",
    async run(storage) {
      having(storage, "lock");
      const first = await storage.lock("l", { timeoutMs: 0 });
      await first[Symbol.asyncDispose]();
      await using second = await storage.lock("l", { timeoutMs: 0 });
      await first[Symbol.asyncDispose]();
      await fails("LOCKED", storage.lock("l", { timeoutMs: 0 }), "still held");
      ok(second !== first, "two locks");
    },
  },
  "waiting for a lock ends with the signal, and hands over when it is free": {
    needs: "lock",
    async run(storage) {
      having(storage, "lock");
      const held = await storage.lock("l");
      const controller = new AbortController();
      const aborted = storage.lock("l", { signal: controller.signal }).catch((error: unknown) => error);
      const patient = storage.lock("l", { timeoutMs: 10_000 });
      controller.abort(new Error("enough"));
      ok((await aborted) === controller.signal.reason, "the signal's reason");
      await held[Symbol.asyncDispose]();
      await using next = await patient;
      await fails("LOCKED", storage.lock("l", { timeoutMs: 0 }), "held by the one who waited");
      ok(next !== undefined, "handed over");
    },
  },
  "at most one of many holds a lock at a time": {
    needs: "lock",
    async run(storage) {
      having(storage, "lock");
      let inside = 0;
      let most = 0;
      const worker = async (): Promise<void> => {
        await using held = await storage.lock("l", { timeoutMs: 30_000 });
        most = Math.max(most, ++inside);
        await storage.put("shared", utf8("x"));
        inside--;
        ok(held !== undefined, "held");
      };
      await Promise.all(Array.from({ length: 12 }, worker));
      equal(most, 1, "holders");
    },
  },
};
