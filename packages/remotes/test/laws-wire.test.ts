/// <reference types="node" />
import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { diskStorage } from "@usr/storage/node";
import { which } from "@usr/testkit/sshd";
import { expect, test } from "vitest";
import { storageSite } from "../src/index.ts";
import { sshArguments } from "../src/node/ssh.ts";
import { writable } from "./support/expect.ts";
import { openFar, random } from "./support/far.ts";
import { type Folder, freshFolder } from "./support/folder.ts";
import { demo, type Place, place, pull, push, score, viewOf, world } from "./support.ts";

const NOISE = "echo MODULEPATH=1; echo Welcome; echo quota >&2";

/** A place on disk. */
const onDisk = (w: ReturnType<typeof world>, label: string, { path }: Folder): Place => {
  const storage = diskStorage(path);
  return { ...place(w, label, storage), site: storageSite(storage, { label }) };
};

test("sync W1: a push and a pull end, whatever the start-up files of the far shell print", async () => {
  await using folder = await freshFolder();
  const w = world();
  const here = place(w, "here");
  await demo(here);
  await using site = await openFar(folder.path, { shell: ["sh", "-c", `${NOISE}; eval "$1"`, "sh"] });
  const far: Place = { root: { ...place(w, "far").root, storage: writable(site) }, site };
  expect((await push(here, far)).state).toBe("TRANSFERRED");
  await score(far, { AAAA: 1 });
  expect((await pull(here, far)).state).toBe("TRANSFERRED");
  expect(await viewOf(here)).toEqual(await viewOf(onDisk(w, "there", folder)));
});

test("sync W12: what is typed goes to whoever asks for it, not to ssh", async () => {
  await using folder = await freshFolder();
  // Stands for ssh: it tells no settings, and it would swallow every input it is given.
  const ssh = join(folder.path, "ssh");
  await writeFile(
    ssh,
    '#!/bin/sh\nfor last; do case $last in -G) exit 0 ;; esac; done\neval "$last"\ncat >/dev/null\n',
  );
  await chmod(ssh, 0o755);
  await mkdir(join(folder.path, "root"));
  const script = fileURLToPath(new URL("./support/stdin-main.ts", import.meta.url));
  const args = ["--conditions=@usr/source", "--no-warnings", script, ssh, join(folder.path, "root")];
  const done = spawnSync(process.execPath, args, { input: "first\nsecond\n", encoding: "utf8" });
  expect([done.stdout, done.status]).toEqual(["datasets: 0\nfirst\nsecond\n", 0]);
});

/** Permissions of everything in a folder. */
const modesIn = async ({ path }: Folder): Promise<ReadonlyMap<string, number>> => {
  const modes = new Map<string, number>();
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const name = join(entry.parentPath, entry.name);
    modes.set(name.slice(path.length), (await stat(name)).mode & 0o777);
  }
  return modes;
};

test("sync W20: what a sync writes has the permissions of new files there, not those of its source", async () => {
  await using near = await freshFolder();
  await using there = await freshFolder();
  await using back = await freshFolder();
  const w = world();
  const here = onDisk(w, "here", near);
  await demo(here);
  await score(here, { AAAA: 1 });
  for (const name of (await modesIn(near)).keys()) if (/\.\w+$/.test(name)) await chmod(join(near.path, name), 0o600);
  await using site = await openFar(there.path);
  const far: Place = { root: { ...place(w, "far").root, storage: writable(site) }, site };
  await push(here, far);
  for (const name of (await modesIn(there)).keys()) if (/\.\w+$/.test(name)) await chmod(join(there.path, name), 0o640);
  await pull(onDisk(w, "back", back), far);
  await writeFile(join(back.path, "new"), "");
  await mkdir(join(back.path, "folder"));
  const modes = await modesIn(back);
  const usual = new Set([modes.get("/new"), modes.get("/folder")]);
  expect([...modes].filter(([, mode]) => !usual.has(mode))).toEqual([]);
  await score(far, { CCCC: 1 });
  const added = [...(await modesIn(there))].filter(([name]) => /part-.*\.parquet$/.test(name)).map(([, mode]) => mode);
  expect(added).toContain(modes.get("/new"));
});

test("sync W22: every login shell does the same, and one that lacks the tools is refused", async () => {
  const csh = ["csh", "tcsh"].filter((shell) => which(shell) !== undefined).map((shell) => [shell, "-fc"]);
  for (const shell of [["sh", "-c"], ["bash", "-c"], ...csh]) {
    await using folder = await freshFolder();
    await mkdir(join(folder.path, "d"));
    await writeFile(join(folder.path, "d", "records.parquet"), "rows");
    await using site = await openFar(folder.path, { shell });
    const { files } = await site.inventory("d", { digests: true });
    expect(files.map(({ path, size, sha256 }) => [path, size, sha256?.length])).toEqual([["records.parquet", 4, 64]]);
  }
  await using folder = await freshFolder();
  const lacking = openFar(folder.path, { shell: ["sh", "-c", `PATH=${folder.path}; eval "$1"`, "sh"] });
  await expect(lacking).rejects.toMatchObject({ name: "RemoteError" });
});

test("sync W27: one process lists everything, and a hundred parts more cost a question, not a process each", async () => {
  const questions = async (parts: number): Promise<number> => {
    await using folder = await freshFolder();
    await mkdir(join(folder.path, "d/_derived/mock"), { recursive: true });
    for (let n = 0; n < parts; n++) await writeFile(join(folder.path, `d/_derived/mock/part-${n}.parquet`), `${n}`);
    let [asked, started] = [0, 0];
    await using site = await openFar(folder.path, {
      through: (channel) => {
        started++;
        return {
          ...channel,
          write: (bytes) => {
            asked++;
            return channel.write(bytes);
          },
        };
      },
    });
    const before = asked;
    expect((await site.inventory("d", { digests: true })).files.length).toBe(parts);
    expect(started).toBe(1);
    return asked - before;
  };
  expect(await questions(303)).toBeLessThanOrEqual((await questions(3)) + 3);
});

test("sync W30: what does not shrink is not compressed: bytes travel once, as they are", async () => {
  const args = sshArguments({ host: "far", baseDir: "/data", interactive: false });
  expect(args).not.toContain("-C");
  expect(args.join(" ")).not.toMatch(/compress/i);
  await using folder = await freshFolder();
  await using site = await openFar(folder.path);
  const before = site.traffic().sent;
  await writable(site).put("d/part.parquet", random(1_000_000));
  const sent = site.traffic().sent - before;
  expect([sent >= 1_000_000, sent < 1_005_000]).toEqual([true, true]);
});
