import { readAll, type Storage } from "@usr/storage";
import { expect, it } from "vitest";
import { diffDataset, verifyDataset } from "../src/index.ts";
import {
  add,
  bytesAt,
  compact,
  demo,
  idsOf,
  place,
  pull,
  push,
  remove,
  score,
  state,
  viewOf,
  world,
} from "./support.ts";

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

const flip = async (storage: Storage, path: string): Promise<void> => {
  await using handle = await storage.open(path);
  const bytes = (await readAll(handle!)).slice();
  // Not in a newline of the log or in a digit of a YAML text, where it would mean nothing or something else: any other middle byte.
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await storage.put(path, bytes);
};

it("one flipped bit in any file of a dataset is found by hash, and by nothing weaker than that for sure", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await score(here, { AAAA: 1 });
  await score(here, { AAAA: 2 });
  await compact(here);
  await score(here, { CCCC: 2 });
  const [first, second] = await idsOf(here);
  await remove(here, [first!], "bad");
  await state(here, [second!], "pass");
  await here.root.storage.put("demo/_artifacts/note.txt", new TextEncoder().encode("a note of another tool"));
  await push(here, there, { snapshots: true });
  const pair = { dataset: "demo", local: here.site, remote: there.site };
  expect((await verifyDataset(pair, { verify: "hash", random })).ok).toBe(true);
  const { files } = await there.site.inventory("demo", { digests: false });
  const kinds = files.map(({ path }) => path).filter((path) => path !== ".events.log");
  expect(kinds.length).toBeGreaterThan(9);
  for (const path of kinds) {
    const bytes = (await bytesAt(there.root.storage, `demo/${path}`))!;
    await flip(there.root.storage, `demo/${path}`);
    const report = await verifyDataset(pair, { verify: "hash", random });
    expect([path, report.ok, report.different]).toEqual([path, false, [path]]);
    expect((await verifyDataset(pair, { verify: "hash", sample: 1, random })).different).toEqual([path]);
    expect((await verifyDataset(pair, { verify: "size", random })).ok).toBe(true);
    await there.root.storage.put(`demo/${path}`, bytes);
  }
  // Of the log every line counts, wherever it stands.
  await flip(there.root.storage, "demo/.events.log");
  const report = await verifyDataset(pair, { verify: "hash", random });
  expect([report.ok, report.events]).toEqual([false, { only_local: 1, only_remote: 1 }]);
});

it("a damaged part is shown and never carried over a sound one", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await score(here, { AAAA: 1 });
  await push(here, there);
  const before = await viewOf(here);
  const { files } = await there.site.inventory("demo", { digests: false });
  const part = files.find(({ path }) => path.includes("part-"))!;
  await flip(there.root.storage, `demo/${part.path}`);
  const diff = await diffDataset({ dataset: "demo", local: here.site, remote: there.site }, { verify: "hash" });
  expect(diff.classes.flatMap(({ different }) => different)).toEqual([part.path]);
  await expect(pull(here, there)).rejects.toMatchObject({ code: "CONFLICT" });
  await expect(push(here, there)).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await viewOf(here)).toEqual(before);
  await there.root.storage.delete(`demo/${part.path}`);
  await push(here, there);
  expect(await viewOf(there)).toEqual(before);
});

it("bytes that change on their way are not published", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await add(here, ["AAAAA"]);
  const { storage } = there.root;
  const bad: Storage = {
    ...storage,
    put: (path, body, o) =>
      path.includes(".incoming/")
        ? storage.put(path, new TextEncoder().encode("another thing"), o)
        : storage.put(path, body, o),
  };
  await expect(push(here, place(w, "there", bad))).rejects.toMatchObject({ code: "VERIFY_FAILED" });
  expect(await storage.open("demo/records.parquet")).toBe(undefined);
});

it("of two pushes to one place one wins, and the other is told", async () => {
  const w = world();
  const [one, two, hub] = [place(w, "one"), place(w, "two"), place(w, "hub")];
  await demo(one);
  await push(one, hub);
  await pull(two, hub);
  await add(one, ["AAAAA"]);
  await add(two, ["CCCCC"]);
  const ends = await Promise.allSettled([push(one, hub), push(two, hub)]);
  expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const lost = ends.find((end) => end.status === "rejected");
  expect(["CONFLICT", "LOCKED"]).toContain(lost?.status === "rejected" && lost.reason.code);
  const winner = ends[0]!.status === "fulfilled" ? one : two;
  expect(await viewOf(hub)).toEqual(await viewOf(winner));
  // Work that does not contradict is united, whoever comes first.
  const [three, four] = [place(w, "three"), place(w, "four")];
  for (const at of [three, four]) await pull(at, hub);
  await score(three, { AAAA: 3 });
  await score(four, { CCCC: 4 });
  for (const end of await Promise.allSettled([push(three, hub), push(four, hub)]))
    if (end.status === "rejected") expect(end.reason.code).toBe("LOCKED");
  await push(three, hub);
  await push(four, hub);
  await pull(three, hub);
  expect(await viewOf(three)).toEqual(await viewOf(hub));
});

it("two places that pull from each other at once never wait for each other", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await push(here, there);
  await score(here, { AAAA: 1 });
  await score(there, { CCCC: 1 });
  await Promise.all([pull(here, there), pull(there, here)]);
  expect(await viewOf(here)).toEqual(await viewOf(there));
});
