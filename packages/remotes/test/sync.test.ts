import { gardenEventLog } from "@usr/dataset/maintain";
import { describe, expect, it } from "vitest";
import {
  add,
  bringBack,
  compact,
  demo,
  eventsOf,
  filesOf,
  idsOf,
  partsOf,
  place,
  pull,
  push,
  registerMock,
  remove,
  score,
  state,
  viewOf,
  world,
} from "./support.ts";

const two = async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await push(here, there);
  return { here, there };
};

describe("a sync", () => {
  it("makes a new dataset, with the registry, and nothing is left to do", async () => {
    const { here, there } = await two();
    expect(await viewOf(there)).toEqual(await viewOf(here));
    expect(await eventsOf(there)).toEqual(await eventsOf(here));
    for (const again of [await push(here, there), await pull(here, there), await pull(there, here)])
      expect(again.state).toBe("NO-OP");
    for await (const { path } of there.root.storage.list("demo/.incoming/")) expect.fail(path);
  });

  it("brings new parts and lines of the log, both ways, and loses neither side's", async () => {
    const { here, there } = await two();
    await score(here, { AAAA: 1 });
    await score(there, { CCCC: 2 });
    const pulled = await pull(here, there);
    expect(pulled.state).toBe("TRANSFERRED");
    expect(pulled.files.map(({ action, class: name }) => `${action} ${name}`)).toEqual([
      "copy overlay mock",
      "append events",
    ]);
    expect((await partsOf(here)).length).toBe(2);
    expect((await push(here, there)).state).toBe("TRANSFERRED");
    expect(await viewOf(there)).toEqual(await viewOf(here));
    expect(new Set(await eventsOf(there))).toEqual(new Set(await eventsOf(here)));
    expect((await pull(here, there)).state).toBe("NO-OP");
    expect((await push(here, there)).state).toBe("NO-OP");
  });

  it("carries a grown base", async () => {
    const { here, there } = await two();
    await add(there, ["AAAAA", "CCCCC"]);
    expect((await pull(here, there)).state).toBe("TRANSFERRED");
    expect(await viewOf(here)).toEqual(await viewOf(there));
    expect((await push(here, there)).state).toBe("NO-OP");
  });

  it("refuses bases that both sides have written, and says how to go on", async () => {
    const { here, there } = await two();
    await add(there, ["AAAAA"]);
    await add(here, ["CCCCC"]);
    const before = await filesOf(here);
    await expect(pull(here, there)).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await filesOf(here)).toEqual(before);
    await pull(here, there, { overwriteBase: true });
    expect(await viewOf(here)).toEqual(await viewOf(there));
    expect([...(await filesOf(here)).keys()].filter((path) => path.includes("_snapshots/")).length).toBe(1);
  });

  it("unites tombstones and states by row", async () => {
    const { here, there } = await two();
    const ids = await idsOf(here);
    await remove(here, [ids[0]!], "bad");
    await remove(there, [ids[1]!], "worse");
    await state(here, [ids[2]!], "pass");
    await pull(here, there);
    await push(here, there);
    expect(await viewOf(there)).toEqual(await viewOf(here));
    expect((await pull(here, there)).state).toBe("NO-OP");
    await bringBack(there, [ids[0]!]);
    await pull(here, there);
    expect(await viewOf(there)).toEqual(await viewOf(here));
    await state(here, [ids[3]!], "pass");
    await state(there, [ids[3]!], "fail");
    await expect(pull(here, there)).rejects.toMatchObject({
      code: "CONFLICT",
      hint: expect.stringContaining("--overwrite-overlays"),
    });
    await pull(here, there, { overwriteOverlays: true });
    await push(here, there);
    expect(await viewOf(there)).toEqual(await viewOf(here));
  });

  it.each(["parts", "file"] as const)("follows a compaction (%s)", async (form) => {
    const { here, there } = await two();
    await score(here, { AAAA: 1 });
    await score(here, { AAAA: 2, CCCC: 3 });
    await push(here, there);
    await compact(there, "mock", form);
    expect((await push(here, there)).state).toBe("NO-OP");
    await pull(here, there);
    expect(await viewOf(there)).toEqual(await viewOf(here));
    expect((await partsOf(here)).length).toBe(1);
    expect((await push(here, there)).state).toBe("NO-OP");
    expect((await pull(here, there)).state).toBe("NO-OP");
    await score(here, { GGGG: 3 });
    await push(here, there);
    expect(await viewOf(there)).toEqual(await viewOf(here));
    expect((await pull(here, there)).state).toBe("NO-OP");
  });

  it("refuses a part that comes after a compaction, until it is compacted where it lies", async () => {
    const { here, there } = await two();
    await score(here, { AAAA: 1 });
    await score(here, { AAAA: 2 });
    await push(here, there);
    await score(here, { CCCC: 9 });
    await compact(there);
    await expect(push(here, there)).rejects.toMatchObject({ code: "LATE_PART" });
    await expect(pull(here, there)).rejects.toMatchObject({ code: "LATE_PART" });
    await compact(here);
    await push(here, there);
    expect(await viewOf(there)).toEqual(await viewOf(here));
    await pull(here, there);
    expect((await push(here, there)).state).toBe("NO-OP");
  });

  it("unites registries, and refuses what contradicts", async () => {
    const { here, there } = await two();
    await registerMock(here, "left");
    await registerMock(there, "right");
    await score(there, { AAAA: 1 }, { namespace: "right" });
    await pull(here, there);
    await push(here, there);
    const text = (at: typeof here) => filesOf(at).then((files) => files.get("registry.yaml"));
    expect(await text(there)).toBe(await text(here));
    expect(await viewOf(there)).toEqual(await viewOf(here));
    await registerMock(here, "third", "third__a:int64");
    await registerMock(there, "third", "third__a:string");
    await expect(pull(here, there)).rejects.toMatchObject({ code: "CONFLICT" });
  });
});

describe("a log that was cut down", () => {
  it("stays cut down, and no line is lost", async () => {
    const { here, there } = await two();
    await score(here, { AAAA: 1 });
    await push(here, there);
    const all = await eventsOf(there);
    await gardenEventLog(there.root, "demo", { retainLast: 1 });
    const kept = await eventsOf(there);
    expect(kept.length).toBeLessThan(all.length);
    await score(here, { CCCC: 1 });
    await push(here, there);
    expect((await eventsOf(there)).length).toBe(kept.length + 1);
    await pull(here, there);
    expect(new Set(await eventsOf(here)).size).toBe(all.length + 2);
    expect((await push(here, there)).state).toBe("NO-OP");
    expect((await pull(here, there)).state).toBe("NO-OP");
  });
});
