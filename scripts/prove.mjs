// The long runs of the suites about crashes, races and hostile input: `node scripts/prove.mjs crash|race|hostile [FILE...]`, all files of a suite or those named.
// USR_TEST_RUNS overrides the factor, USR_TEST_SEED the seed; docs/reliability.md says what each suite does.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const SUITES = JSON.parse(readFileSync(join(root, "scripts/suites.json"), "utf8"));

const [, , suiteName, ...only] = process.argv;
const suite = SUITES[suiteName];
const unknown = only.filter(
  (name) =>
    !Object.values(suite?.files ?? {})
      .flat()
      .includes(name),
);
if (suite === undefined || unknown.length > 0) {
  console.error(`usage: node scripts/prove.mjs ${Object.keys(SUITES).join("|")} [FILE...]`);
  if (suite !== undefined) console.error(`not in ${suiteName}: ${unknown.join(" ")}`);
  process.exit(2);
}

const env = {
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`,
  USR_TEST_RUNS: process.env.USR_TEST_RUNS || String(suite.runs),
};
let failed = false;
for (const [folder, names] of Object.entries(suite.files)) {
  const files = names.filter((name) => only.length === 0 || only.includes(name)).map((name) => `test/${name}.test.ts`);
  if (files.length === 0) continue;
  console.log(`\n== ${folder}: ${files.join(" ")}, USR_TEST_RUNS=${env.USR_TEST_RUNS}`);
  // A long run takes as long as it takes; a hang inside a case has its own limit.
  const args = ["run", "--testTimeout=0", ...files];
  const { status, error } = spawnSync("vitest", args, { cwd: join(root, folder), env, stdio: "inherit" });
  if (error !== undefined) console.error(error.message);
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
