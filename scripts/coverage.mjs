// Which branches the tests of a package take, for the packages that everything rests on: `node scripts/coverage.mjs [id schema ...]`.
// Fails where a package's own tests leave more than one branch in twenty untaken; docs/reliability.md says why it matters there.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = ["id", "schema", "registry", "overlay", "storage", "events"];
const BRANCHES = 95;

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !PACKAGES.includes(name));
if (unknown !== undefined) {
  console.error(`There is no target for '${unknown}'. Packages: ${PACKAGES.join(" ")}`);
  process.exit(2);
}

const env = { ...process.env, PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}` };
const below = [];
for (const name of asked.length > 0 ? asked : PACKAGES) {
  console.log(`\n== @usr/${name}`);
  const options = {
    "coverage.include": "src/**",
    "coverage.reporter": "text",
    "coverage.reportsDirectory": ".reports/coverage",
    "coverage.thresholds.branches": BRANCHES,
  };
  const args = ["run", "--coverage", "--reporter=dot", ...Object.entries(options).map(([key, to]) => `--${key}=${to}`)];
  const { status, error } = spawnSync("vitest", args, { cwd: join(root, "packages", name), env, stdio: "inherit" });
  if (error !== undefined) console.error(error.message);
  if (status !== 0) below.push(name);
}
console.log(below.length === 0 ? "\nall above the target" : `\nbelow ${BRANCHES} %, or failed: ${below.join(", ")}`);
process.exitCode = below.length === 0 ? 0 : 1;
