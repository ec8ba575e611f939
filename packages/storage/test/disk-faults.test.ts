/// <reference types="node" />
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { type ObjectMeta, readAll, type Storage, StorageError, type StorageErrorCode } from "../src/index.ts";
import { type DiskFs, diskStorage } from "../src/node/index.ts";
import { powerCutDisk } from "../src/node/testing/index.ts";
import { textOf, utf8 } from "./folder.ts";

const ROOT = "/data";

type DiskFile = Awaited<ReturnType<DiskFs["open"]>>;

interface Faults {
  /** The call that fails, counted from 1; later ones too where `forever`. Absent = none. */
  readonly failAt?: number;
  readonly forever?: boolean;
  readonly errno?: string;
}

interface Faulty {
  readonly fs: DiskFs;
  /** Every call so far, by name. */
  readonly calls: readonly string[];
  /** How many files and folders are open. */
  readonly open: () => number;
}

const failing = (errno: string, syscall: string): Error =>
  Object.assign(new Error(`${errno}: planned`), { code: errno, syscall });

/** The disk, with one call failing before it has had its effect. A close that fails has closed all the same, as on Linux. */
function faulty(inner: DiskFs, { failAt = Number.POSITIVE_INFINITY, forever = false, errno = "EIO" }: Faults): Faulty {
  const calls: string[] = [];
  let open = 0;
  const step = async <T>(call: string, effect: () => Promise<T>): Promise<T> => {
    const number = calls.push(call);
    if (number === failAt || (forever && number > failAt)) throw failing(errno, call);
    return effect();
  };
  const fileOf = (file: DiskFile): DiskFile => ({
    read: (...args) => step("read", () => file.read(...args)),
    write: (...args) => step("write", () => file.write(...args)),
    truncate: (length) => step("truncate", () => file.truncate(length)),
    sync: () => step("sync", () => file.sync()),
    stat: (o) => step("fstat", () => file.stat(o)),
    close: () => {
      open--;
      return step("close", () => file.close());
    },
  });
  const fs: DiskFs = {
    open: (...args) =>
      step("open", async () => {
        const file = await inner.open(...args);
        open++;
        return fileOf(file);
      }),
    mkdir: (...args) => step("mkdir", () => inner.mkdir(...args)),
    rmdir: (name) => step("rmdir", () => inner.rmdir(name)),
    readdir: (...args) => step("readdir", () => inner.readdir(...args)),
    copyFile: (...args) => step("copyFile", () => inner.copyFile(...args)),
    rename: (...args) => step("rename", () => inner.rename(...args)),
    link: (...args) => step("link", () => inner.link(...args)),
    unlink: (name) => step("unlink", () => inner.unlink(name)),
    lstat: (...args) => step("lstat", () => inner.lstat(...args)),
    stat: (...args) => step("stat", () => inner.stat(...args)),
    realpath: (name) => step("realpath", () => inner.realpath(name)),
  };
  return { fs, calls, open: () => open };
}

type Disk = ReturnType<typeof diskStorage>;

async function textAt(storage: Storage, path: string): Promise<string | undefined> {
  await using handle = await storage.open(path);
  return handle && textOf(await readAll(handle));
}

async function paths(listing: AsyncIterable<ObjectMeta>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { path } of listing) found.push(path);
  return found;
}

/** Every object with its text. */
async function contentOf(storage: Storage): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const path of await paths(storage.list(""))) content[path] = (await textAt(storage, path)) ?? "gone";
  return content;
}

async function prepared(): Promise<DiskFs> {
  const { fs } = powerCutDisk();
  const disk = diskStorage(ROOT, { fs });
  await disk.put("d/a", utf8("old a"));
  await disk.put("d/log", utf8("old log\n"));
  await disk.put("e/x", utf8("old x"));
  await fs.mkdir(`${ROOT}/empty/er`, { recursive: true });
  return fs;
}

async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
  yield utf8("ne");
  yield utf8("w");
}

const etagOf = async (disk: Disk, path: string): Promise<string> => {
  await using handle = await disk.open(path);
  return handle?.meta.etag ?? "none";
};

/** What is done to the prepared disk; the answer of those that read. */
const VERBS: Readonly<Record<string, (disk: Disk) => Promise<unknown>>> = {
  "put over another": (disk) => disk.put("d/a", chunks()),
  "put where nothing lies": (disk) => disk.put("fresh", chunks(), { fresh: true }),
  "extend where nothing lies": async (disk) =>
    disk.extend("fresh", { path: "d/a", etag: await etagOf(disk, "d/a"), length: 3 }, chunks(), { fresh: true }),
  "put into new folders": (disk) => disk.put("new/folder/a", chunks()),
  create: (disk) => disk.put("d/b", chunks(), { mode: "create" }),
  "put if it matches": async (disk) => disk.put("d/a", chunks(), { mode: { ifMatch: await etagOf(disk, "d/a") } }),
  extend: async (disk) => disk.extend("f/a", { path: "d/a", etag: await etagOf(disk, "d/a"), length: 3 }, chunks()),
  delete: (disk) => disk.delete("d/a"),
  "rename across folders": (disk) => disk.rename("d/a", "g/a"),
  "rename over another": (disk) => disk.rename("d/a", "e/x"),
  link: (disk) => disk.link("d/a", "g/a"),
  "append to a new one": (disk) => disk.append("d/new", utf8("new\n")),
  "append to another": (disk) => disk.append("d/log", utf8("new\n")),
  prune: (disk) => disk.prune("empty"),
  read: (disk) => textAt(disk, "d/a"),
  digest: (disk) => disk.digest("d/a"),
  list: (disk) => paths(disk.list("d/")),
  debris: (disk) => paths(disk.debris("")),
};

const ERRNOS: readonly (readonly [string, StorageErrorCode])[] = [
  ["EIO", "IO"],
  ["ENOSPC", "FULL"],
  ["EROFS", "READ_ONLY"],
  ["EACCES", "PERMISSION"],
  ["EMFILE", "TOO_MANY_FILES"],
];

describe.each(Object.entries(VERBS))("%s, with each system call failing in turn", (_name, verb) => {
  test.each(ERRNOS)("%s: the state before or after, a typed error or none, nothing left open", async (errno, code) => {
    const still = await prepared();
    const before = await contentOf(diskStorage(ROOT, { fs: still }));
    const whole = faulty(still, {});
    const answer = await verb(diskStorage(ROOT, { fs: whole.fs }));
    const after = await contentOf(diskStorage(ROOT, { fs: still }));
    expect(whole.open()).toBe(0);

    for (const forever of [false, true]) {
      for (let failAt = 1; failAt <= whole.calls.length; failAt++) {
        const at = `${whole.calls[failAt - 1]} (call ${failAt}), ${forever ? "for ever" : "once"}`;
        const disk = await prepared();
        const plan = faulty(disk, { failAt, forever, errno });
        const end = await verb(diskStorage(ROOT, { fs: plan.fs })).then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        );
        expect(plan.open(), at).toBe(0);

        const survivor = diskStorage(ROOT, { fs: disk });
        const left = await contentOf(survivor);
        // An append makes the object before it writes: a new one may be there, without bytes.
        if (left["d/new"] === "" && "error" in end) delete left["d/new"];
        // What is written in place stays there where the disk does not let it be removed.
        if (forever && "error" in end && left["fresh"] !== undefined) {
          delete left["fresh"];
          await survivor.delete("fresh");
        }
        if ("value" in end) {
          expect(left, at).toEqual(after);
          if (answer === undefined || typeof answer === "string" || Array.isArray(answer))
            expect(end.value, at).toEqual(answer);
        } else {
          const { error } = end;
          if (!(error instanceof StorageError)) throw error;
          const torn = error.message.includes("may end in a piece");
          // Only a disk that refuses the cutting too leaves a piece, and then it is told.
          expect([error.code, torn && !forever], at).toEqual([torn ? "IO" : code, false]);
          expect(error.details["path"], at).toBeTypeOf("string");
          // What was being done is said, for those who read the log.
          if (!torn) expect(error.details, at).toMatchObject({ action: expect.stringMatching(/./), errno });
          expect(error.cause, at).toBeInstanceOf(Error);
          expect([before, after], at).toContainEqual(left);
        }
        // What a failed write leaves is swept by the write itself, as long as the disk lets it.
        const debris = await paths(survivor.debris(""));
        if (!forever && whole.calls[failAt - 1] !== "unlink") expect(debris, at).toEqual([]);
        for (const path of debris) await survivor.delete(path);
        // Nothing stands in the way of doing it again, unless it was done.
        if (isDeepStrictEqual(left, before)) {
          await verb(survivor);
          expect(await contentOf(survivor), at).toEqual(after);
        }
      }
    }
  });
});
