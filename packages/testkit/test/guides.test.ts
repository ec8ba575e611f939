/// <reference types="node" />
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository, runSteps, stepsOf } from "./shell-page.ts";

const folder = join(repository, "docs/guides");
const pages = readdirSync(folder).filter((name) => name !== "README.md");

describe.each(pages)("the guide %s", (page) => {
  const steps = stepsOf(readFileSync(join(folder, page), "utf8"));

  test("has commands and says what they print", () => {
    expect(steps.filter(({ command }) => command.startsWith("usr ")).length).toBeGreaterThan(5);
    expect(steps.flatMap(({ promised }) => promised).length).toBeGreaterThan(2);
  });

  runSteps(steps);
});

test("the list of guides names each of them", () => {
  const list = readFileSync(join(folder, "README.md"), "utf8");
  expect(pages.filter((page) => !list.includes(`](${page})`))).toEqual([]);
});
