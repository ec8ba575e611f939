/// <reference types="node" />
import { execFileSync, spawn } from "node:child_process";

/**
 * Mounts an empty file system over a folder, until disposal or until this process has ended, however it ends: a test that is killed leaves no
 * mount. `undefined` where this machine does not permit it.
 *
 * @param options as `mount -o` takes them for tmpfs: `size=256k`, `nr_inodes=400`
 */
export const mountTmpfs = (folder: string, options: string): AsyncDisposable | undefined => {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  // It waits for the end of a pipe that nobody writes to, which the kernel closes with this process, and ends itself with the mount.
  const script = 'cat >/dev/null; umount -l "$1" && rmdir "$1"';
  const guard = spawn("sh", ["-c", script, "guard", folder], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((resolve) => guard.once("close", () => resolve()));
  return {
    [Symbol.asyncDispose]: async () => {
      execFileSync("umount", [folder]);
      guard.kill();
      await ended;
    },
  };
};
