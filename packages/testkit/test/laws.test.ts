/// <reference types="node" />
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** The published lists of what the Python program gets wrong: core W-01 to W-31, overlay W1 to W28, sync W1 to W32. */
const WEAKNESSES = [
  ...Array.from({ length: 31 }, (_, i) => `core W-${String(i + 1).padStart(2, "0")}`),
  ...Array.from({ length: 28 }, (_, i) => `overlay W${i + 1}`),
  ...Array.from({ length: 32 }, (_, i) => `sync W${i + 1}`),
];

/** Titles of tests and suites that carry a number, in every `test/laws*.test.ts` of the repository. */
const titles = ["apps", "packages"].flatMap((group) =>
  readdirSync(join(repository, group)).flatMap((name) => {
    const folder = join(repository, group, name, "test");
    let files: readonly string[] = [];
    try {
      files = readdirSync(folder);
    } catch {
      // A package without tests.
    }
    return files
      .filter((file) => /^laws.*\.test\.ts$/.test(file))
      .flatMap((file) => {
        const text = readFileSync(join(folder, file), "utf8");
        return [
          ...text.matchAll(
            /^(?:test|it|describe)(?:\.each\([^\n]*\))?\(\s*["'`]((?:core W-|(?:overlay|sync) W)\d+): \S/gm,
          ),
        ].map(([, number = ""]) => number);
      });
  }),
);

it("every weakness of the Python program has its law, once", () => {
  expect(titles.toSorted()).toEqual(WEAKNESSES.toSorted());
});
