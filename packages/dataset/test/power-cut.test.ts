import type { Storage } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import {
  type Choose,
  PowerCut,
  type PowerCutDisk,
  type PowerCutOptions,
  powerCutDisk,
} from "@usr/storage/node-testing";
import { testRuns } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { doctor } from "../src/maintain/index.ts";
import { initDataset } from "../src/write/index.ts";
import { DATASETS, recoverAll, seen, VERBS, type Verb } from "./verbs.ts";
import { demoRoot, importCsv, writableRoot } from "./write-support.ts";

// The disk is a model that keeps flushed and unflushed apart (@usr/storage/node-testing). A power cut at every call that writes or flushes, a
// legal state of the disk after it: the reader sees the state before or the state after, and the log speaks of exactly the commits.

/** The kernel's lock guards against other processes; here is one program at a time. */
const storageOf = ({ fs }: Pick<PowerCutDisk, "fs">): Storage => ({
  ...diskStorage("/data", { fs, random: () => crypto.getRandomValues(new Uint8Array(8)) }),
  lock: async () => ({ [Symbol.asyncDispose]: async () => undefined }),
});

/** The disk of a program that is killed before its call of this number: the disk goes on, with what was not flushed. */
const killedAt = ({ fs }: PowerCutDisk, at: number): Pick<PowerCutDisk, "fs"> => {
  let calls = 0;
  const counted =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (++calls >= at) throw new PowerCut();
      return await call(...args);
    };
  const open: typeof fs.open = async (...args) => {
    const file = await fs.open(...args);
    const { write, truncate, sync } = file;
    return { ...file, write: counted(write), truncate: counted(truncate), sync: counted(sync) };
  };
  const { mkdir, rmdir, copyFile, rename, link, unlink } = fs;
  const names = { mkdir: counted(mkdir), rmdir: counted(rmdir), rename: counted(rename), link: counted(link) };
  return { fs: { ...fs, ...names, open: counted(open), copyFile: counted(copyFile), unlink: counted(unlink) } };
};

/** Whole numbers from a seed, the same in every run. */
const chooser = (seed: number): Choose => {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  return (n) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
};
const keepAll: Choose = () => 1;

const prepared = async (verb: Verb): Promise<PowerCutDisk> => {
  const disk = powerCutDisk();
  const root = await demoRoot(storageOf(disk));
  await verb.prepare?.(root);
  return disk;
};

interface Cuts {
  readonly images: number;
  readonly forget?: PowerCutOptions["forget"];
}

let tried = 0;

/** Cuts the power at every call of a verb; says what was wrong afterwards. */
const violations = async (verb: Verb, { images, forget }: Cuts): Promise<readonly string[]> => {
  const found: string[] = [];
  const origin = await prepared(verb);
  const before = await seen(storageOf(origin), verb);
  const whole = origin.afterCut(keepAll, { forget });
  await verb.run(writableRoot(storageOf(whole), 7));
  const after = await seen(storageOf(whole), verb);
  const calls = whole.calls.length;

  for (let call = 1; call <= calls + 1; call++) {
    for (let image = 0; image < images; image++) {
      const where = `cut at call ${call} of ${calls} (${whole.calls[call - 1] ?? "after the last"}), image ${image}`;
      const choose = chooser(call * 1000 + image);
      const disk = origin.afterCut(keepAll, { cutAt: call, forget });
      let cut = false;
      try {
        await verb.run(writableRoot(storageOf(disk), 7));
      } catch (error) {
        cut = true;
        if (!isPowerCut(error)) found.push(`${where}: ${String(error)}`);
      }
      tried++;
      try {
        const left = await afterAnother(disk.afterCut(choose), choose, image);
        const problem = await judge(verb, left, { before, after, finished: !cut });
        if (problem !== undefined) found.push(`${where}: ${problem}`);
      } catch (error) {
        found.push(`${where}: ${String(error)}`);
      }
    }
  }
  return found;
};

/** In every second image the power goes again while the first next command recovers. */
const afterAnother = async (disk: PowerCutDisk, choose: Choose, image: number): Promise<PowerCutDisk> => {
  if ((image + choose(2)) % 2 === 0) return disk;
  const again = disk.afterCut(keepAll, { cutAt: 1 + choose(20) });
  try {
    await recoverAll(storageOf(again));
  } catch (error) {
    if (!isPowerCut(error)) throw error;
  }
  return again.afterCut(choose);
};

/** Kills a verb at a call, and the command that recovers at another, and then the power goes; says what was wrong afterwards. */
const afterKills = async (verb: Verb, calls: readonly number[], images: number): Promise<readonly string[]> => {
  const found: string[] = [];
  const origin = await prepared(verb);
  const before = await seen(storageOf(origin), verb);
  const whole = origin.afterCut(keepAll);
  await verb.run(writableRoot(storageOf(whole), 7));
  const after = await seen(storageOf(whole), verb);
  for (const call of calls) {
    for (let image = 0; image < images; image++) {
      const choose = chooser(call * 1000 + image);
      const disk = origin.afterCut(keepAll);
      const run = async (at: number, work: (storage: Storage) => Promise<unknown>): Promise<boolean> => {
        try {
          await work(storageOf(killedAt(disk, at)));
          return true;
        } catch (error) {
          if (!isPowerCut(error)) throw error;
          return false;
        }
      };
      const finished = await run(call, (storage) => verb.run(writableRoot(storage, 7)));
      // Every second recovery has time to come to its end, as a rule.
      await run(2 + choose(call % 2 === 0 ? 20 : 120), recoverAll);
      const problem = await judge(verb, disk.afterCut(choose), { before, after, finished });
      if (problem !== undefined) found.push(`killed at call ${call}, image ${image}: ${problem}`);
      if (finished) return found;
    }
  }
  return found;
};

interface Expected {
  readonly before: Awaited<ReturnType<typeof seen>>;
  readonly after: Awaited<ReturnType<typeof seen>>;
  /** The verb returned: its change must be there. */
  readonly finished: boolean;
}

const judge = async (verb: Verb, disk: PowerCutDisk, expected: Expected): Promise<string | undefined> => {
  const { before, after, finished } = expected;
  const storage = storageOf(disk);
  const found = await seen(storage, verb);
  const allowed = finished ? [after.view] : [before.view, after.view];
  if (!allowed.includes(found.view)) return `the view is ${found.view}`;
  await recoverAll(storage);
  const recovered = await seen(storage, verb);
  if (recovered.view !== found.view) return "recovery changed the view";
  const own = recovered.events - before.events;
  const due =
    before.view === after.view && !finished ? [0, verb.events] : [found.view === after.view ? verb.events : 0];
  if (!due.includes(own)) return `${own} events instead of ${due.join(" or ")}`;
  const root = writableRoot(storage, 123);
  await importCsv(root, "demo", "sequence\nTTTTTTTTTT\n");
  await initDataset(root, "second").catch(() => undefined);
  for (const id of DATASETS) for await (const { path } of storage.list(`${id}/.staging/`)) return `debris ${path}`;
  const { findings } = await doctor(root, "demo");
  const severe = findings.filter(({ severity }) => severity === "error");
  return severe.length === 0 ? undefined : `doctor: ${JSON.stringify(severe)}`;
};

const isPowerCut = (error: unknown): boolean =>
  error instanceof Error && (error instanceof PowerCut || (error.cause !== undefined && isPowerCut(error.cause)));

describe("the power goes at every call of", () => {
  it.each(VERBS)("$name", async (verb) => {
    expect(await violations(verb, { images: testRuns(1) })).toEqual([]);
  });

  it("all verbs, often enough", () => {
    expect(tried).toBeGreaterThan(1000);
  });
});

describe("a process is killed, the next one too, and then the power goes:", () => {
  it("attach, at every call", async () => {
    const verb = VERBS.find(({ name }) => name === "attach");
    if (verb === undefined) throw new Error("the verb attach is gone");
    const calls = Array.from({ length: 160 }, (_, i) => i + 1);
    expect(await afterKills(verb, calls, testRuns(2))).toEqual([]);
  });

  it.each(VERBS)("$name, at some", async (verb) => {
    const choose = chooser(VERBS.indexOf(verb));
    const calls = Array.from({ length: testRuns(6) }, () => 1 + choose(200));
    expect(
      await afterKills(
        verb,
        calls.toSorted((a, b) => a - b),
        1,
      ),
    ).toEqual([]);
  });
});

describe("a flush that is left out is found:", () => {
  const verb = VERBS.find(({ name }) => name === "attach");

  it.each([
    { what: "of every file", forget: ({ of }) => of === "file" },
    { what: "of every folder", forget: ({ of }) => of === "folder" },
    { what: "of the pending record", forget: ({ name }) => name.includes("pending.json") },
    { what: "of the event log", forget: ({ name }) => name.endsWith(".events.log") },
    { what: "of the folder of parts", forget: ({ of, name }) => of === "folder" && name.includes("_derived") },
  ] satisfies readonly { what: string; forget: NonNullable<PowerCutOptions["forget"]> }[])(
    "$what",
    async ({ forget }) => {
      if (verb === undefined) throw new Error("the verb attach is gone");
      expect((await violations(verb, { images: 6, forget })).length).toBeGreaterThan(0);
    },
  );
});
