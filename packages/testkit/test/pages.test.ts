/// <reference types="node" />
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

describe.each(pages)("%s", (page) => {
  const text = readFileSync(join(repository, page), "utf8");

  it("links to what is there", () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !existsSync(join(repository, dirname(page), target)))).toEqual([]);
  });

  it("names tests that are there", () => {
    const named = [...text.matchAll(/`((?:packages|apps)\/[^`]*\.(?:ts|mjs))`/g)].map(([, path = ""]) => path);
    expect(named.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });
});
