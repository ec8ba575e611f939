/// <reference types="node" />
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { mountTmpfs } from "../src/tmpfs.ts";

const isMounted = async (folder: string): Promise<boolean> =>
  (await readFile("/proc/self/mounts", "utf8").catch(() => "")).includes(` ${folder} `);

test("a mount goes with its disposal, and what is in it", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "usr-mount-"));
  {
    await using mount = mountTmpfs(folder, "size=64k");
    if (mount === undefined) return context.skip("mount is not permitted here");
    await writeFile(join(folder, "a"), "x");
    expect(await isMounted(folder)).toBe(true);
  }
  expect(await isMounted(folder)).toBe(false);
  await expect(stat(join(folder, "a"))).rejects.toMatchObject({ code: "ENOENT" });
  await rm(folder, { recursive: true });
});

test("a mount goes with the process that made it, killed without warning", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "usr-mount-"));
  const source = new URL("../src/tmpfs.ts", import.meta.url).href;
  const program = `import { mountTmpfs } from ${JSON.stringify(source)}; console.log(mountTmpfs(${JSON.stringify(folder)}, "size=64k") !== undefined); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [said] = await once(child.stdout, "data");
  const was = await isMounted(folder);
  child.kill("SIGKILL");
  await once(child, "close");
  if (!String(said).startsWith("true")) {
    await rm(folder, { recursive: true });
    return context.skip("mount is not permitted here");
  }
  expect(was).toBe(true);
  for (let tries = 0; tries < 200 && (await stat(folder).catch(() => undefined)) !== undefined; tries++)
    await sleep(50);
  expect([await isMounted(folder), await stat(folder).catch(() => "gone")]).toEqual([false, "gone"]);
});
