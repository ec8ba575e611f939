import { createSnapshot, listSnapshots, pinSnapshot } from "@usr/dataset/maintain";
import { expect, it } from "vitest";
import { diffDataset, verifyDataset } from "../src/index.ts";
import {
  bytesAt,
  demo,
  idsOf,
  type Place,
  partsOf,
  place,
  pull,
  push,
  remove,
  score,
  state,
  world,
} from "./support.ts";

// Equal means that a sync has nothing to do, and that nothing differs: never one of them alone.

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

const two = async (): Promise<{ readonly here: Place; readonly there: Place }> => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await push(here, there);
  return { here, there };
};

const compared = async ({ here, there }: { readonly here: Place; readonly there: Place }) => {
  const pair = { dataset: "demo", local: here.site, remote: there.site };
  const { hasChange, classes } = await diffDataset(pair, { verify: "hash" });
  const { ok, different } = await verifyDataset(pair, { verify: "hash", random });
  return { hasChange, ok, different, classes };
};

it.each(["state", "tombstones"] as const)("%s: the same rows in other bytes become the same bytes", async (kind) => {
  const both = await two();
  const { here, there } = both;
  const [id] = await idsOf(here);
  const write = (at: Place): Promise<unknown> =>
    kind === "state" ? state(at, [id!], "pass") : remove(at, [id!], "bad");
  const path = kind === "state" ? "demo/_derived/usr_state.parquet" : "demo/_derived/usr.parquet";
  await write(here);
  await push(here, there);
  // The same rows, written by nobody who left an event: one byte of the id of their event is another.
  const bytes = (await bytesAt(there.root.storage, path))!.slice();
  const at = text(bytes.map((byte) => (byte < 128 ? byte : 63))).lastIndexOf("usr:event_id") + 24;
  bytes[at]! = bytes[at]! === 48 ? 49 : 48;
  await there.root.storage.put(path, bytes);
  expect(await compared(both)).toMatchObject({ hasChange: true, ok: false });
  const ends = [(await push(here, there)).state, (await pull(here, there)).state].sort();
  expect(ends).toEqual(["NO-OP", "TRANSFERRED"]);
  expect(await compared(both)).toMatchObject({ hasChange: false, ok: true });
});

it("of deletions the later stands, and the file that knows it is not written over", async () => {
  const both = await two();
  const { here, there } = both;
  const [id] = await idsOf(here);
  await remove(here, [id!], "earlier");
  await remove(there, [id!], "later");
  await push(here, there);
  await pull(here, there);
  expect(await compared(both)).toMatchObject({ hasChange: false, ok: true });
});

it("rows that one side alone has changed, while the other wrote others, are told as what they are", async () => {
  const { here, there } = await two();
  const [first, second] = await idsOf(here);
  await state(here, [first!], "pass");
  await push(here, there);
  await state(here, [first!], "fail");
  await state(there, [second!], "pass");
  await expect(push(here, there)).rejects.toMatchObject({
    code: "CONFLICT",
    message: expect.stringContaining(
      `both sides have written the state since they were equal, and 1 row(s) differ: ${first}`,
    ),
  });
  await state(there, [first!], "fail");
  await push(here, there);
  await pull(here, there);
  expect(await compared({ here, there })).toMatchObject({ hasChange: false, ok: true });
});

it("marks of snapshots are united: what either side keeps is kept", async () => {
  const both = await two();
  const { here, there } = both;
  for (const at of [here, there]) {
    const { name } = await createSnapshot(at.root, "demo", { label: at.root.label });
    await pinSnapshot(at.root, "demo", { name });
  }
  // Snapshots are each side's own, and so are their marks.
  await push(here, there);
  await pull(here, there);
  expect(await compared(both)).toMatchObject({ ok: true, different: [] });
  await push(here, there, { snapshots: true });
  await pull(here, there, { snapshots: true });
  expect(await bytesAt(here.root.storage, "demo/_snapshots/pins.json")).toEqual(
    await bytesAt(there.root.storage, "demo/_snapshots/pins.json"),
  );
  for (const { root } of [here, there])
    expect((await listSnapshots(root, "demo")).map(({ pinned }) => pinned)).toEqual([true, true]);
  expect(await compared(both)).toMatchObject({ hasChange: false, ok: true, different: [] });
  // A mark more on one side is no damage.
  const { name } = await createSnapshot(here.root, "demo");
  expect((await push(here, there, { snapshots: true })).state).toBe("TRANSFERRED");
  await pinSnapshot(there.root, "demo", { name });
  expect((await pull(here, there, { snapshots: true })).state).toBe("TRANSFERRED");
  expect((await listSnapshots(here.root, "demo")).filter(({ pinned }) => pinned)).toHaveLength(3);
  // Marks that nobody can read are shown, and sound ones stay.
  await there.root.storage.put("demo/_snapshots/pins.json", new TextEncoder().encode("{"));
  await expect(pull(here, there, { snapshots: true })).rejects.toMatchObject({ code: "CONFLICT" });
  await pull(there, here, { snapshots: true, mirror: true });
  expect(await compared(both)).toMatchObject({ hasChange: false, ok: true });
});

it("an event that the two logs tell in other words is shown, and stops nothing", async () => {
  const both = await two();
  const { here, there } = both;
  const log = text(await bytesAt(there.root.storage, "demo/.events.log"));
  await there.root.storage.put("demo/.events.log", new TextEncoder().encode(log.replace('"rows":6', '"rows":7')));
  const found = await compared(both);
  expect(found).toMatchObject({ hasChange: true, ok: false, different: [".events.log"] });
  expect(found.classes.find((one) => one.class === "events")?.different).toEqual(["1 line(s)"]);
  await score(here, { AAAA: 1 });
  await push(here, there);
  expect(await partsOf(there)).toHaveLength(1);
});

it("what NFS keeps of deleted files does not travel, and a hidden file among the overlays is no overlay", async () => {
  const { here, there } = await two();
  await score(here, { AAAA: 1 });
  const put = (path: string): Promise<unknown> => here.root.storage.put(`demo/${path}`, new TextEncoder().encode("x"));
  await put("_derived/mock/.nfs0000000000c1f2ab00000001");
  await put(".nfs0000000000c1f2ab00000002");
  await put("_derived/._mock.parquet");
  await push(here, there);
  const { files } = await there.site.inventory("demo", { digests: false });
  expect(files.map(({ path }) => path).filter((path) => path.includes("/.") || path.startsWith(".nfs"))).toEqual([
    "_derived/._mock.parquet",
  ]);
});
