/// <reference types="node" />
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// The page about reliability says which suites there are: the long runs must run all of them, and nothing that is not there.

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const read = (path: string): string => readFileSync(join(repository, path), "utf8");

interface Suite {
  readonly runs: number;
  readonly files: Readonly<Record<string, readonly string[]>>;
}
const suites: Readonly<Record<string, Suite>> = JSON.parse(read("scripts/suites.json"));
const run = Object.values(suites).flatMap(({ files }) =>
  Object.entries(files).flatMap(([folder, names]) => names.map((name) => `${folder}/test/${name}.test.ts`)),
);

/** The files that the table of suites names; one without a folder lies beside the one before it. */
const told = (): readonly string[] => {
  const page = read("docs/reliability.md");
  const section = page.slice(page.indexOf("## The suites"), page.indexOf("## Figures"));
  const table = section.replaceAll(/^[^|].*$/gm, "");
  let folder = "";
  return [...table.matchAll(/`([a-z0-9/.-]+\.ts)`/g)].map(([, path = ""]) => {
    if (path.includes("/")) folder = dirname(path);
    return path.includes("/") ? path : `${folder}/${path}`;
  });
};

/** What files that share their tests are called in the table. */
const sharing = (path: string): RegExp => new RegExp(`^${path.replace(/(\.test)?\.ts$/, "")}(-\\d)?\\.test\\.ts$`);

test("the long runs have every suite that the page tells of", () => {
  expect(told().length).toBeGreaterThan(25);
  expect(told().filter((path) => !run.some((file) => sharing(path).test(file)))).toEqual([]);
});

test("they run what is there, each once", () => {
  expect(run.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  expect(new Set(run).size).toBe(run.length);
});
