// How many small faults put into a package its own tests notice, for the packages that everything rests on:
// `node scripts/mutation.mjs [id schema ...] [-- options of Stryker]`, for example `id -- --force` or `id -- --mutate src/strip.ts`.
// Fails where fewer are noticed than scripts/mutation/config.mjs asks for. What was found before and cannot have changed is not run again.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BREAK, PACKAGES, TEST_ENV } from "./mutation/config.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const args = process.argv.slice(2);
const end = args.indexOf("--");
const asked = end === -1 ? args : args.slice(0, end);
const options = end === -1 ? [] : args.slice(end + 1);
const unknown = asked.find((name) => !(name in PACKAGES));
if (unknown !== undefined) {
  console.error(`There is no target for '${unknown}'. Packages: ${Object.keys(PACKAGES).join(" ")}`);
  process.exit(2);
}

const PATH = `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`;
const config = join(root, "scripts", "mutation", "config.mjs");
const below = [];
for (const name of asked.length > 0 ? asked : Object.keys(PACKAGES)) {
  console.log(`\n== @usr/${name}`);
  const { USR_ORACLE_PYTHON: _, ...own } = process.env;
  const env = { ...own, ...TEST_ENV, PATH, USR_MUTATION_PACKAGE: name };
  const cwd = name === "runner" ? join(root, "scripts", "mutation", "sample") : join(root, "packages", name);
  const { status, error } = spawnSync("stryker", ["run", config, ...options], { cwd, env, stdio: "inherit" });
  if (error !== undefined) console.error(error.message);
  if (status !== 0) below.push(name);
}
console.log(below.length === 0 ? "\nall above the target" : `\nbelow ${BREAK} %, or failed: ${below.join(", ")}`);
process.exitCode = below.length === 0 ? 0 : 1;
