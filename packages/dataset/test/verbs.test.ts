/// <reference types="node" />
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { VERBS } from "./verbs.ts";

// The suites about faults, power cuts and full disks take the verbs of test/verbs.ts: a command that changes a dataset must be among them.

/** Commands that change nothing of a root. */
const READS = [
  "ls", "info", "schema", "head", "scan", "get", "cell", "grep", "cols", "describe", "export", "validate", "id", "complete",
  "status", "diff", "verify", "namespace list", "namespace show", "state get", "snapshot list", "overlay list", "events tail",
  "remotes list", "remotes show", "remotes doctor",
]; // biome-ignore format: a table

/** Commands that change a root, or what lies beside it, and have suites of their own: the file that shows it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  doctor: "packages/dataset/test/repair-faults.test.ts",
  pull: "packages/remotes/test/faults.test.ts",
  push: "packages/remotes/test/faults.test.ts",
  "serve-remote": "packages/remotes/test/cut.test.ts",
  "remotes add": "apps/cli/test/remotes.test.ts",
  "remotes remove": "apps/cli/test/remotes.test.ts",
};

/** How a command is called among the verbs, where not by its own name. */
const VERB_OF: Readonly<Record<string, string>> = {
  "namespace register": "register",
  // One registration after the other, each of them whole.
  "namespace add-standard": "register",
};

const fromRoot = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), "utf8");

/** Every command of the program, and whether it has a dry run. */
const commands = new Map(
  fromRoot("docs/commands.md")
    .split("\n### usr ")
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section.includes("| `--dry-run` |")] as const),
);

/** Commands that change something and that no verb stands for. */
const unproved = (verbs: readonly string[]): readonly string[] =>
  [...commands.keys()].filter((command) => {
    if (READS.includes(command) || command in ELSEWHERE) return false;
    const verb = VERB_OF[command] ?? command.replace(/^maintenance /, "");
    return !verbs.some((name) => new RegExp(`^${verb}\\b(?!-)`).test(name));
  });

const names = VERBS.map(({ name }) => name);

test("every command that changes a dataset is among the verbs", () => {
  expect(commands.size).toBeGreaterThan(50);
  expect(unproved(names)).toEqual([]);
});

test("a command without its verb is named", () => {
  expect(unproved(names.filter((name) => !name.startsWith("merge")))).toEqual(["maintenance merge"]);
  expect(unproved(names.filter((name) => !/^(restore|state set)/.test(name)))).toEqual(["restore", "state set"]);
});

test("no command that only reads has a dry run, one that changes a root has one, and none that is gone is listed", () => {
  expect(READS.filter((command) => commands.get(command) !== (command === "export"))).toEqual([]);
  const changing = [...commands].filter(([command]) => !READS.includes(command) && command !== "serve-remote");
  expect(changing.filter(([, dryRun]) => !dryRun)).toEqual([]);
  for (const command of [...Object.keys(ELSEWHERE), ...Object.keys(VERB_OF)]) expect(commands.has(command)).toBe(true);
  for (const path of Object.values(ELSEWHERE)) expect(fromRoot(path)).toMatch(/\b(it|test)\b/);
});
