/// <reference types="node" />
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("the example of the README prints what it says", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const promised = [...(/^prints (.*)\.$/m.exec(readme)?.[1] ?? "").matchAll(/`([^`]*)`/g)].map((found) => found[1]);
  const runnable = code.replaceAll(/"@usr\/schema(\/columns|\/arrow)?"/g, (_, sub: string | undefined) =>
    JSON.stringify(fileURLToPath(new URL(`../src${sub ?? ""}/index.ts`, import.meta.url))),
  );
  const folder = await mkdtemp(fileURLToPath(new URL("./.example-", import.meta.url)));
  try {
    await writeFile(join(folder, "example.ts"), runnable);
    const { stdout } = await promisify(execFile)(process.execPath, ["example.ts"], { cwd: folder });
    expect(promised.length).toBe(3);
    expect(stdout.trim().split("\n")).toEqual(promised);
  } finally {
    await rm(folder, { recursive: true });
  }
});
