// Runs one command as a whole process and tells how long it took and how much memory it held at most.
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
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

/**
 * Wall and processor seconds, peak MB and stdout of a command; with `to` stdout goes to that file. Any exit code but 0 is an error. Without
 * GNU time only commands of Node can tell what they used.
 */
export const measure = (command, args, { to, flags = [] } = {}) => {
  const node = command === process.execPath;
  const inside = node && !hasTime ? ["--import", preload, ...flags, ...args] : [...flags, ...args];
  const [file, argv] = hasTime ? [TIME, [...FORMAT, command, ...inside]] : [command, inside];
  const out = to === undefined ? "pipe" : openSync(to, "w");
  rmSync(usageFile, { force: true });
  const started = performance.now();
  const run = spawnSync(file, argv, { encoding: "utf8", maxBuffer: 1 << 30, stdio: ["ignore", out, "pipe"] });
  const seconds = (performance.now() - started) / 1000;
  if (to !== undefined) closeSync(out);
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Error(`${args.join(" ")} ended with ${run.status ?? run.signal}:\n${run.stderr}`);
  const [kilobytes = Number.NaN, user = Number.NaN, system = Number.NaN] = existsSync(usageFile)
    ? readFileSync(usageFile, "utf8").trim().split(" ").map(Number)
    : [];
  return { seconds, cpu: user + system, megabytes: kilobytes / 1024, stdout: run.stdout };
};
