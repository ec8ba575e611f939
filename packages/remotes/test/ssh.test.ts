/// <reference types="node" />
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readAll } from "@usr/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FarSite, openSsh } from "../src/node/ssh.ts";
import { failure, utf8, writable } from "./support/expect.ts";
import { pathWithUsr, TOOLS, toolFolder } from "./support/far.ts";
import { type Folder, freshFolder } from "./support/folder.ts";
import { noSshd, type Sshd, type SshdOptions, startSshd } from "./support/sshd.ts";
import { which } from "./support/which.ts";

const open = (sshd: Sshd, baseDir: string): Promise<FarSite> =>
  openSsh(sshd.target(baseDir), { label: "far", command: sshd.command });

/** Everything a sync does, once. */
async function exercise(site: FarSite): Promise<void> {
  const storage = writable(site);
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
  await using lock = await storage.lock?.("d/.usr.lock", { timeoutMs: 0 });
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => storage.put(`d/_derived/ns/part-${n}.parquet`, bytes.subarray(n))),
  );
  await storage.append?.("d/.events.log", utf8('{"n":1}\n'));
  await storage.append?.("d/.events.log", utf8('{"n":2}\n'));
  await storage.rename("d/_derived/ns/part-0.parquet", "d/records.parquet");
  await site.copyPrefix("d/records.parquet", 100_000, "d/copy.parquet");
  const { files } = await site.inventory("d", { digests: true });
  expect(files.length).toBe(22);
  expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(22);
  const [whole, tail] =
    (await site.digestRanges("d/records.parquet", [
      { offset: 0, length: 100_000 },
      { offset: 100_000, length: 200_000 },
    ])) ?? [];
  expect([whole, tail?.length]).toEqual([files.find(({ path }) => path === "copy.parquet")?.sha256, 64]);
  await using handle = await site.storage.open("d/records.parquet");
  expect(handle && Buffer.compare(await readAll(handle), bytes)).toBe(0);
  expect(lock).toBeDefined();
}

if (noSshd !== undefined) {
  describe.skip(`over a real ssh (${noSshd})`, () => {
    it("is not shown here", () => undefined);
  });
} else {
  const NOISE =
    "echo Welcome to the cluster; echo 'AGENT_MANAGE_RUNTIME_SKILLS=1'; printf 'no newline, and usr-remote 1 sh'; echo quota >&2; ";
  const run = (shell: string): string => `exec ${which(shell)} -c "$SSH_ORIGINAL_COMMAND"`;
  const SHELLS: readonly (readonly [name: string, shell: string, o: SshdOptions])[] = [
    ["the account's own login shell", "sh", {}],
    ["bash", "bash", { forceCommand: run("bash") }],
    ["dash", "dash", { forceCommand: run("dash") }],
    ["csh", "csh", { forceCommand: run("csh") }],
    ["tcsh", "tcsh", { forceCommand: run("tcsh") }],
    ["W1, W22: start-up files that print", "sh", { forceCommand: NOISE + run("sh") }],
    ["W22: csh whose start-up files print", "csh", { forceCommand: NOISE + run("csh") }],
  ];

  describe.each(SHELLS.filter(([, shell]) => which(shell) !== undefined))("over a real ssh: %s", (_name, _shell, o) => {
    it("does everything a sync does, in one process", async () => {
      await using sshd = await startSshd(o);
      await using root = await freshFolder();
      {
        await using site = await open(sshd, root.path);
        await exercise(site);
        expect([site.peer.server, site.peer.root]).toEqual(["sh", `${root.path}/`]);
      }
      expect((await sshd.processes()).length).toBe(1);
    });
  });

  describe("over a real ssh: an installed usr", () => {
    it("is used where it is on the PATH", async () => {
      await using root = await freshFolder();
      await using bin = await freshFolder();
      const path = await pathWithUsr(bin.path);
      await using sshd = await startSshd({ forceCommand: `export PATH='${path}'; ${run("sh")}` });
      await using site = await open(sshd, root.path);
      await exercise(site);
      expect(site.peer.server).toBe("usr");
    });

    it("another program of that name is passed over, whatever it says", async () => {
      await using root = await freshFolder();
      await using bin = await freshFolder();
      const path = await pathWithUsr(bin.path);
      const other = '#!/bin/sh\necho "Usage: usr [OPTIONS] COMMAND"\necho "Error: No such command" >&2\nexit 2\n';
      await writeFile(join(bin.path, "usr"), other);
      await using sshd = await startSshd({ forceCommand: `export PATH='${path}'; ${run("sh")}` });
      await using site = await open(sshd, root.path);
      await exercise(site);
      expect(site.peer.server).toBe("sh");
    });

    it("W15: a remote without flock, sha256sum and python is refused or weakened by name", async () => {
      await using root = await freshFolder();
      await using bin = await freshFolder();
      const path = await toolFolder(bin.path, ["sh", ...TOOLS]);
      await using sshd = await startSshd({ forceCommand: `export PATH='${path}'; ${run("sh")}` });
      await using site = await open(sshd, root.path);
      expect([site.peer.tools.get("lock"), site.peer.tools.get("sha256")]).toEqual(["none", "none"]);
      const refusal = await failure(Promise.resolve(writable(site).lock?.("d/.usr.lock")));
      expect([refusal.code, refusal.details["tool"]]).toEqual(["NOT_SUPPORTED", "flock"]);
    });
  });

  describe("over a real ssh: what stands in the way", () => {
    let sshd: Sshd;
    let root: Folder;
    beforeAll(async () => {
      sshd = await startSshd();
      root = await freshFolder();
    });
    afterAll(async () => {
      await sshd[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    });
    const reason = async (work: Promise<unknown>): Promise<unknown> => {
      const error = await failure(work);
      return [error.code, error.details["reason"]];
    };

    it("W8: a closed port, a name nobody knows: unreachable, never an absent dataset", async () => {
      const closed = openSsh(sshd.target(root.path, { options: ["Port=1"] }), { label: "far", command: sshd.command });
      expect(await reason(closed)).toEqual(["UNREACHABLE", "connection"]);
      const options = ["HostName=no.such.host.invalid"];
      const unknown = openSsh(sshd.target(root.path, { options }), { label: "far", command: sshd.command });
      expect(await reason(unknown)).toEqual(["UNREACHABLE", "connection"]);
    });

    it("a key the server does not know", async () => {
      await using other = await startSshd();
      await writeFile(join(other.folder, "authorized_keys"), await readFile(join(other.folder, "other_key.pub")));
      expect(await reason(open(other, root.path))).toEqual(["UNREACHABLE", "authentication"]);
      const identityFile = join(other.folder, "other_key");
      await using site = await openSsh(other.target(root.path, { identityFile }), {
        label: "far",
        command: other.command,
      });
      expect(await site.datasets()).toEqual([]);
    });

    it("a host key that is another, or unknown", async () => {
      await using other = await startSshd();
      const known = join(other.folder, "known_hosts");
      const stranger = (await readFile(join(other.folder, "other_key.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
      await writeFile(known, `${(await readFile(known, "utf8")).split(" ")[0]} ${stranger}\n`);
      expect(await reason(open(other, root.path))).toEqual(["UNREACHABLE", "host-key"]);
      await writeFile(known, "");
      expect(await reason(open(other, root.path))).toEqual(["UNREACHABLE", "host-key"]);
      expect(await readFile(known, "utf8")).toBe("");
    });

    it("an account that runs no shell", async () => {
      await using other = await startSshd({ forceCommand: "echo This account is currently not available.; exit 1" });
      expect(await reason(open(other, root.path))).toEqual(["UNREACHABLE", "shell"]);
    });

    it("W8: a root that is not there is said to be missing", async () => {
      const error = await failure(open(sshd, join(root.path, "no such root")));
      expect([error.code, error.message.includes("no such root")]).toEqual(["UNREACHABLE", true]);
    });

    it("no ssh on this machine", async () => {
      const error = await failure(openSsh(sshd.target(root.path), { label: "far", command: "/no/such/ssh" }));
      expect([error.code, error.hint]).toEqual(["UNREACHABLE", expect.stringContaining("OpenSSH")]);
    });
  });

  describe("over a real ssh: locks and ends", () => {
    it("W3, W15: its lock is the kernel's: others wait for it, it waits for others, and it ends with the connection", async () => {
      await using sshd = await startSshd();
      await using root = await freshFolder();
      await mkdir(join(root.path, "d"));
      const lockFile = join(root.path, "d", ".usr.lock");
      const others = (): number | null => spawnSync(which("flock")!, ["-n", lockFile, "true"]).status;
      const site = await open(sshd, root.path);
      const storage = writable(site);
      await storage.lock?.("d/.usr.lock", { timeoutMs: 0 });
      expect(others()).toBe(1);
      const [ssh = 0] = await sshd.processes();
      process.kill(ssh, "SIGKILL");
      const error = await failure(site.inventory("d", { digests: false }));
      expect([error.code, error.details["reason"]]).toEqual(["UNREACHABLE", "cut"]);
      for (let tries = 0; others() === 1 && tries < 200; tries++) await new Promise((done) => setTimeout(done, 50));
      expect(others()).toBe(0);
      await site[Symbol.asyncDispose]();
    });

    it("W15: waits for a lock that another program holds, and no longer than it was told", async () => {
      await using sshd = await startSshd();
      await using root = await freshFolder();
      const holder = spawn(which("flock")!, [join(root.path, ".usr.lock"), "sh", "-c", "echo held; read -r line"], {
        stdio: ["pipe", "pipe", "ignore"],
      });
      await once(holder.stdout, "data");
      await using site = await open(sshd, root.path);
      const storage = writable(site);
      await expect(storage.lock?.(".usr.lock", { timeoutMs: 100 })).rejects.toMatchObject({ code: "LOCKED" });
      const patient = storage.lock?.(".usr.lock", { timeoutMs: 60_000 });
      holder.stdin.end("done\n");
      await using lock = await patient;
      expect(lock).toBeDefined();
      // The file that is locked is the file that was there.
      expect(await readdir(root.path)).toEqual([".usr.lock"]);
    });

    it("W12: leaves the caller's own stdin alone", async () => {
      await using sshd = await startSshd();
      await using root = await freshFolder();
      const script = fileURLToPath(new URL("./support/stdin-main.ts", import.meta.url));
      const done = spawnSync(
        process.execPath,
        ["--conditions=@usr/source", "--no-warnings", script, sshd.command, root.path],
        { input: "first answer\nsecond answer\n", encoding: "utf8" },
      );
      expect([done.stdout, done.status]).toEqual(["datasets: 0\nfirst answer\nsecond answer\n", 0]);
    });

    it("W27, W31: a thousand parts in one process, and the second time without their bytes or digests", async () => {
      await using sshd = await startSshd();
      await using root = await freshFolder();
      await mkdir(join(root.path, "d", "_derived", "ns"), { recursive: true });
      await Promise.all(
        Array.from({ length: 1_000 }, (_, n) => {
          const name = `part-20260227T120000${String(n).padStart(6, "0")}-${"0".repeat(28)}${n.toString(16).padStart(4, "0")}`;
          return writeFile(join(root.path, "d", "_derived", "ns", `${name}.parquet`), `part ${n}`);
        }),
      );
      const known = new Map<string, string>();
      const cache = {
        get: (...version: readonly unknown[]): string | undefined => known.get(version.join("|")),
        set: (site: string, path: string, etag: string, size: number, sha256: string): void =>
          void known.set([site, path, etag, size].join("|"), sha256),
      };
      const look = async (): Promise<{ readonly sent: number; readonly received: number }> => {
        await using site = await openSsh(sshd.target(root.path), { label: "far", command: sshd.command, cache });
        const { files } = await site.inventory("d", { digests: true });
        expect(files.filter(({ sha256 }) => sha256?.length === 64).length).toBe(1_000);
        return site.traffic();
      };
      await look();
      const traffic = await look();
      expect((await sshd.processes()).length).toBe(2);
      expect(traffic.received).toBeLessThan(200_000);
      expect(traffic.sent).toBeLessThan(20_000);
    });
  });
}
