/// <reference types="node" />
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it, vi } from "vitest";

const dir = fileURLToPath(new URL(".readme/", import.meta.url));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it("shows an example that runs", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${dir}example.ts`, example.replace('"@usr/parquet"', '"../../src/index.ts"'));
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import(/* @vite-ignore */ `${dir}example.ts`);
  expect(log.mock.calls).toEqual([[2]]);
});
