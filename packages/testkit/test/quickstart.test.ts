/// <reference types="node" />
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const readme = readFileSync(join(repository, "README.md"), "utf8");

interface Step {
  readonly command: string;
  /** The `#>` lines below the command: each is part of a line of its output, in this order. */
  readonly promised: readonly string[];
}

/** The commands of the README's one `sh` block; comments and blank lines left out. */
const stepsOf = (markdown: string): readonly Step[] => {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  if (blocks.length !== 1) throw new Error(`the README has ${blocks.length} sh blocks, not one`);
  const steps: { command: string; promised: string[] }[] = [];
  for (const line of blocks.join("").split("\n")) {
    if (line.startsWith("#> ")) steps.at(-1)?.promised.push(line.slice(3));
    else if (line.trim() !== "" && !line.startsWith("#")) steps.push({ command: line, promised: [] });
  }
  return steps;
};

/** Runs of blanks and tabs count as one blank: how tables are aligned is not promised. */
const squeezed = (text: string): string => text.replaceAll(/[ \t]+/g, " ");

const steps = stepsOf(readme);
let folder = "";
const environment: Record<string, string | undefined> = { ...process.env, NO_COLOR: "1" };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "usr-quickstart-"));
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  const main = join(repository, "apps/cli/src/main.ts");
  // The program from source, so that the test needs no build.
  writeFileSync(join(bin, "usr"), `#!/bin/sh\nexec "${process.execPath}" --conditions=@usr/source "${main}" "$@"\n`);
  chmodSync(join(bin, "usr"), 0o755);
  environment["PATH"] = `${bin}:${process.env["PATH"] ?? ""}`;
  environment["NODE_OPTIONS"] = "";
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the quickstart of the README", () => {
  test("is there", () => {
    const verbs = steps.map(({ command }) => /^usr (namespace \w+|events \w+|\w+)/.exec(command)?.[1]).filter(Boolean);
    for (const verb of "namespace register,init,import,attach,head,materialize,export,validate,events tail".split(
      ",",
    )) {
      expect(verbs).toContain(verb);
    }
    expect(steps.flatMap(({ promised }) => promised).length).toBeGreaterThan(8);
  });

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

  test("leaves what it says", () => {
    expect(readdirSync(folder).sort()).toEqual(
      [".bin", "designs.csv", "friday.csv", "library", "monday.csv", "promoters.fa", "promoters.parquet"].sort(),
    );
    const fasta = readFileSync(join(folder, "promoters.fa"), "utf8").split("\n");
    expect(fasta.slice(0, 2)).toEqual([expect.stringMatching(/^>[0-9a-f]{40} 0\.91$/), "ACGTTGCA"]);
    const bytes = readFileSync(join(folder, "promoters.parquet"));
    expect([bytes.subarray(0, 4).toString(), bytes.subarray(-4).toString()]).toEqual(["PAR1", "PAR1"]);
  });
});
