/// <reference types="node" />
import { readFile } from "node:fs/promises";
import { parseRegistry } from "@usr/registry";
import { valueAt } from "@usr/schema/columns";
import { memoryStorage, readAll, scopedStorage } from "@usr/storage";
import { goldenDatasets, loadGolden } from "@usr/testkit";
import { expect, test } from "vitest";
import { scores } from "./readme-example.ts";

const readText = (name: string) => readFile(new URL(name, import.meta.url), "utf8");

test("the example of the README is the one that runs here", async () => {
  const shown = /```ts\n([\s\S]*?)```/.exec(await readText("../README.md"))?.[1];
  const run = (await readText("readme-example.ts")).replace('"../src/index.ts"', '"@usr/overlay"');
  expect(shown).toBe(run);
  const commented = (await readText("../src/index.ts")).replaceAll(/^ \* ?/gm, "");
  expect(commented).toContain(run);
});

test("it gives the merged column", async () => {
  const storage = memoryStorage();
  await loadGolden("parts-plain", storage);
  const registry = await parseRegistry(new TextDecoder().decode(await readAll((await storage.open("registry.yaml"))!)));
  const [column] = await scores(scopedStorage(storage, "many"), registry);
  const golden = goldenDatasets("parts-plain").find(({ dataset }) => dataset === "many")!;
  const expected = golden.rows!.map((line) => JSON.parse(line)["mock__score"]);
  expect(expected.length).toBeGreaterThan(0);
  expect(expected.map((_, row) => valueAt(column!, row))).toEqual(expected);
});
