import { memoryStorage, type Storage } from "@usr/storage";
import { expect, it } from "vitest";
import { demo, type Place, partsOf, place, pull, registerMock, score, vectors, viewOf, world } from "./support.ts";

// Two transfers to one place stage the same files under the same names, so that either goes on where the other ended.

/** `storage`, and before the `nth` call of that kind on a staged file something else happens, once. */
const interrupted = (
  storage: Storage,
  kind: "open" | "put" | "append" | "rename",
  nth: number,
  meanwhile: () => Promise<unknown>,
): Storage => {
  let left = nth;
  const look = async (now: string, path: string): Promise<void> => {
    if (now === kind && path.startsWith("demo/.incoming/") && --left === 0) await meanwhile();
  };
  return {
    ...storage,
    async open(path, o) {
      await look("open", path);
      return storage.open(path, o);
    },
    async put(path, body, o) {
      const meta = await storage.put(path, body, o);
      await look("put", path);
      return meta;
    },
    async append(path, body) {
      await look("append", path);
      return storage.append!(path, body);
    },
    async rename(from, to) {
      await look("rename", from);
      return storage.rename(from, to);
    },
  };
};

it.each([
  ["put", 1],
  ["open", 1],
  ["open", 2],
  ["open", 3],
  ["append", 1],
  ["rename", 1],
] as const)(
  "another pull comes to its end at the %s no. %i of a staged file: both end, with all there is",
  async (kind, nth) => {
    const w = world();
    const there = place(w, "there");
    await demo(there);
    await registerMock(there, "vec", "vec__v:list<float64>");
    const disk = memoryStorage();
    const other = place(w, "here", disk);
    await pull(other, there);
    await score(there, { AAAA: 1 });
    await score(there, { CCCC: 2 });
    await vectors(there);
    let met = false;
    const mine: Place = place(
      w,
      "here",
      interrupted(disk, kind, nth, async () => {
        met = true;
        await pull(other, there);
      }),
    );
    expect(["TRANSFERRED", "NO-OP"]).toContain((await pull(mine, there)).state);
    expect(met).toBe(true);
    expect(await viewOf(mine)).toEqual(await viewOf(there));
    expect(await partsOf(mine)).toEqual(await partsOf(there));
    expect((await pull(mine, there)).state).toBe("NO-OP");
    for await (const { path } of disk.list("demo/.incoming/")) expect.unreachable(path);
  },
);
