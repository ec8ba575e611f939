import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { diskStorage } from "@usr/storage/node";
import { expect, it } from "vitest";
import type { DigestCache } from "../src/index.ts";
import { openFar } from "./support/far.ts";
import { freshFolder } from "./support/folder.ts";
import { add, compact, demo, eventsOf, type Place, place, pull, push, score, viewOf, world } from "./support.ts";

/** So many parts: the size of a real overlay is a thousand; the law is the same for fewer. */
const PARTS = 40;

/** The bytes of a part that a test adds. */
const sizeOf = async (at: Place): Promise<number> => {
  let newest = 0;
  for await (const { path, size } of at.root.storage.list("demo/_derived/mock/"))
    if (path.includes("part-")) newest = size;
  return newest;
};

it("over a connection a sync costs what is new, whatever lies there already", async () => {
  await using folder = await freshFolder();
  const w = world();
  const here = place(w, "here");
  await demo(here);
  for (let n = 0; n < PARTS; n++) await score(here, { AAAA: n });
  await mkdir(join(folder.path, "root"));
  const known = new Map<string, string>();
  const cache: DigestCache = {
    get: (...key) => known.get(JSON.stringify(key)),
    set: (...key) => void known.set(JSON.stringify(key.slice(0, 4)), key[4]),
  };
  await using site = await openFar(join(folder.path, "root"), { cache });
  if (!("put" in site.storage)) throw new Error("the far end is writable");
  const far: Place = { root: { ...place(w, "far").root, storage: site.storage }, site };
  await push(here, far);
  const near = place(w, "near", diskStorage(join(folder.path, "root")));
  expect(await viewOf(near)).toEqual(await viewOf(here));

  const spent = async (work: () => Promise<unknown>): Promise<number> => {
    const before = site.traffic();
    await work();
    const after = site.traffic();
    return after.sent - before.sent + after.received - before.received;
  };
  const nothing = await spent(async () => expect((await push(here, far)).state).toBe("NO-OP"));
  // Names, sizes and digests of what lies there: a thousand parts stay far below 1 MB.
  expect((nothing / PARTS) * 1000).toBeLessThan(1_000_000);

  await score(here, { CCCC: 1 });
  const one = await spent(() => push(here, far));
  const part = await sizeOf(here);
  // The part, its line of the log, and a few listings; none of the other parts is moved, opened or hashed.
  expect(JSON.stringify({ nothing, one: one - part, few: one - part < 6 * nothing + 30_000 })).toContain('"few":true');

  await add(here, ["AAAAA"]);
  await compact(near);
  await pull(here, far);
  await push(here, far);
  expect(await viewOf(near)).toEqual(await viewOf(here));
  expect(new Set(await eventsOf(near))).toEqual(new Set(await eventsOf(here)));
});
