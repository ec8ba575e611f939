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

interface KilledDisk extends Pick<PowerCutDisk, "fs"> {
  /** What the program has changed or flushed, or was killed before: as the disk itself tells it. */
  readonly calls: readonly string[];
}

/** The disk of a program that is killed before its call of this number: the disk goes on, with what was not flushed. */
const killedAt = ({ fs }: PowerCutDisk, at = Number.POSITIVE_INFINITY): KilledDisk => {
  const calls: string[] = [];
  const counted =
    <A extends readonly unknown[], R>(what: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (calls.push(`${what} ${typeof args[0] === "string" ? args[0] : ""}`) >= at) throw new PowerCut();
      return await call(...args);
    };
  const open: typeof fs.open = async (...args) => {
    const file = await fs.open(...args);
    const of = <A extends readonly unknown[], R>(what: string, call: (...a: A) => Promise<R>) =>
      counted(`${what} ${args[0]}`, call);
    const { write, truncate, sync } = file;
    return { ...file, write: of("write", write), truncate: of("truncate", truncate), sync: of("sync", sync) };
  };
  const { mkdir, rmdir, copyFile, rename, link, unlink } = fs;
  const names = {
    mkdir: counted("mkdir", mkdir),
    rmdir: counted("rmdir", rmdir),
    rename: counted("rename", rename),
    link: counted("link", link),
    unlink: counted("unlink", unlink),
    copyFile: counted("copy", copyFile),
  };
  return { calls, fs: { ...fs, ...names, open: counted("open", open) } };
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
const keepNone: Choose = () => 0;

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

/**
 * Kills a verb before each flush of its commit, lets another command recover to its end, and then cuts the power: says where a file is gone, back
 * or another. What is staged and who held the lock are of no account.
 */
const lostAfterRecovery = async (verb: Verb, images: number): Promise<readonly string[]> => {
  const found: string[] = [];
  const origin = await prepared(verb);
  const whole = killedAt(origin.afterCut(keepAll));
  await verb.run(writableRoot(storageOf(whole), 7));
  const first = whole.calls.findIndex((call) => call.includes("pending.json"));
  for (const [index, name] of whole.calls.entries()) {
    if (index < first || !name.startsWith("sync ")) continue;
    const disk = origin.afterCut(keepAll);
    await verb.run(writableRoot(storageOf(killedAt(disk, index + 1)), 7)).catch((error: unknown) => {
      if (!isPowerCut(error)) throw error;
    });
    await recoverAll(storageOf(disk));
    recoveries++;
    const left = await filesOf(storageOf(disk));
    for (let image = 0; image < images; image++) {
      // First the disk that has nothing but what was flushed.
      const choose = image === 0 ? keepNone : chooser(index * 1000 + image);
      const after = await filesOf(storageOf(disk.afterCut(choose)));
      const changed = [...new Set([...left.keys(), ...after.keys()])].filter(
        (path) => left.get(path) !== after.get(path),
      );
      if (changed.length > 0)
        found.push(`killed before ${name} (call ${index + 1}), image ${image}: ${changed.join(" ")}`);
    }
  }
  return found;
};

let recoveries = 0;

/** The objects that count, each with what it holds. A log is made with its first line. */
const filesOf = async (storage: Storage): Promise<ReadonlyMap<string, string | undefined>> => {
  const files = new Map<string, string | undefined>();
  for await (const { path, size } of storage.list("")) {
    const empty = path.endsWith(".events.log") && size === 0;
    if (empty || path.includes("/.staging/") || path.endsWith(".owner")) continue;
    files.set(path, await storage.digest?.(path));
  }
  // Nobody recovers a dataset that is none yet.
  const isThere = (path: string): boolean => !path.startsWith("second/") || files.has("second/records.parquet");
  return new Map([...files].filter(([path]) => isThere(path)));
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

describe("a process is killed in its commit, and the next one recovers: what that leaves outlasts a power cut:", () => {
  it.each(VERBS)("$name", async (verb) => {
    expect(await lostAfterRecovery(verb, testRuns(2))).toEqual([]);
  });

  it("of many commits", () => {
    expect(recoveries).toBeGreaterThan(400);
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
