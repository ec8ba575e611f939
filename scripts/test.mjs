// Runs everything that must hold, goes on after a failure, and ends with one line: `N passed, N failed[, N skipped]`.
// Tests are counted from the JSON reports of the packages; a step that fails (types, lint, build, packages) counts as one failure.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const reports = join(root, ".reports");
const counts = process.env.USR_ORACLE_COUNTS || join(reports, "oracle-counts.jsonl");
const env = {
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`,
  USR_ORACLE_COUNTS: counts,
  TURBO_TELEMETRY_DISABLED: "1",
};

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

const packages = ["packages", "apps"].flatMap((group) =>
  readdirSync(join(root, group))
    .map((name) => join(root, group, name))
    .filter((folder) => existsSync(join(folder, "package.json")))
    .map((folder) => ({ folder, manifest: readJson(join(folder, "package.json")) }))
    .filter(({ manifest }) => manifest.scripts?.test !== undefined),
);
const reportOf = (folder) => join(folder, ".reports", "vitest.json");

for (const { folder } of packages) rmSync(reportOf(folder), { force: true });
mkdirSync(reports, { recursive: true });
writeFileSync(counts, "");

const failures = [];
const step = (name, command, ...args) => {
  console.log(`\n== ${name}: ${[command, ...args].join(" ")}`);
  const started = Date.now();
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: "inherit" });
  const passed = status === 0;
  console.log(
    `== ${name} ${passed ? "passed" : `failed (${error?.message ?? `exit ${status}`})`} after ${Math.round((Date.now() - started) / 1000)} s`,
  );
  return passed;
};
const turbo = (name, ...tasks) =>
  step(name, "turbo", "run", ...tasks, "--concurrency=2", "--continue", "--output-logs=errors-only", "--ui=stream");

const tested = turbo("tests", "test");
if (!turbo("types", "typecheck")) failures.push("types");
if (!step("lint", "biome", "check", "--diagnostic-level=warn", ".")) failures.push("lint");
if (!turbo("packages", "build", "check:package")) failures.push("packages");
const operations = join(reports, "bench.json");
rmSync(operations, { force: true });
step("operations as they are measured, for their results", "node", "scripts/bench.mjs", "--smoke");

let passed = 0;
let failed = 0;
let skipped = 0;
console.log("\n== tests by package");
for (const { folder, manifest } of packages) {
  if (!existsSync(reportOf(folder))) {
    failures.push(`${manifest.name}: no test report`);
    continue;
  }
  const report = readJson(reportOf(folder));
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ ...test, file: file.name })),
  );
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every(({ status }) => status !== "failed"),
  );
  const failing = tests.filter(({ status }) => status === "failed");
  const passing = tests.filter(({ status }) => status === "passed");
  const others = tests.filter(({ status }) => status !== "passed" && status !== "failed");
  if (tests.length + broken.length === 0) failures.push(`${manifest.name}: no test ran`);
  passed += passing.length;
  failed += failing.length + broken.length;
  skipped += others.length;
  console.log(
    `${manifest.name}: ${passing.length} passed, ${failing.length + broken.length} failed, ${others.length} skipped`,
  );
  for (const { file, fullName } of failing) console.log(`  FAILED ${relative(folder, file)}: ${fullName}`);
  for (const { name, message } of broken)
    console.log(`  FAILED ${relative(folder, name)}: ${String(message).split("\n")[0]}`);
  for (const [suite, list] of groupBy(others, suiteOf)) console.log(`  skipped ${list.length} in ${suite}`);
}

if (existsSync(operations)) {
  const report = readJson(operations);
  passed += report.passed;
  failed += report.failures.length;
  console.log(`operations: ${report.passed} passed, ${report.failures.length} failed`);
  for (const failure of report.failures) console.log(`  FAILED ${failure}`);
} else failures.push("operations: no report");

function suiteOf({ file, ancestorTitles, status }) {
  const name = file.slice(file.lastIndexOf("/test/") + 1);
  const reason =
    status === "todo"
      ? "to do"
      : /oracle/.test(name) && !env.USR_ORACLE_PYTHON
        ? "no USR_ORACLE_PYTHON"
        : "by its own condition";
  return `${name}${ancestorTitles[0] ? `: ${ancestorTitles[0]}` : ""} (${reason})`;
}

function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

const comparisons = new Map();
for (const line of readFileSync(counts, "utf8").split("\n").filter(Boolean)) {
  const { suite, compared } = JSON.parse(line);
  comparisons.set(suite, (comparisons.get(suite) ?? 0) + compared);
}
const compared = [...comparisons.values()].reduce((sum, count) => sum + count, 0);
console.log(`\n== comparisons with the oracle: ${compared}`);
for (const [suite, count] of [...comparisons].sort()) console.log(`${suite}: ${count}`);

if (env.USR_ORACLE_PYTHON && compared === 0) failures.push("the oracle is present and nothing was compared with it");
if (!tested && failed === 0) failures.push("tests");
for (const failure of failures) console.log(`FAILED STEP ${failure}`);
failed += failures.length;

console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
