// How long commands need that do next to nothing, beside node itself: in turns, because a machine is not equally fast all the time.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { middle } from "../harness.mjs";

const bin = fileURLToPath(new URL("../../apps/cli/bin/usr.js", import.meta.url));
const ROUNDS = 31;

export const timeStart = async ({ smoke, root, note, usr }, dataset) => {
  const commands = {
    "node -e 0": ["-e", "0"],
    "usr --version": [bin, "--version"],
    "usr --help": [bin, "--help"],
    "usr ls": [bin, "--root", root, "ls"],
    "usr info": [bin, "--root", root, "info", dataset],
  };
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < (smoke ? 1 : ROUNDS); round++) {
    for (const [name, args] of Object.entries(commands)) {
      const started = performance.now();
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      times[name].push((performance.now() - started) / 1000);
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
    }
  }
  for (const [name, all] of Object.entries(times)) {
    const run =
      name === "node -e 0"
        ? undefined
        : usr(commands[name].filter((arg) => arg !== bin && arg !== "--root" && arg !== root));
    note({ name, seconds: middle(all), cpu: run?.cpu ?? 0, megabytes: run?.megabytes ?? 0, runs: all.length });
  }
};
