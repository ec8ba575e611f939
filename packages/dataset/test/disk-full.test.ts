/// <reference types="node" />
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readAll, type Storage } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import { testRuns } from "@usr/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { doctor } from "../src/maintain/index.ts";
import { type SmallDisk, smallDisk } from "./machine/tmpfs.ts";
import { prepared, recoverAll, type Seen, seen, VERBS, type Verb } from "./verbs.ts";
import { importCsv, writableRoot } from "./write-support.ts";

// Every verb on a file system that really runs full: of bytes, and of files. With every amount of space, one unit after the other, until
// the verb succeeds; the usual run takes every third amount.

const STRIDE = testRuns(1) > 1 ? 1 : 3;
let runs = 0;

/** Every object of a storage as bytes. */
const filesOf = async (storage: Storage): Promise<ReadonlyMap<string, Uint8Array>> => {
  const files = new Map<string, Uint8Array>();
  for await (const { path } of storage.list("")) {
    await using handle = (await storage.open(path))!;
    files.set(path, await readAll(handle));
  }
  return files;
};

const laid = async (folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<Storage> => {
  await rm(folder, { recursive: true, force: true });
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return diskStorage(folder);
};

const attempt = async (act: () => Promise<unknown>): Promise<unknown> => {
  try {
    await act();
    return undefined;
  } catch (error) {
    return error;
  }
};

const tryWith = async (
  disk: SmallDisk,
  verb: Verb,
  files: ReadonlyMap<string, Uint8Array>,
  units: number,
  [before, after]: readonly [Seen, Seen],
): Promise<boolean> => {
  const where = `with space for ${units}`;
  const storage = await laid(join(disk.folder, "root"), files);
  await disk.leave(units);
  const failed = await attempt(() => verb.run(writableRoot(storage, 7)));
  runs++;
  if (failed !== undefined)
    expect(failed, where).toMatchObject({
      code: "FULL",
      message: expect.stringMatching(
        /^Cannot \w.+: the disk or the quota is full(?:\.|; \d+ row\(s\) of \d+ flush\(es\) before it are committed)$/,
      ),
      details: { path: expect.stringMatching(/./) },
      hint: "Free space (or raise the quota), then repeat the command.",
    });
  // It is still full: reading asks for no space.
  const found = await seen(storage, verb);
  expect([before.view, after.view], where).toContain(found.view);
  if (failed === undefined) expect(found, where).toEqual(after);

  await disk.leave(undefined);
  const root = writableRoot(storage, 99);
  for (const { code, repairable } of (await doctor(root, "demo")).findings)
    expect([code, repairable], where).toEqual([code, true]);
  await recoverAll(storage);
  await importCsv(root, "demo", "sequence\nTTTTTTTTTT\n");
  expect((await doctor(root, "demo")).findings, where).toEqual([]);
  const own = (await seen(storage, verb)).events - before.events - 1;
  if (before.view === after.view && failed !== undefined) expect([0, verb.events], where).toContain(own);
  else expect(own, where).toBe(found.view === after.view ? verb.events : 0);
  return failed === undefined;
};

describe.each(["pages", "files"] as const)("a disk with few %s left", (unit) => {
  let disk: SmallDisk | undefined;
  beforeAll(async () => {
    disk = await smallDisk(unit);
  });
  // A file that a verb has left open keeps the file system busy, and the test fails here.
  afterAll(() => disk?.[Symbol.asyncDispose]());

  test.each(VERBS)("$name", async (verb) => {
    if (disk === undefined) return;
    const origin = await prepared(verb);
    const files = await filesOf(origin);
    const before = await seen(origin, verb);
    await verb.run(writableRoot(origin, 7));
    const states = [before, await seen(origin, verb)] as const;
    let units = VERBS.indexOf(verb) % STRIDE;
    while (!(await tryWith(disk, verb, files, units, states))) units += STRIDE;
  });
});

test("it was tried", (context) => {
  if (runs === 0) context.skip("mount is not permitted here");
  expect(runs).toBeGreaterThan(2 * VERBS.length);
});
