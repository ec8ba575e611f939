import { describe, expect, test } from "vitest";
import { readAll } from "../src/index.ts";
import { diskStorage } from "../src/node/index.ts";
import { PowerCut, type PowerCutDisk, powerCutDisk } from "../src/node/testing/index.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const drop = (): number => 0;

/** Every state that some choice of the first few draws leads to, as text by name. */
const images = async (disk: PowerCutDisk, names: readonly string[]): Promise<ReadonlySet<string>> => {
  const found = new Set<string>();
  for (let seed = 0; seed < 500; seed++) {
    let state = seed;
    const after = disk.afterCut((n) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >> 12) % n;
    });
    const texts: string[] = [];
    for (const name of names) texts.push(await textOf(after, name));
    found.add(texts.join(" "));
  }
  return found;
};

const textOf = async ({ fs }: PowerCutDisk, name: string): Promise<string> => {
  const file = await fs.open(name, 0).catch(() => undefined);
  if (file === undefined) return "-";
  const { size } = await file.stat({ bigint: true });
  const bytes = new Uint8Array(Number(size));
  await file.read(bytes, 0, bytes.length, 0);
  return JSON.stringify(new TextDecoder().decode(bytes));
};

describe("the model", () => {
  test("a flushed file whose folder was not flushed may have no name", async () => {
    const disk = powerCutDisk();
    const file = await disk.fs.open("/a", "wx");
    await file.write(utf8("xy"), 0, 2, 0);
    await file.sync();
    expect(await images(disk, ["/a"])).toEqual(new Set(["-", '"xy"']));
  });

  test("a flushed name of an unflushed file may hold anything up to its bytes", async () => {
    const disk = powerCutDisk();
    const file = await disk.fs.open("/a", "wx");
    await file.write(utf8("xy"), 0, 2, 0);
    await (await disk.fs.open("/", 0)).sync();
    expect(await images(disk, ["/a"])).toEqual(new Set(['""', '"x"', '"xy"', '"\\u0000\\u0000"']));
  });

  test("a rename across folders is whole, before or after", async () => {
    const disk = powerCutDisk();
    await disk.fs.mkdir("/from", { recursive: true });
    await disk.fs.mkdir("/to", { recursive: true });
    await (await disk.fs.open("/from/a", "wx")).sync();
    for (const folder of ["/", "/from", "/to"]) await (await disk.fs.open(folder, 0)).sync();
    await disk.fs.rename("/from/a", "/to/b");
    expect(await images(disk, ["/from/a", "/to/b"])).toEqual(new Set(['"" -', '- ""']));
    await (await disk.fs.open("/to", 0)).sync();
    expect(await images(disk, ["/from/a", "/to/b"])).toEqual(new Set(['- ""']));
  });

  test("names that were not flushed survive in any order", async () => {
    const disk = powerCutDisk();
    await (await disk.fs.open("/a", "wx")).sync();
    await (await disk.fs.open("/b", "wx")).sync();
    expect(await images(disk, ["/a", "/b"])).toEqual(new Set(["- -", '"" -', '- ""', '"" ""']));
  });

  test("a size that was not flushed may have come or not", async () => {
    const disk = powerCutDisk();
    const file = await disk.fs.open("/a", "wx");
    await file.write(utf8("xyz"), 0, 3, 0);
    await file.sync();
    await (await disk.fs.open("/", 0)).sync();
    await file.truncate(1);
    expect(await images(disk, ["/a"])).toEqual(new Set(['"xyz"', '"x"']));
  });

  test("a flush that is forgotten is none", async () => {
    for (const forgotten of ["file", "folder"] as const) {
      const disk = powerCutDisk({ forget: ({ of, name }) => of === forgotten && name.startsWith("/") });
      const file = await disk.fs.open("/a", "wx");
      await file.write(utf8("xy"), 0, 2, 0);
      await file.sync();
      await (await disk.fs.open("/", 0)).sync();
      const left = await images(disk, ["/a"]);
      expect(left.has('"xy"')).toBe(true);
      expect(left.has(forgotten === "folder" ? "-" : '"x"')).toBe(true);
      expect(left.has(forgotten === "folder" ? '"x"' : "-")).toBe(false);
    }
  });

  test("once the power is gone nothing is written any more", async () => {
    const disk = powerCutDisk({ cutAt: 3 });
    const file = await disk.fs.open("/a", "wx");
    await file.write(utf8("x"), 0, 1, 0);
    await expect(file.write(utf8("y"), 0, 1, 1)).rejects.toBeInstanceOf(PowerCut);
    await expect(file.sync()).rejects.toBeInstanceOf(PowerCut);
    expect(await images(disk, ["/a"])).toEqual(new Set(["-", '""', '"x"', '"\\u0000"']));
  });
});

test("a folder that was pruned, and made again by someone who did not flush it, is flushed again", async () => {
  const disk = powerCutDisk();
  const storage = diskStorage("/data", { fs: disk.fs });
  await storage.put("d/e/a", utf8("old"));
  await storage.delete("d/e/a");
  await storage.prune("d");
  await disk.fs.mkdir("/data/d/e", { recursive: true });
  await storage.put("d/e/a", utf8("new"));
  expect(await images(disk, ["/data/d/e/a"])).toEqual(new Set(['"new"']));
});

describe("what a storage method returned from outlives a power cut:", () => {
  test.each([
    ["put", ["x/y/a"], async (s) => void (await s.put("x/y/a", utf8("new")))],
    ["put over another", ["old"], async (s) => void (await s.put("old", utf8("new")))],
    ["create", ["x/a"], async (s) => void (await s.put("x/a", utf8("new"), { mode: "create" }))],
    ["delete", ["old"], (s) => s.delete("old")],
    ["rename", ["old", "x/a"], (s) => s.rename("old", "x/a")],
    ["link", ["old", "x/a"], (s) => s.link("old", "x/a")],
    ["append", ["x/log"], (s) => s.append("x/log", utf8("line\n"))],
    [
      "extend",
      ["x/a", "old"],
      async (s) => {
        const { etag } = (await s.open("old"))!.meta;
        await s.extend("x/a", { path: "old", etag, length: 2 }, utf8("new"));
      },
    ],
    ["append to another", ["old"], (s) => s.append("old", utf8("line\n"))],
  ] satisfies readonly [string, readonly string[], (s: ReturnType<typeof diskStorage>) => Promise<void>][])(
    "%s",
    async (_, paths, act) => {
      const disk = powerCutDisk();
      const storage = diskStorage("/data", { fs: disk.fs });
      await storage.put("old", utf8("old"));
      await act(storage);
      const now: string[] = [];
      for (const path of paths) {
        const handle = await storage.open(path);
        now.push(handle === undefined ? "-" : JSON.stringify(new TextDecoder().decode(await readAll(handle))));
      }
      expect(
        await images(
          disk,
          paths.map((path) => `/data/${path}`),
        ),
      ).toEqual(new Set([now.join(" ")]));
      expect(await textOf(disk.afterCut(drop), `/data/${paths[0]}`)).toBe(now[0]);
    },
  );
});
