/// <reference types="node" />
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

export const repository: string = fileURLToPath(new URL("../../..", import.meta.url));

export interface Step {
  readonly command: string;
  /** The `#>` lines below the command: each is part of a line of its output, in this order. */
  readonly promised: readonly string[];
}

/** The commands of a page's `sh` blocks; comments and blank lines left out. */
export const stepsOf = (markdown: string): readonly Step[] => {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  const steps: { command: string; promised: string[] }[] = [];
  for (const line of blocks.join("").split("\n")) {
    if (line.startsWith("#> ")) steps.at(-1)?.promised.push(line.slice(3));
    else if (line.trim() !== "" && !line.startsWith("#")) steps.push({ command: line, promised: [] });
  }
  return steps;
};

/** Runs of blanks and tabs count as one blank: how tables are aligned is not promised. */
const squeezed = (text: string): string => text.replaceAll(/[ \t]+/g, " ");

/** A test for each step, in a folder of their own with `usr` from source on the path. Returns the folder. */
export const runSteps = (steps: readonly Step[]): string => {
  const folder = mkdtempSync(join(tmpdir(), "usr-page-"));
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  const main = join(repository, "apps/cli/src/main.ts");
  writeFileSync(join(bin, "usr"), `#!/bin/sh\nexec "${process.execPath}" --conditions=@usr/source "${main}" "$@"\n`);
  chmodSync(join(bin, "usr"), 0o755);
  const environment: Record<string, string | undefined> = {
    ...process.env,
    NO_COLOR: "1",
    NODE_OPTIONS: "",
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
  };
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (const { command, promised } of steps) {
    test(command, () => {
      const variable = /^export (\w+)=(.*)$/.exec(command);
      if (variable !== null) {
        environment[variable[1] ?? ""] = variable[2];
        return;
      }
      const run = spawnSync("sh", ["-c", command], { cwd: folder, env: environment, encoding: "utf8" });
      expect([run.status, run.stderr]).toEqual([0, ""]);
      const printed = squeezed(run.stdout).split("\n");
      let from = 0;
      for (const line of promised) {
        const found = printed.findIndex((text, i) => i >= from && text.includes(squeezed(line)));
        expect(found, `${JSON.stringify(line)} in\n${run.stdout}`).toBeGreaterThanOrEqual(from);
        from = found + 1;
      }
    });
  }
  return folder;
};
