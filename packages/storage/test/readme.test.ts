/// <reference types="node" />
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { freshFolder } from "./folder.ts";

test("the example of the README prints what it says", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const promised = [...(/^prints (.*)\.$/m.exec(readme)?.[1] ?? "").matchAll(/`([^`]*)`/g)].map((found) => found[1]);
  const entry = (name: string): string => fileURLToPath(new URL(`../src/${name}index.ts`, import.meta.url));
  const runnable = code
    .replaceAll('"@usr/storage"', JSON.stringify(entry("")))
    .replaceAll('"@usr/storage/node"', JSON.stringify(entry("node/")));
  await using folder = await freshFolder();
  await writeFile(join(folder.path, "example.ts"), runnable);
  const { stdout } = await promisify(execFile)(process.execPath, ["example.ts"], { cwd: folder.path });
  expect(stdout.trim().split("\n")).toEqual(promised);
});
