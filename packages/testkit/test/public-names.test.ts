/// <reference types="node" />
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readWorkspace } from "./architecture/read.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const architecture = readFileSync(`${root}docs/architecture.md`, "utf8");

/** The names among `names` that a text does not have as words of their own. */
const missing = (text: string, names: readonly string[]): readonly string[] => {
  const words = new Set(text.match(/\w+/g));
  return names.filter((name) => !words.has(name));
};

test.each(readWorkspace(root).packages.filter(({ isPrivate, entries }) => !isPrivate && entries.length > 0))(
  "$name: its README and the page of the architecture tell of every name that it exports",
  ({ folder, entries, files }) => {
    const names = files.filter(({ path }) => entries.includes(path)).flatMap((file) => file.exports ?? []);
    expect(names.length).toBeGreaterThan(0);
    expect(missing(readFileSync(`${root}${folder}/README.md`, "utf8"), names)).toEqual([]);
    expect(missing(architecture, names)).toEqual([]);
  },
);
