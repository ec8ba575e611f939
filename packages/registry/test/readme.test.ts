/// <reference types="node" />
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("runs as the README shows it", () => {
  const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  const folder = mkdtempSync(fileURLToPath(new URL("./readme-", import.meta.url)));
  try {
    writeFileSync(`${folder}/example.ts`, example);
    const out = execFileSync(process.execPath, ["--conditions=@usr/source", `${folder}/example.ts`], {
      encoding: "utf8",
    });
    expect(out.replace(/(?<=[0-9a-f]{4})[0-9a-f]{60}/, "…")).toMatchInlineSnapshot(`
      "true
      true
      2 da4a…
      0
      "
    `);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
