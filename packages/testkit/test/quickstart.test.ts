/// <reference types="node" />
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository, runSteps, stepsOf } from "./shell-page.ts";

const steps = stepsOf(readFileSync(join(repository, "README.md"), "utf8"));

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

  const folder = runSteps(steps);

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
