// Writes packages/remotes/src/ssh/helper-text.ts: the helper as it travels, without its comments and indentation. --check: fails if it differs.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../packages/remotes/src/ssh/", import.meta.url);
const lines = readFileSync(new URL("helper.sh", folder), "utf8")
  .split("\n")
  .map((line) => line.trim())
  .filter((line) => line !== "" && !line.startsWith("#"));
const text = [
  "/** helper.sh without comments; `node scripts/remote-helper.mjs` writes this file. */",
  "export const HELPER: string = [",
  ...lines.map((line) => `  ${JSON.stringify(line)},`),
  '  "",',
  '].join("\\n");',
  "",
].join("\n");
const target = fileURLToPath(new URL("helper-text.ts", folder));
if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (readFileSync(target, "utf8") !== text) {
  console.error("helper-text.ts is not helper.sh: run node scripts/remote-helper.mjs");
  process.exitCode = 1;
}
