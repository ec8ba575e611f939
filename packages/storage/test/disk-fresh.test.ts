/// <reference types="node" />
import { constants } from "node:fs";
import * as fsp from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ObjectMeta } from "../src/index.ts";
import { type DiskFs, diskStorage } from "../src/node/index.ts";
import { failing, paths, read, type Step, watched } from "./disk-support.ts";
import { freshFolder, utf8 } from "./folder.ts";

// Writing where nothing lies, of which the name is flushed while the bytes come; and what is waited for late but fails early.

type Disk = ReturnType<typeof diskStorage>;
type Body = Uint8Array | AsyncIterable<Uint8Array>;

/** Both ways to write `d/new` where nothing lies, to begin with what lies at `d/a`. */
const WAYS: Readonly<
  Record<string, (disk: Disk, etag: string, body: Body, o?: { readonly durable?: boolean }) => Promise<ObjectMeta>>
> = {
  put: (disk, _, body, o) => disk.put("d/new", body, { ...o, fresh: true }),
  extend: (disk, etag, body) => disk.extend("d/new", { path: "d/a", etag, length: 4 }, body, { fresh: true }),
};

/** What the process hears of rejections that nobody waited for. */
async function strays(work: () => Promise<void>): Promise<readonly unknown[]> {
  const stray: unknown[] = [];
  const onStray = (reason: unknown): void => void stray.push(reason);
  process.on("unhandledRejection", onStray);
  try {
    await work();
    await sleep(5);
  } finally {
    process.off("unhandledRejection", onStray);
  }
  return stray;
}

/** A disk with `d/a`, whose folders are flushed already. */
const withFolder = async (root: string, fs: DiskFs): Promise<{ readonly disk: Disk; readonly etag: string }> => {
  const disk = diskStorage(root, { fs });
  return { disk, etag: (await disk.put("d/a", utf8("0123456789"))).etag };
};

describe.each(Object.entries(WAYS))("%s where nothing lies", (way, write) => {
  const whole = way === "put" ? "xy" : "0123xy";

  test("takes one flush of the bytes and one of the name, which is not waited for before the bytes come", async () => {
    await using folder = await freshFolder();
    const steps: string[] = [];
    const { disk, etag } = await withFolder(
      folder.path,
      watched(folder.path, (call, name) => steps.push(`${call} ${name}`)),
    );
    steps.length = 0;
    async function* body(): AsyncGenerator<Uint8Array> {
      yield utf8("x");
      while (!steps.includes("sync d")) await sleep(1);
      yield utf8("y");
    }
    const meta = await write(disk, etag, body());
    expect(steps.filter((step) => step.startsWith("sync")).toSorted()).toEqual(["sync d", "sync d/new"]);
    expect(steps.filter((step) => /^(rename|link|unlink)/.test(step))).toEqual([]);
    expect([meta.path, meta.size, await read(disk, "d/new")]).toEqual(["d/new", whole.length, whole]);
    await using handle = await disk.open("d/new");
    expect(handle?.meta.etag).toBe(meta.etag);
  });

  test("returns only once the name is flushed, also where it fails", async () => {
    await using folder = await freshFolder();
    const ended: string[] = [];
    let slow = false;
    const fs: DiskFs = {
      ...fsp,
      open: async (name, flags, mode) => {
        const file = await fsp.open(name, flags, mode);
        const isFolder = typeof flags === "number" && (flags & constants.O_DIRECTORY) !== 0;
        const sync = file.sync.bind(file);
        return Object.assign(file, {
          sync: async () => {
            if (isFolder && slow) await sleep(20);
            await sync();
            if (isFolder && slow) ended.push("flushed");
          },
        });
      },
    };
    const { disk, etag } = await withFolder(folder.path, fs);
    slow = true;
    await write(disk, etag, utf8("xy"));
    ended.push("returned");
    await disk.delete("d/new", { durable: false });
    const reason = new Error("no more rows");
    async function* body(): AsyncGenerator<Uint8Array> {
      yield utf8("x");
      throw reason;
    }
    await expect(write(disk, etag, body())).rejects.toBe(reason);
    ended.push("failed");
    expect(ended).toEqual(["flushed", "returned", "flushed", "failed"]);
  });

  test("fails where the name cannot be flushed, leaves nothing, and the process hears of it nowhere else", async () => {
    await using folder = await freshFolder();
    let broken = false;
    const onStep: Step = (call, name) => {
      if (broken && call === "sync" && name === "d") throw failing("EIO");
    };
    const { disk, etag } = await withFolder(folder.path, watched(folder.path, onStep));
    broken = true;
    async function* body(): AsyncGenerator<Uint8Array> {
      yield utf8("x");
      // The flush of the name has failed by now.
      await sleep(10);
      yield utf8("y");
    }
    const heard = await strays(async () => {
      await expect(write(disk, etag, body())).rejects.toMatchObject({
        code: "IO",
        details: { path: "d/new", action: "flush the folder of", errno: "EIO" },
      });
    });
    expect([heard, await paths(disk.list("")), await paths(disk.debris(""))]).toEqual([[], ["d/a"], []]);
  });

  test("leaves alone what lies there after all", async () => {
    await using folder = await freshFolder();
    const { disk, etag } = await withFolder(folder.path, fsp);
    await disk.put("d/new", utf8("theirs"));
    await expect(write(disk, etag, utf8("xy"))).rejects.toMatchObject({ code: "EXISTS" });
    expect([await read(disk, "d/new"), await paths(disk.debris(""))]).toEqual(["theirs", []]);
  });

  test("lets go of its body, also where it fails", async () => {
    await using folder = await freshFolder();
    const { disk, etag } = await withFolder(folder.path, fsp);
    const ended: string[] = [];
    const body = (name: string) =>
      (async function* (): AsyncGenerator<Uint8Array> {
        try {
          yield utf8("x");
          yield utf8("y");
        } finally {
          ended.push(name);
        }
      })();
    await write(disk, etag, body("written"));
    await expect(write(disk, etag, body("refused"))).rejects.toMatchObject({ code: "EXISTS" });
    // A put that is refused has not asked for its first chunk.
    expect(ended).toEqual(way === "put" ? ["written"] : ["written", "refused"]);
  });
});

test("what nobody relies on is not flushed where nothing lies either, by no name", async () => {
  await using folder = await freshFolder();
  const steps: string[] = [];
  const { disk } = await withFolder(
    folder.path,
    watched(folder.path, (call, name) => steps.push(`${call} ${name}`)),
  );
  steps.length = 0;
  await disk.put("d/new", utf8("xy"), { fresh: true, durable: false });
  expect(steps).toEqual(["open wx d/new", "write d/new"]);
});

test("a copy where nothing lies that the system cannot make is made by reading, with the same flushes", async () => {
  await using folder = await freshFolder();
  const steps: string[] = [];
  const fs: DiskFs = {
    ...watched(folder.path, (call, name) => steps.push(`${call} ${name}`)),
    copyFile: () => Promise.reject(failing("EOPNOTSUPP")),
  };
  const { disk, etag } = await withFolder(folder.path, fs);
  steps.length = 0;
  await disk.extend("d/new", { path: "d/a", etag, length: 4 }, utf8("xy"), { fresh: true });
  expect(steps.filter((step) => step.startsWith("sync")).toSorted()).toEqual(["sync d", "sync d/new"]);
  expect([await read(disk, "d/new"), await paths(disk.list(""))]).toEqual(["0123xy", ["d/a", "d/new"]]);
});

describe("an extension that fails before it writes", () => {
  test("lets go of the body it began", async () => {
    await using folder = await freshFolder();
    const { disk, etag } = await withFolder(folder.path, fsp);
    const ended: string[] = [];
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        yield utf8("x");
        ended.push("asked for more");
      } finally {
        ended.push("ended");
      }
    }
    const reason = new Error("the rows differ");
    const length = Promise.reject(reason);
    length.catch(() => {});
    await expect(disk.extend("d/new", { path: "d/a", etag, length }, body())).rejects.toBe(reason);
    expect(ended).toEqual(["ended"]);
  });

  test("says why, also where the body fails as it is begun, and the process hears of it nowhere else", async () => {
    await using folder = await freshFolder();
    let broken = false;
    const fs: DiskFs = {
      ...fsp,
      copyFile: async (from, to, mode) => {
        await sleep(10);
        if (broken) throw failing("EIO");
        await fsp.copyFile(from, to, mode);
      },
    };
    const { disk, etag } = await withFolder(folder.path, fs);
    const reason = new Error("no rows");
    // biome-ignore lint/correctness/useYield: it fails before its first chunk.
    async function* body(): AsyncGenerator<Uint8Array> {
      throw reason;
    }
    const extend = (): Promise<unknown> => disk.extend("d/new", { path: "d/a", etag, length: 4 }, body());
    const heard = await strays(async () => {
      await expect(extend()).rejects.toBe(reason);
      broken = true;
      await expect(extend()).rejects.toMatchObject({ code: "IO", details: { path: "d/new", errno: "EIO" } });
    });
    expect([heard, await paths(disk.list("")), await paths(disk.debris(""))]).toEqual([[], ["d/a"], []]);
  });

  test.each(["fails first", "is answered first"])(
    "is told of by its source where that is another one, while the length %s",
    async (when) => {
      await using folder = await freshFolder();
      const slow: DiskFs = {
        ...fsp,
        open: async (name, flags, mode) => {
          await sleep(10);
          return await fsp.open(name, flags, mode);
        },
      };
      const { disk, etag } = await withFolder(folder.path, slow);
      const reason = new Error("the rows differ");
      const rejected = async (): Promise<number> => {
        if (when === "is answered first") await sleep(30);
        throw reason;
      };
      const heard = await strays(async () => {
        // Nobody else has taken these promises in hand.
        const other = disk.extend("d/new", { path: "d/a", etag: "another", length: rejected() }, utf8("x"));
        await expect(other).rejects.toMatchObject({ code: "CONFLICT", details: { expected: "another", actual: etag } });
        const same = disk.extend("d/new", { path: "d/a", etag, length: rejected() }, utf8("x"));
        await expect(same).rejects.toBe(reason);
        await sleep(40);
      });
      expect([heard, await paths(disk.list("")), await paths(disk.debris(""))]).toEqual([[], ["d/a"], []]);
    },
  );
});
