/// <reference types="node" />
import { readAll } from "@usr/storage";
import { noSshd, type Sshd, which } from "@usr/testkit/sshd";
import { describe, expect } from "vitest";
import { type FarSite, openSsh, type SshTarget } from "../../src/node/ssh.ts";
import { utf8, writable } from "./expect.ts";

/** Tests that need a real server; where there is none they are seen to be skipped, and why. */
export function withSshd(name: string, tests: () => void): void {
  const reason = noSshd === undefined ? "" : ` (${noSshd})`;
  describe.skipIf(noSshd !== undefined)(`over a real ssh: ${name}${reason}`, tests);
}

/** A forced command that gives the asked one to a shell of that name. */
export const run = (shell: string): string => `exec ${which(shell)} -c "$SSH_ORIGINAL_COMMAND"`;

/** Where a server is, as a profile would say it. */
export const target = (sshd: Sshd, baseDir: string, o: Partial<SshTarget> = {}): SshTarget => ({
  host: sshd.host,
  baseDir,
  interactive: false,
  ...o,
});

/** The remote of a server, as a user would open it. */
export const open = (sshd: Sshd, baseDir: string): Promise<FarSite> =>
  openSsh(target(sshd, baseDir), { label: "far", command: sshd.command });

/** The starts of ssh that connected, those aside that only told their settings. */
export const connections = async (sshd: Sshd): Promise<readonly number[]> =>
  (await sshd.processes()).filter(({ args }) => !args.includes(" -G ")).map(({ pid }) => pid);

/** Everything a sync does, once. */
export async function exercise(site: FarSite): Promise<void> {
  const storage = writable(site);
  const bytes = Uint8Array.from({ length: 120_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
  await using lock = await storage.lock?.("d/.usr.lock", { timeoutMs: 0 });
  await Promise.all(
    Array.from({ length: 6 }, (_, n) => storage.put(`d/_derived/ns/part-${n}.parquet`, bytes.subarray(n))),
  );
  await storage.append?.("d/.events.log", utf8('{"n":1}\n'));
  await storage.append?.("d/.events.log", utf8('{"n":2}\n'));
  await storage.rename("d/_derived/ns/part-0.parquet", "d/records.parquet");
  await site.copyPrefix("d/records.parquet", 50_000, "d/copy.parquet");
  const { files } = await site.inventory("d", { digests: true });
  expect(files.length).toBe(8);
  expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(8);
  const [whole, tail] =
    (await site.digestRanges("d/records.parquet", [
      { offset: 0, length: 50_000 },
      { offset: 50_000, length: 70_000 },
    ])) ?? [];
  expect([whole, tail?.length]).toEqual([files.find(({ path }) => path === "copy.parquet")?.sha256, 64]);
  await using handle = await site.storage.open("d/records.parquet");
  expect(handle && Buffer.compare(await readAll(handle), bytes)).toBe(0);
  expect(lock).toBeDefined();
}
