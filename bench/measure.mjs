// Runs one command as a whole process and tells how long it took and how much memory it held at most.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TIME = "/usr/bin/time";
const folder = mkdtempSync(join(tmpdir(), "usr-bench-usage-"));
const usageFile = join(folder, "usage");
/** The preloaded module is told by its address where to write. */
const preload = new URL(`./usage-at-exit.mjs?${new URLSearchParams({ to: usageFile })}`, import.meta.url).href;
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Whether GNU time is there: it counts from outside, so the child runs unchanged. */
const FORMAT = ["-f", "%M %U %S", "-o", usageFile];
const hasTime = process.platform === "linux" && existsSync(TIME) && spawnSync(TIME, [...FORMAT, "true"]).status === 0;

export const method = hasTime ? "GNU time" : "process.resourceUsage() at exit";

/** Wall and processor seconds, peak MB and stdout of `node script ...args`. Any exit code but 0 is an error. */
export const measure = (script, args) => {
  const node = hasTime ? [script, ...args] : ["--import", preload, script, ...args];
  const [file, argv] = hasTime ? [TIME, [...FORMAT, process.execPath, ...node]] : [process.execPath, node];
  const started = performance.now();
  const run = spawnSync(file, argv, {
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  const seconds = (performance.now() - started) / 1000;
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Error(`usr ${args.join(" ")} ended with ${run.status}:\n${run.stderr}`);
  const [kilobytes, user, system] = readFileSync(usageFile, "utf8").trim().split(" ").map(Number);
  return { seconds, cpu: user + system, megabytes: kilobytes / 1024, stdout: run.stdout };
};
