import { type ReadableStorage, StorageError } from "@usr/storage";
import { describe, expect, it } from "vitest";
import type { Site } from "../src/index.ts";
import { demo, type Place, place, pull, push, score, viewOf, world } from "./support.ts";

/** A place whose site says `CONFLICT` of a file, as the far end does where it was replaced, so many times. */
const restless = (
  at: Place,
  { times, what, path }: { times: number; what: "open" | "read" | "digest" | "ranges"; path: RegExp },
): Place & { said: () => number } => {
  let left = times;
  const { storage } = at.root;
  const say = (name: string, now: string): void => {
    if (now !== what || !path.test(name) || left === 0) return;
    left--;
    throw new StorageError("CONFLICT", `far: ${name} was replaced or cut while it was read.`);
  };
  const moving: ReadableStorage = {
    list: storage.list,
    async open(name, o) {
      say(name, "open");
      const handle = await storage.open(name, o);
      if (handle === undefined) return undefined;
      return {
        meta: handle.meta,
        async read(...range) {
          say(name, "read");
          return handle.read(...range);
        },
        [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose](),
      };
    },
    async digest(name, o) {
      say(name, "digest");
      return storage.digest?.(name, o);
    },
  };
  const { site } = at;
  const wrapped: Site = {
    ...site,
    storage: moving,
    async inventory(dataset, o) {
      const found = await site.inventory(dataset, o);
      if (o.digests) for (const file of found.files) say(file.path, "digest");
      return found;
    },
    async digestRanges(name, ranges, o) {
      say(name, "ranges");
      return site.digestRanges(name, ranges, o);
    },
  };
  return { ...at, site: wrapped, said: () => times - left };
};

const two = async (): Promise<readonly [Place, Place]> => {
  const w = world();
  const [a, b] = [place(w, "here"), place(w, "there")];
  await demo(a);
  await push(a, b);
  await score(b, { AAAA: 1 });
  await score(b, { CCCC: 2 });
  return [a, b];
};

describe("a file that is replaced at the source while it is read", () => {
  it.each([
    { what: "open", path: /part-/ },
    { what: "read", path: /part-/ },
    { what: "read", path: /events\.log/ },
    { what: "digest", path: /./ },
    { what: "ranges", path: /events\.log/ },
  ] as const)("$what of $path: the transfer is planned anew, and ends", async (where) => {
    const [here, there] = await two();
    const moving = restless(there, { ...where, times: 2 });
    expect((await pull(here, moving)).state).toBe("TRANSFERRED");
    expect(moving.said()).toBe(2);
    expect(await viewOf(here)).toEqual(await viewOf(there));
  });

  it("all the time: a conflict that says so, and nothing has changed", async () => {
    const [here, there] = await two();
    const before = await viewOf(here);
    const moving = restless(there, { what: "read", path: /part-/, times: 1_000 });
    await expect(pull(here, moving)).rejects.toMatchObject({
      name: "RemoteError",
      code: "CONFLICT",
      message: expect.stringMatching(/^demo did not stand still at there: \S+ is not what was listed, 5 times$/u),
    });
    expect(await viewOf(here)).toEqual(before);
  });
});
