/// <reference types="node" />
import { randomBytes } from "node:crypto";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { which } from "@usr/testkit/sshd";
import { RemoteError } from "../../src/index.ts";
import { processChannel } from "../../src/node/channel.ts";
import type { Channel } from "../../src/ssh/connection.ts";
import { type FarSite, farSite } from "../../src/ssh/far-site.ts";
import { openConnection, START } from "../../src/ssh/open.ts";
import type { DigestCache } from "../../src/types.ts";

export const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));

export interface FarEnd {
  /** The login shell, as its words before the command line. Default: `sh -c`. */
  readonly shell?: readonly string[];
  /** Default: this process's. */
  readonly path?: string;
  readonly server?: "auto" | "sh";
  readonly cache?: DigestCache;
  /** Stands between the two ends. */
  readonly through?: (channel: Channel) => Channel;
}

/** A channel to a login shell of this machine that was given the command line ssh would give it. */
export function shellChannel(far: FarEnd = {}): Channel {
  const [program = "sh", ...args] = far.shell ?? ["sh", "-c"];
  const words = [`PATH=${far.path ?? process.env["PATH"] ?? ""}`, `HOME=${process.env["HOME"] ?? "/"}`];
  const channel = processChannel(which("env")!, ["-i", ...words, which(program) ?? program, ...args, START], {
    failure: ({ code, stderr, answered }) =>
      new RemoteError("UNREACHABLE", `The far end is gone (exit ${code}): ${stderr}`, { details: { answered } }),
  });
  return far.through === undefined ? channel : far.through(channel);
}

/** A site whose far end runs on this machine, without ssh between. */
export async function openFar(baseDir: string, far: FarEnd = {}): Promise<FarSite> {
  const { connection, peer } = await openConnection(shellChannel(far), {
    baseDir,
    nonce: randomBytes(8).toString("hex"),
    server: far.server ?? "sh",
    label: "far",
  });
  return farSite({ connection, peer, label: "far", random, cache: far.cache });
}

/** A folder that holds exactly these programs of this machine, to be a whole PATH. */
export async function toolFolder(folder: string, names: readonly string[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const name of names) {
    const program = which(name);
    if (program === undefined) throw new Error(`this machine has no ${name}`);
    await symlink(program, join(folder, name));
  }
  return folder;
}

/** A folder in which busybox plays every program the helper needs, the shell too. */
export async function busyboxFolder(folder: string): Promise<string> {
  const busybox = which("busybox");
  if (busybox === undefined) throw new Error("this machine has no busybox");
  await mkdir(folder, { recursive: true });
  for (const name of ["sh", ...TOOLS, "sha256sum"]) await symlink(busybox, join(folder, name));
  return folder;
}

/** What the helper cannot do without. */
export const TOOLS: readonly string[] =
  "cat dd df find head ln ls mkdir mv readlink rm rmdir sort stat sync tail uniq".split(" ");

/** A PATH on which `usr` is the server of this source tree. */
export async function pathWithUsr(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const main = fileURLToPath(new URL("./serve-main.ts", import.meta.url));
  const script = `#!/bin/sh\nexec '${process.execPath}' --conditions=@usr/source --no-warnings '${main}' "$@"\n`;
  await writeFile(join(folder, "usr"), script);
  await chmod(join(folder, "usr"), 0o755);
  return `${folder}${delimiter}${process.env["PATH"] ?? ""}`;
}
