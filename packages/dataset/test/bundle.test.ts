/// <reference types="node" />
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** What a page that scans a dataset over HTTP loads before it asks for anything. The README states it. */
const BUDGET = 72_000;

const ENTRY = `
import { scan } from "@usr/dataset";
import { httpStorage } from "@usr/storage/http";
const root = { storage: httpStorage("https://example.org/", { index: "index.json" }), label: "example" };
for await (const batch of scan(root, "demo", { limit: 10 })) console.log(batch.numRows);
`;

test("reading bundles for a browser, within the budget", async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: ENTRY, resolveDir: dirname(fileURLToPath(import.meta.url)), loader: "ts" },
    conditions: ["@usr/source", "browser"],
    platform: "browser",
    format: "esm",
    target: "es2023",
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: "/out",
    // Left alone so that the test can name them.
    external: ["node:*"],
  });
  const outputs = Object.entries(metafile.outputs);
  expect(outputs.flatMap(([, output]) => output.imports.filter(({ path }) => path.startsWith("node:")))).toEqual([]);

  const entry = outputs.find(([, output]) => output.entryPoint === "<stdin>")![0];
  const eager = new Set<string>();
  const add = (path: string): void => {
    if (eager.has(path)) return;
    eager.add(path);
    for (const { path: next, kind } of metafile.outputs[path]?.imports ?? [])
      if (kind === "import-statement") add(next);
  };
  add(entry);
  const size = outputFiles
    .filter(({ path }) => [...eager].some((name) => path.endsWith(`/${name.split("/").at(-1)}`)))
    .reduce((sum, { contents }) => sum + gzipSync(contents).length, 0);
  expect(size).toBeGreaterThan(1000);
  expect(size).toBeLessThan(BUDGET);
  console.log(`eager bundle: ${size} bytes gz in ${eager.size} of ${outputs.length} chunks`);
});
