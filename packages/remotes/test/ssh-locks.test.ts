/// <reference types="node" />
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startSshd, which } from "@usr/testkit/sshd";
import { expect, it } from "vitest";
import { openSsh } from "../src/node/ssh.ts";
import { failure, writable } from "./support/expect.ts";
import { freshFolder } from "./support/folder.ts";
import { connections, exercise, open, target, withSshd } from "./support/real-ssh.ts";

withSshd("locks, ends and traffic", () => {
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
    const [ssh = 0] = await connections(sshd);
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

  it("uses a connection that is shared, and leaves it to whoever shares it", async () => {
    const client = ["Host *", "  ControlMaster auto", "  ControlPath %F/cm-%C", "  ControlPersist 60"];
    await using sshd = await startSshd({ client });
    await using root = await freshFolder();
    try {
      for (let round = 0; round < 2; round++) {
        await using site = await open(sshd, root.path);
        await exercise(site);
        expect((await readdir(sshd.folder)).filter((name) => name.startsWith("cm-")).length).toBe(1);
      }
      const log = await readFile(join(sshd.folder, "sshd.log"), "utf8");
      expect(log.match(/Accepted publickey/g)?.length).toBe(1);
    } finally {
      spawnSync(sshd.command, ["-O", "exit", "far"]);
    }
  });

  it("goes through a jump host", async () => {
    await using sshd = await startSshd();
    await using root = await freshFolder();
    const jump = target(sshd, root.path, { options: ["ProxyJump=gate"] });
    await using site = await openSsh(jump, { label: "far", command: sshd.command });
    await exercise(site);
    const log = await readFile(join(sshd.folder, "sshd.log"), "utf8");
    expect(log.match(/Accepted publickey/g)?.length).toBe(2);
  });

  it("refuses a configuration that checks no host keys", async () => {
    await using sshd = await startSshd({ client: ["Host *", "  StrictHostKeyChecking no"] });
    await using root = await freshFolder();
    const error = await failure(open(sshd, root.path));
    expect([error.code, await connections(sshd)]).toEqual(["REMOTES_INVALID", []]);
  });

  it("an end that was asked for comes at once, also while ssh is still on its way", async () => {
    await using sshd = await startSshd({ forceCommand: "sleep 5" });
    await using root = await freshFolder();
    const controller = new AbortController();
    const opening = openSsh(target(sshd, root.path), {
      label: "far",
      command: sshd.command,
      signal: controller.signal,
    }).catch((error: unknown) => error);
    while ((await connections(sshd)).length === 0) await new Promise((done) => setTimeout(done, 20));
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await opening).toBe(reason);
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
      await using site = await openSsh(target(sshd, root.path), { label: "far", command: sshd.command, cache });
      const { files } = await site.inventory("d", { digests: true });
      expect(files.filter(({ sha256 }) => sha256?.length === 64).length).toBe(1_000);
      return site.traffic();
    };
    await look();
    const traffic = await look();
    expect((await connections(sshd)).length).toBe(2);
    expect(traffic.received).toBeLessThan(200_000);
    expect(traffic.sent).toBeLessThan(20_000);
  });
});
