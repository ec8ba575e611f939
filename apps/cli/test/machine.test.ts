import { execFileSync, spawnSync } from "node:child_process";
import { chmod, chown, mkdir, readdir, readFile, readlink, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getuid } from "node:process";
import { fileURLToPath } from "node:url";
import { sequenceId } from "@usr/id";
import { mountTmpfs } from "@usr/testkit/tmpfs";
import { describe, expect, it, type TestContext } from "vitest";
import { demoWorkspace, type Ran, type Workspace } from "./support.ts";

// What a machine may refuse, for real: a file system that is read-only, another owner's files, few file descriptors, folders on two file
// systems. A full disk: packages/dataset/test/disk-full.test.ts. What this machine does not permit to set up is skipped, and counted as such.

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const NOBODY = 65_534;

/** Mounts an empty file system over a folder, or skips the test. */
const mounted = (context: TestContext, folder: string): AsyncDisposable => {
  return mountTmpfs(folder, "size=8m") ?? context.skip("mount is not permitted here");
};

/** Puts a folder of the root onto a file system of its own. */
const elsewhere = async (context: TestContext, folder: string): Promise<AsyncDisposable> => {
  await mkdir(folder, { recursive: true });
  const kept = `${folder}.kept`;
  await rename(folder, kept);
  await mkdir(folder);
  const place = mounted(context, folder);
  execFileSync("sh", ["-c", 'cp -a "$1"/. "$2" && rm -r "$1"', "copy", kept, folder]);
  return place;
};

/** The program as a process of its own, under a limit or as another user. */
const usr = (
  args: readonly string[],
  o: { readonly files?: number; readonly uid?: number } = {},
): Omit<Ran, "bytes" | "rows" | "data"> => {
  const command = [process.execPath, "--conditions=@usr/source", MAIN, "--json", ...args];
  const [program, ...rest] =
    o.files === undefined ? command : ["sh", "-c", `ulimit -n ${o.files}; exec "$@"`, "sh", ...command];
  const identity = o.uid === undefined ? {} : { uid: o.uid, gid: o.uid };
  const { status, stdout, stderr } = spawnSync(program!, rest, { encoding: "utf8", env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1" }, ...identity }); // biome-ignore format: one line
  const line = stderr.split("\n").find((text) => text.startsWith('{"usr_output_version"'));
  const document: { readonly error?: Ran["error"] } = line === undefined ? {} : JSON.parse(line);
  return { code: status ?? -1, stdout, stderr, error: document.error };
};

const ACGT = "ee93db6725ec05c3d18249d7fdba5d36a6a695cd";
const BIO = ["--bio-type", "dna", "--alphabet", "dna_4"];

/** A workspace with values, in two parts. */
const withParts = async (): Promise<Workspace> => {
  const w = await demoWorkspace();
  for (const score of [1, 2]) {
    const input = `id,score\n${ACGT},${score}\n`;
    const ran = await w.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id", "--overwrite"], { input }); // biome-ignore format: one line
    expect(ran.code, ran.stderr).toBe(0);
  }
  return w;
};

/** Files of a workspace that this process still has open, where the system tells. */
const leftOpen = async (w: Workspace): Promise<readonly string[]> => {
  const open = await readdir("/proc/self/fd").catch(() => []);
  const paths = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return paths.filter((path) => path.startsWith(w.dir));
};

const changesOf = async (w: Workspace): Promise<readonly (readonly string[])[]> => {
  const csv = await w.file("scores.csv", `id,score\n${ACGT},3\n`);
  const rows = await w.file("rows.csv", "sequence\nAACC\n");
  return [
    ["namespace", "register", "late", "--columns", "late__n:int8"],
    ["init", "second"],
    ["import", "demo", "--path", rows, ...BIO],
    ["attach", "demo", "--path", csv, "--namespace", "mock", "--key", "id", "--overwrite"],
    ["delete", "demo", "--id", ACGT],
    ["state", "set", "demo", "--id", ACGT, "--masked"],
    ["snapshot", "create", "demo"],
    ["maintenance", "overlay-compact", "demo", "--namespace", "mock"],
    ["materialize", "demo", "--yes"],
    ["overlay", "remove", "demo", "--namespace", "mock", "--delete", "--yes"],
  ];
};

const READS = [
  ["ls"],
  ["info", "demo"],
  ["head", "demo"],
  ["validate", "demo"],
  ["doctor", "demo"],
  ["events", "tail", "demo"],
];

const scores = async (w: Workspace): Promise<readonly unknown[]> =>
  (await w.usr(["scan", "demo", "--columns", "mock__score"])).rows.map((row) => row["mock__score"]);

const refused = (ran: Pick<Ran, "code" | "error" | "stderr">, code: string, exit: number): void => {
  expect([ran.error?.code, ran.code], ran.stderr.slice(0, 1000)).toEqual([code, exit]);
  expect(ran.error?.hint).toMatch(/\S/);
  expect(ran.stderr).not.toMatch(/\n\s+at /);
};

it("remotes doctor: a remote that takes no file is told, and none is left there", async (context) => {
  await using w = await demoWorkspace();
  const cluster = join(w.dir, "cluster");
  await mkdir(cluster);
  await using _disk = mounted(context, cluster);
  const run = (...args: readonly string[]): Promise<Ran> => w.usr(["--remotes", join(w.dir, "remotes.yaml"), ...args]);
  await run("remotes", "add", "cluster", "--type", "file", "--base-dir", cluster, "--verify", "hash");
  expect((await run("remotes", "doctor", "cluster")).code).toBe(0);
  expect(await readdir(cluster)).toEqual([]);
  execFileSync("mount", ["-o", "remount,ro", cluster]);
  const { code, data } = await run("remotes", "doctor", "cluster");
  expect([code, data]).toMatchObject([6, { ok: false }]);
  expect(JSON.stringify(data)).toContain("push is not: Cannot write");
});

describe("a file system that is read-only", () => {
  it("is read as ever; every change is refused, nothing is left, and later all is well", async (context) => {
    await using w = await withParts();
    const changes = await changesOf(w);
    await using _place = await elsewhere(context, w.root);
    const before = await w.bytes();
    execFileSync("mount", ["-o", "remount,ro", w.root]);
    for (const args of changes) {
      const ran = await w.usr(args);
      refused(ran, "READ_ONLY", 8);
      expect(ran.error).toMatchObject({ message: expect.stringContaining("the file system is read-only"), details: { path: expect.stringMatching(/./) } }); // biome-ignore format: one line
    }
    for (const args of READS) expect([args, (await w.usr(args)).code]).toEqual([args, 0]);
    expect(await scores(w)).toEqual([2, null, null, null, null]);
    expect(await leftOpen(w)).toEqual([]);
    refused(await w.usr(["export", "demo", "--out", join(w.dir, "root.csv")]).then(() => w.usr(["import", "demo", "--path", changes[2]![3]!, ...BIO])), "READ_ONLY", 8); // biome-ignore format: one line
    execFileSync("mount", ["-o", "remount,rw", w.root]);
    expect(await w.bytes()).toEqual(before);
    for (const args of changes.slice(0, 5)) expect((await w.usr(args)).code).toBe(0);
  });

  it("as a place for an export is said with its path", async (context) => {
    await using w = await demoWorkspace();
    const folder = join(w.dir, "out");
    await mkdir(folder);
    await using _place = mounted(context, folder);
    execFileSync("mount", ["-o", "remount,ro", folder]);
    const out = join(folder, "x.csv");
    const ran = await w.usr(["export", "demo", "--out", out]);
    refused(ran, "READ_ONLY", 8);
    expect(ran.error?.details["path"]).toBe(out);
    expect(await leftOpen(w)).toEqual([]);
  });

  it("that is full leaves an export that stood there as it was", async (context) => {
    await using w = await demoWorkspace();
    const folder = join(w.dir, "out");
    await mkdir(folder);
    await using _place = mounted(context, folder);
    const out = join(folder, "x.csv");
    await writeFile(out, "old");
    await writeFile(join(folder, "filler"), new Uint8Array(2 ** 23 - 4096));
    const ran = await w.usr(["export", "demo", "--out", out]);
    refused(ran, "FULL", 8);
    expect(await readdir(folder)).toEqual(["filler", "x.csv"]);
    expect(execFileSync("cat", [out], { encoding: "utf8" })).toBe("old");
    expect(await leftOpen(w)).toEqual([]);
  });
});

describe("files of another owner", () => {
  const asRoot = getuid?.() === 0;
  /** What this process may not do: as root only a process of another user is refused. */
  const other = asRoot ? { uid: NOBODY } : {};

  it("that may be read are read, and every change is refused; what may not be read is said by its path", async (context) => {
    await using w = await withParts();
    const changes = await changesOf(w);
    await chmod(w.dir, 0o755);
    if (usr(["--version"], other).code !== 0) context.skip("another user cannot read this checkout");
    if (!asRoot) for (const folder of [w.root, join(w.root, "demo"), join(w.root, "demo/_derived"), join(w.root, "demo/_derived/mock")]) await chmod(folder, 0o555); // biome-ignore format: one line
    const before = await w.bytes();
    for (const args of changes.filter((_, i) => [0, 1, 2, 3, 8].includes(i))) {
      const ran = usr(["--root", w.root, ...args], other);
      refused(ran, "PERMISSION", 8);
      expect(ran.error?.message).toContain("permission denied");
    }
    for (const args of [["head", "demo"], ["doctor", "demo"]]) expect([args, usr(["--root", w.root, ...args], other).code]).toEqual([args, 0]); // biome-ignore format: one line
    expect(await w.bytes()).toEqual(before);

    const secret = await w.file("secret.csv", "sequence\nAACC\n");
    await chmod(secret, asRoot ? 0o600 : 0);
    const hidden = usr(["--root", w.root, "import", "demo", "--path", secret, ...BIO], other);
    refused(hidden, "PERMISSION", 8);
    expect(hidden.error?.details["path"]).toBe(secret);
    await chmod(join(w.root, "demo/records.parquet"), asRoot ? 0o600 : 0);
    refused(usr(["--root", w.root, "head", "demo"], other), "PERMISSION", 8);
    await chmod(join(w.root, "demo/records.parquet"), 0o644);
    for (const folder of [w.root, join(w.root, "demo"), join(w.root, "demo/_derived"), join(w.root, "demo/_derived/mock")]) await chmod(folder, 0o755); // biome-ignore format: one line
    for (const args of changes.slice(0, 4)) expect((await w.usr(args)).code).toBe(0);
  });

  it("that may not be written to are not replaced, by an export or by a change of remotes", async (context) => {
    await using w = await withParts();
    await chmod(w.dir, 0o755);
    if (usr(["--version"], other).code !== 0) context.skip("another user cannot read this checkout");
    const folder = join(w.dir, "out");
    await mkdir(folder);
    const [kept, remotes] = [join(folder, "kept.csv"), join(folder, "remotes.yaml")];
    await writeFile(kept, "old");
    const add = (name: string): readonly string[] => ["remotes", "add", name, "--type", "file", "--base-dir", w.root, "--remotes", remotes]; // biome-ignore format: one line
    expect((await w.usr(add("far"))).code).toBe(0);
    for (const place of [kept, remotes]) await chmod(place, 0o444);
    if (asRoot) for (const place of [folder, kept, remotes]) await chown(place, NOBODY, NOBODY);
    const to = (path: string): readonly string[] => ["--root", w.root, "export", "demo", "--out", path];
    const before = await readFile(remotes, "utf8");
    for (const [path, args] of [
      [kept, to(kept)],
      [kept, [...to(kept), "--dry-run"]],
      [remotes, add("near")],
    ] as const) {
      // biome-ignore format: a table
      const ran = usr(args, other);
      refused(ran, "PERMISSION", 8);
      expect(ran.error?.details["path"]).toBe(path);
    }
    expect([await readFile(kept, "utf8"), await readFile(remotes, "utf8")]).toEqual(["old", before]);
    expect((await readdir(folder)).sort()).toEqual(["kept.csv", "remotes.yaml"]);
    await chmod(kept, 0o644);
    expect(usr(to(kept), other).code).toBe(0);
    expect(await readFile(kept, "utf8")).toMatch(/^id,/);
  });

  it("that may not be looked into are listed as broken, beside the rest; a link out of the root, too", async (context) => {
    await using w = await withParts();
    await chmod(w.dir, 0o755);
    if (usr(["--version"], other).code !== 0) context.skip("another user cannot read this checkout");
    await w.usr(["init", "shelf/secret"]);
    await rename(join(w.root, "shelf"), join(w.dir, "shelf"));
    await symlink("../shelf", join(w.root, "away"));
    for (const id of ["closed", "shelf/open", "shelf/closed"]) expect((await w.usr(["init", id])).code).toBe(0);
    for (const id of ["closed", "shelf/closed"]) await chmod(join(w.root, id), asRoot ? 0o700 : 0);
    const ran = usr(["--root", w.root, "ls"], other);
    expect(ran.code).toBe(0);
    const listed: readonly Record<string, unknown>[] = JSON.parse(ran.stdout).data;
    const unread = { rows: null, rows_deleted: null, rows_base: null, namespaces: [], size_bytes: 0, updated_at: null };
    expect(listed).toEqual([
      {
        dataset: "away",
        ...unread,
        problem: { code: "PATH_INVALID", message: expect.stringContaining("leaves the root") },
      },
      {
        dataset: "closed",
        ...unread,
        problem: { code: "PERMISSION", message: expect.stringContaining("permission denied") },
      },
      expect.objectContaining({ dataset: "demo", rows: 5 }),
      {
        dataset: "shelf/closed",
        ...unread,
        problem: { code: "PERMISSION", message: expect.stringContaining("permission denied") },
      },
      expect.objectContaining({ dataset: "shelf/open", rows: 0 }),
    ]);
    for (const id of ["away", "closed", "shelf/closed"]) expect(ran.stderr).toContain(`warning: ${id}: `);
    // What cannot be listed keeps nobody from being told what was probably meant.
    expect(usr(["--root", w.root, "head", "dem"], other)).toMatchObject({
      code: 4,
      error: { code: "DATASET_NOT_FOUND", hint: expect.stringContaining("demo") },
    });
    refused(usr(["--root", w.root, "head", "closed"], other), "PERMISSION", 8);
    for (const id of ["closed", "shelf/closed"]) await chmod(join(w.root, id), 0o755);
  });

  it("beside a lock file that another user made: writing is refused with the lock's path", async (context) => {
    if (!asRoot) context.skip("needs root to be two users");
    await using w = await withParts();
    await chmod(w.dir, 0o755);
    if (usr(["--version"], other).code !== 0) context.skip("another user cannot read this checkout");
    for (const folder of [w.root, join(w.root, "demo")]) await chown(folder, NOBODY, NOBODY);
    const [, , imports] = await changesOf(w);
    const ran = usr(["--root", w.root, ...imports!], other);
    refused(ran, "PERMISSION", 8);
    expect(ran.error?.details["path"]).toMatch(/\.usr\.lock$/);
    expect((await w.usr(imports!)).code).toBe(0);
  });
});

describe("few file descriptors", () => {
  const PARTS = 40;

  it("do for many small parts, which are read whole", async () => {
    await using w = await demoWorkspace();
    for (let i = 0; i < PARTS; i++) {
      const input = `id,score\n${ACGT},${i}\n`;
      await w.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id", "--overwrite"], { input }); // biome-ignore format: one line
    }
    for (const args of READS) expect([args, usr(["--root", w.root, ...args], { files: 40 }).code]).toEqual([args, 0]);
  });

  it("stop reads of many large parts and nothing else; every error says what to do, and nothing changes", async () => {
    await using w = await demoWorkspace();
    // Values enough that no part is small.
    const sequences = Array.from({ length: 20_000 }, (_, n) => n.toString(4).padStart(12, "0").replace(/\d/g, (digit) => "ACGT"[Number(digit)]!)); // biome-ignore format: one line
    const imported = await w.usr(["import", "demo", "--path", "-", "--from", "csv", ...BIO], { input: `sequence\n${sequences.join("\n")}\n` }); // biome-ignore format: one line
    expect(imported.code, imported.stderr).toBe(0);
    const ids = [ACGT, ...sequences.map((sequence) => sequenceId("dna", sequence))];
    for (let i = 0; i < PARTS; i++) {
      const input = `id,score\n${ids.map((id, row) => `${id},${row === 0 ? i : Math.sin(row + i)}\n`).join("")}`;
      const ran = await w.usr(["attach", "demo", "--path", "-", "--from", "csv", "--namespace", "mock", "--key", "id", "--overwrite"], { input }); // biome-ignore format: one line
      expect(ran.code, ran.stderr).toBe(0);
    }
    const changes = await changesOf(w);
    const before = await w.bytes();
    const limited = (args: readonly string[]): ReturnType<typeof usr> =>
      usr(["--root", w.root, ...args], { files: 40 });
    for (const args of [
      ["head", "demo"],
      ["validate", "demo"],
      ["doctor", "demo"],
      ["export", "demo", "--out", join(w.dir, "x.csv")],
      changes[3]!,
      changes[7]!,
      changes[8]!,
    ]) {
      // biome-ignore format: one line
      const ran = limited(args);
      refused(ran, "TOO_MANY_FILES", 8);
      expect(ran.error?.hint).toContain("ulimit -n");
    }
    expect(await w.bytes()).toEqual(before);
    expect((await readdir(w.dir)).filter((name) => name.startsWith("x.csv"))).toEqual([]);
    expect(limited(["head", "demo", "--no-overlays"]).code).toBe(0);
    expect(limited(changes[2]!).code).toBe(0);
    const enough = usr(["--root", w.root, "head", "demo"], { files: 40 + PARTS });
    expect([enough.code, enough.stdout.split("\n")[0]]).toEqual([
      0,
      expect.stringContaining(`"mock__score":${PARTS - 1}`),
    ]);
    expect((await w.usr(["doctor", "demo"])).data).toEqual({ ok: true, findings: [] });
    expect((await w.usr(changes[7]!)).code).toBe(0);
    expect(limited(["head", "demo"]).code).toBe(0);
  });
});

describe("folders of a dataset on two file systems", () => {
  for (const folder of ["_derived", "_derived/mock", "_snapshots", ".staging"])
    it(`${folder}: what would have to be renamed across is refused, and nothing is lost`, async (context) => {
      await using w = await withParts();
      const changes = (await changesOf(w)).filter(([verb]) => verb !== "namespace" && verb !== "init");
      {
        await using _place = await elsewhere(context, join(w.root, "demo", folder));
        let stopped = 0;
        for (const args of changes.slice(0, 6)) {
          const before = await w.bytes();
          const ran = await w.usr(args);
          if (ran.code === 0) continue;
          refused(ran, "NOT_SUPPORTED", 8);
          expect(ran.error?.hint).toContain("on one file system");
          expect(await w.bytes()).toEqual(before);
          stopped++;
        }
        expect(stopped).toBeGreaterThan(0);
        expect((await w.usr(["doctor", "demo"])).data).toEqual({ ok: true, findings: [] });
        execFileSync("cp", ["-a", join(w.root, "demo", folder), join(w.dir, "copy")]);
      }
      execFileSync("sh", [
        "-c",
        'rm -rf "$2" && mv "$1" "$2"',
        "move",
        join(w.dir, "copy"),
        join(w.root, "demo", folder),
      ]);
      for (const args of changes.slice(1, -1)) expect([args, (await w.usr(args)).code]).toEqual([args, 0]);
    });

  it("the archive may lie elsewhere: files are copied there before they go", async (context) => {
    await using w = await withParts();
    await using _place = await elsewhere(context, join(w.root, "demo/_derived/_archived"));
    const seen = await scores(w);
    for (const args of [
      ["maintenance", "overlay-compact", "demo", "--namespace", "mock"],
      ["materialize", "demo", "--yes"],
    ]) {
      expect([args, (await w.usr(args)).code]).toEqual([args, 0]);
      expect(await scores(w)).toEqual(seen);
    }
    const archived = await readdir(join(w.root, "demo/_derived/_archived"), { recursive: true });
    expect(archived.filter((name) => name.endsWith(".parquet"))).toHaveLength(3);
    expect((await w.usr(["doctor", "demo"])).data).toEqual({ ok: true, findings: [] });
  });
});
