/// <reference types="node" />
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

const bundle = async (entry: string): Promise<{ readonly bytes: number; readonly imports: readonly string[] }> => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${entry}`, import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2023",
    platform: "browser",
    write: false,
    metafile: true,
  });
  return {
    bytes: gzipSync(outputFiles[0]!.contents, { level: 9 }).length,
    imports: Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path)),
  };
};

test("the root is below 2 kB in a browser's bundle, and needs nothing else", async () => {
  const { bytes, imports } = await bundle("index.ts");
  expect(imports).toEqual([]);
  expect(bytes).toBeGreaterThan(500);
  expect(bytes).toBeLessThan(2000);
});

test("the digests are below 4 kB, and need nothing else", async () => {
  const { bytes, imports } = await bundle("digests/index.ts");
  expect(imports).toEqual([]);
  expect(bytes).toBeGreaterThan(500);
  expect(bytes).toBeLessThan(4000);
});

test("the strands are below 1.4 kB, and need nothing else", async () => {
  const { bytes, imports } = await bundle("strands/index.ts");
  expect(imports).toEqual([]);
  expect(bytes).toBeGreaterThan(300);
  expect(bytes).toBeLessThan(1400);
});

test("checking and hashing in bulk is below 4 kB, and needs nothing else", async () => {
  const { bytes, imports } = await bundle("bulk/index.ts");
  expect(imports).toEqual([]);
  expect(bytes).toBeGreaterThan(1000);
  expect(bytes).toBeLessThan(4000);
});

test("there are no dependencies", () => {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(manifest).not.toHaveProperty("dependencies");
  expect(manifest).not.toHaveProperty("peerDependencies");
});
