/// <reference types="node" />
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { Signal } from "@usr/storage";
import { RemoteError } from "../error.ts";
import { type FarSite, farSite } from "../ssh/far-site.ts";
import { openConnection } from "../ssh/open.ts";
import {
  checkSettings,
  missingOptions,
  parseSettings,
  type SshTarget,
  settingsArguments,
  sshArguments,
  sshFailure,
} from "../ssh/remote-shell.ts";
import type { DigestCache } from "../types.ts";
import { processChannel } from "./channel.ts";

export interface OpenSshOptions extends Signal {
  /** The remote's name, for messages, events and the digest cache. */
  readonly label: string;
  readonly cache?: DigestCache | undefined;
  /** The program. Default: `ssh` of the PATH. */
  readonly command?: string | undefined;
  /** `sh`: use the helper even where the remote has a `usr`. Default: `auto`. */
  readonly server?: "auto" | "sh" | undefined;
  /** Sees what ssh says on stderr as it comes: prompts of a second factor are explained there. */
  readonly onStderr?: ((bytes: Uint8Array) => void) | undefined;
}

/**
 * The settings of the user's ssh for a target, by their names in lower case, as `ssh -G` tells them without connecting. Empty where ssh cannot
 * tell: it will say why when it is asked to connect.
 */
export async function sshSettings(
  target: SshTarget,
  o: Signal & { readonly command?: string | undefined },
): Promise<ReadonlyMap<string, string>> {
  const { command = "ssh", signal } = o;
  try {
    const { stdout } = await promisify(execFile)(command, [...settingsArguments(target)], { signal, timeout: 30_000 });
    return parseSettings(stdout);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof RemoteError) throw error;
    return new Map();
  }
}

/**
 * Opens the root of a remote with the user's own ssh: configuration, agent, shared connections, jump hosts and second factors work as they do
 * by hand. One ssh process serves the site until it is disposed, and the locks that the site holds live exactly as long.
 *
 * `UNREACHABLE` where there is no way there (`details.reason`: `connection`, `authentication`, `host-key`, `shell`, `cut`) or no such root;
 * `NOT_SUPPORTED` where the other end lacks a program; `REMOTES_INVALID` for a target that no argument vector should carry, or a configuration that
 * checks no host keys.
 */
export async function openSsh(target: SshTarget, o: OpenSshOptions): Promise<FarSite> {
  const { label, cache, signal, command = "ssh" } = o;
  const settings = await sshSettings(target, o);
  checkSettings(settings, label);
  const options = [...(target.options ?? []), ...missingOptions(target, settings)];
  const channel = processChannel(command, sshArguments({ ...target, options }), {
    failure: (end) => sshFailure(label, end),
    onStderr: o.onStderr,
  });
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
  const { connection, peer } = await openConnection(channel, {
    baseDir: target.baseDir,
    nonce: randomBytes(16).toString("hex"),
    server: o.server ?? "auto",
    label,
    signal,
  });
  return farSite({ connection, peer, label, cache, random });
}
