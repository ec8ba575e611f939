/// <reference types="node" />

import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("the example of the README prints what it says", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const promised = /^prints `([^`]*)`\.$/m.exec(readme)?.[1];
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  // Beside the tests, where the packages it imports are found.
  const example = fileURLToPath(new URL(`./.readme-${process.pid}.ts`, import.meta.url));
  try {
    await writeFile(example, code.replaceAll('"@usr/events"', JSON.stringify(entry)));
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@usr/source", example]);
    expect(stdout.trim()).toBe(promised);
  } finally {
    await rm(example, { force: true });
  }
});
