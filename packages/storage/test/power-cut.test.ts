/// <reference types="node" />
import { constants } from "node:fs";
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

describe("the disk", () => {
  test("tells every call that changes or flushes something, in order", async () => {
    const { fs, calls } = powerCutDisk();
    await fs.mkdir("/d/e", { recursive: true });
    const file = await fs.open("/d/a", "wx");
    await file.write(utf8("xy"), 0, 2, 0);
    await file.truncate(1);
    await file.sync();
    await (await fs.open("/d", constants.O_DIRECTORY)).sync();
    await fs.copyFile("/d/a", "/d/b", 0);
    await fs.link("/d/b", "/d/c");
    await fs.rename("/d/c", "/d/e/c");
    await fs.unlink("/d/b");
    await fs.rmdir("/d/e").catch(() => {});
    await fs.stat("/d/a", { bigint: true });
    await fs.readdir("/d", { withFileTypes: true });
    expect(calls).toEqual([
      ...["mkdir /d", "mkdir /d/e", "create /d/a", "write /d/a", "truncate /d/a", "sync file /d/a", "sync folder /d"],
      ...["create /d/b", "copy /d/a /d/b", "link /d/b /d/c", "rename /d/c /d/e/c", "unlink /d/b", "rmdir /d/e"],
    ]);
  });

  test("refuses what a disk refuses, as a failed system call does", async () => {
    const { fs } = powerCutDisk();
    await fs.mkdir("/d/e", { recursive: true });
    await fs.open("/a", "wx");
    const refused: readonly (readonly [string, string, () => Promise<unknown>])[] = [
      ["ENOTDIR", "/a/b", () => fs.open("/a/b", "wx")],
      ["ENOTDIR", "/a", () => fs.open("/a", constants.O_DIRECTORY)],
      ["ENOTDIR", "/a", () => fs.rmdir("/a")],
      ["ENOTDIR", "/a", () => fs.readdir("/a", { withFileTypes: true })],
      ["ENOTEMPTY", "/d", () => fs.rmdir("/d")],
      ["EISDIR", "/d", () => fs.copyFile("/d", "/copy", 0)],
      ["EISDIR", "/d", () => fs.rename("/a", "/d")],
      ["EISDIR", "/d", () => fs.unlink("/d")],
      ["EEXIST", "/a", () => fs.open("/a", "wx")],
      ["ENOENT", "/none", () => fs.lstat("/none", { bigint: true })],
    ];
    for (const [code, path, call] of refused)
      await expect(call(), `${code} ${path}`).rejects.toMatchObject({ code, path, syscall: "power-cut" });
  });

  test("writes where it is told, at the end of a file that is opened to append, and later than before", async () => {
    const { fs } = powerCutDisk();
    const file = await fs.open("/a", "wx");
    const times: bigint[] = [];
    const written = async (text: string, position: number | null, to = file): Promise<string> => {
      await to.write(utf8(`<${text}>`), 1, text.length, position);
      const { size, mtimeNs } = await to.stat({ bigint: true });
      times.push(mtimeNs);
      const bytes = new Uint8Array(Number(size) + 2);
      const { bytesRead } = await to.read(bytes, 0, bytes.length, 0);
      expect(bytesRead).toBe(Number(size));
      return new TextDecoder().decode(bytes.subarray(0, bytesRead));
    };
    expect(await written("abc", 0)).toBe("abc");
    expect(await written("X", 1)).toBe("aXc");
    expect(await written("end", 5)).toBe("aXc\0\0end");
    expect(await written("!", null)).toBe("aXc\0\0end!");
    const log = await fs.open("/log", constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
    expect(await written("one", 0, log)).toBe("one");
    expect(await written("two", 0, log)).toBe("onetwo");
    expect(times).toEqual([...new Set(times)].sort((a, b) => (a < b ? -1 : 1)));
  });

  test("moves one name of a file onto its other as POSIX does: both stay", async () => {
    const { fs } = powerCutDisk();
    await fs.open("/a", "wx");
    await fs.link("/a", "/b");
    await fs.rename("/a", "/b");
    expect((await fs.readdir("/", { withFileTypes: true })).map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("keeps through any number of cuts what was flushed, and gives no number twice", async () => {
    const disk = powerCutDisk();
    const storage = diskStorage("/data", { fs: disk.fs });
    await storage.put("d/a", utf8("kept"));
    await storage.put("d/gone", utf8("x"));
    await storage.delete("d/gone");
    const { mtimeNs } = await disk.fs.stat("/data/d/a", { bigint: true });
    for (let seed = 0; seed < 30; seed++) {
      const later = disk.afterCut((n) => seed % n).afterCut((n) => (seed >> 1) % n);
      expect((await later.fs.readdir("/data/d", { withFileTypes: true })).map(({ name }) => name)).toEqual(["a"]);
      expect((await later.fs.stat("/data/d/a", { bigint: true })).mtimeNs).toBe(mtimeNs);
      await diskStorage("/data", { fs: later.fs }).put("d/b", utf8("other"));
      expect([await textOf(later, "/data/d/a"), await textOf(later, "/data/d/b")]).toEqual(['"kept"', '"other"']);
      expect((await later.fs.stat("/data/d/b", { bigint: true })).mtimeNs).toBeGreaterThan(mtimeNs);
    }
  });

  test("the flush of one folder is not that of another, but of all that its names come from", async () => {
    const disk = powerCutDisk();
    for (const folder of ["/from", "/to"]) await disk.fs.mkdir(folder, { recursive: true });
    await (await disk.fs.open("/", 0)).sync();
    await (await disk.fs.open("/from/a", "wx")).sync();
    await (await disk.fs.open("/from/b", "wx")).sync();
    await disk.fs.rename("/from/a", "/to/a");
    await (await disk.fs.open("/to", 0)).sync();
    expect(await images(disk, ["/from/a", "/to/a", "/from/b"])).toEqual(new Set(['- "" -', '- "" ""']));
  });

  test("once it has no power, says so", async () => {
    const { fs } = powerCutDisk({ cutAt: 1 });
    const error = await fs.mkdir("/d", { recursive: true }).catch((thrown: unknown) => thrown);
    expect(String(error)).toBe("PowerCut: the power is gone");
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
