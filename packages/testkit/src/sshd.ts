/// <reference types="node" />
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { chmod, copyFile, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { which } from "./which.ts";

export { which } from "./which.ts";

/** Why there is no server to test with; `undefined` = there is one. */
export const noSshd: string | undefined = ["sshd", "ssh", "ssh-keygen"]
  .filter((name) => which(name) === undefined)
  .map((name) => `no ${name} here`)[0];

/** A real OpenSSH server on 127.0.0.1 for the current user, with throwaway keys, and an `ssh` that knows the way there. */
export interface Sshd extends AsyncDisposable {
  /** A program to use as `ssh`: OpenSSH with the configuration of this server. It notes every start of itself. */
  readonly command: string;
  /** A folder that holds `command` under the name `ssh`. */
  readonly bin: string;
  /** Every start of `command`. */
  processes(): Promise<readonly { readonly pid: number; readonly args: string }[]>;
  /** The host to name: an alias of its configuration. So is `gate`, the same server once more, to jump over. */
  readonly host: "far";
  readonly folder: string;
}

export interface SshdOptions {
  /** What the server runs in place of the command it is asked for, which is in `SSH_ORIGINAL_COMMAND`. */
  readonly forceCommand?: string;
  /** Lines of the client's configuration that come first. `%F` is the folder of keys. */
  readonly client?: readonly string[];
}

export async function startSshd(o: SshdOptions = {}): Promise<Sshd> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "usr-sshd-")));
  const at = (name: string): string => join(folder, name);
  for (const name of ["host_key", "user_key", "other_key"]) keygen(at(name));
  await copyFile(at("user_key.pub"), at("authorized_keys"));
  const port = await freePort();
  const hostKey = (await readFile(at("host_key.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
  await writeFile(at("known_hosts"), `[127.0.0.1]:${port} ${hostKey}\n`);
  await writeFile(at("sshd_config"), serverConfig(folder, port, o).join("\n"));
  await writeFile(at("ssh_config"), clientConfig(folder, port, o).join("\n"));
  mkdirSync(at("bin"));
  const script = `#!/bin/sh\necho "$$ $*" >>'${at("starts")}'\nexec '${which("ssh")}' -F '${at("ssh_config")}' "$@"\n`;
  await writeFile(at("bin/ssh"), script);
  await chmod(at("bin/ssh"), 0o755);
  const server = await start(at("sshd_config"), folder);

  const stop = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill();
    await once(server, "exit");
  };
  return {
    command: at("bin/ssh"),
    bin: at("bin"),
    folder,
    async processes(): Promise<readonly { readonly pid: number; readonly args: string }[]> {
      const text = existsSync(at("starts")) ? await readFile(at("starts"), "utf8") : "";
      return [...text.matchAll(/^(\d+)( .*)$/gm)].map(([, pid, args = ""]) => ({ pid: Number(pid), args }));
    },
    host: "far",
    async [Symbol.asyncDispose](): Promise<void> {
      await stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

function serverConfig(folder: string, port: number, { forceCommand }: SshdOptions): readonly string[] {
  return [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${folder}/host_key`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "MaxStartups 100",
    "MaxSessions 100",
    ...(forceCommand === undefined ? [] : [`ForceCommand ${forceCommand}`]),
    "",
  ];
}

function clientConfig(folder: string, port: number, { client = [] }: SshdOptions): readonly string[] {
  return [
    ...client.map((line) => line.replaceAll("%F", folder)),
    "Host far gate",
    "  HostName 127.0.0.1",
    `  Port ${port}`,
    `  User ${userInfo().username}`,
    `  IdentityFile ${folder}/user_key`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${folder}/known_hosts`,
    "  GlobalKnownHostsFile none",
    "",
  ];
}

async function start(config: string, folder: string): Promise<ChildProcess> {
  // The server of root wants this folder of the system's own.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const log = join(folder, "sshd.log");
  const server = spawn(which("sshd")!, ["-D", "-E", log, "-f", config], { stdio: "ignore" });
  for (let tries = 0; tries < 1_000; tries++) {
    const said = existsSync(log) ? await readFile(log, "utf8") : "";
    if (said.includes("Server listening")) return server;
    if (server.exitCode !== null) throw new Error(`sshd ended with ${server.exitCode}: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  server.kill();
  throw new Error("sshd does not listen");
}

function keygen(path: string): void {
  const done = spawnSync(which("ssh-keygen")!, ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path]);
  if (done.status !== 0) throw new Error(`ssh-keygen: ${String(done.stderr)}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
