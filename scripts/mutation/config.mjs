// Everything about mutation testing that can be set: which packages, which tests, which mutants do not count, and Stryker's own options.
// Stryker reads this file with the folder of one package as its working directory; `node scripts/mutation.mjs` starts it.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const root = here("../..");

/** At least this share of the mutants of each package is killed. */
export const BREAK = 85;

/** Random tests run a twentieth of their usual cases, always the same ones: every mutant pays for them, and a score must be repeatable. */
export const TEST_ENV = { USR_TEST_RUNS: "0.05", USR_TEST_SEED: "20261121", USR_TEST_SHRINK: "no", NO_COLOR: "1" };

/**
 * Test files that do not take part, in every package. Tests that start a process do not see the mutant, which is switched on inside of the
 * test runner only; those against Python would make the score depend on what is installed.
 */
const EXCLUDED = ["test/**/*.oracle.test.ts", "test/readme.test.ts"];

/** Each package with the test files of its own that do not take part, and why. */
export const PACKAGES = {
  runner: [], // no package: a sample (scripts/mutation/sample) whose mutants are all noticed unless the runner looks at the wrong tests
  id: [
    "test/size.test.ts", // measures what is bundled, which grows by the mutants
    "test/large.test.ts", // 64 MB through instrumented loops takes minutes
  ],
  schema: [],
  registry: [],
  overlay: [],
  storage: [
    "test/crash.test.ts", // starts processes and kills them
    "test/lock.test.ts", // starts processes that hold locks
  ],
  events: [],
};

/** The test files that stay away when the package `name` is mutated. */
export const excludedTests = (name) => [...EXCLUDED, ...PACKAGES[name]];

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  // The cases of the conformance suite are tests themselves: the faults put into the storages they are run on say how good they are.
  mutate: ["src/**/*.ts", "!src/testing/cases-*.ts"],
  // Sentences for people are no behaviour; wording.mjs says which literals those are. Codes, details and everything else count.
  plugins: ["@stryker-mutator/vitest-runner", here("runner.mjs"), here("wording.mjs")],
  ignorers: ["wording"],
  testRunner: "resident",
  vitest: { configFile: here("vitest.config.mjs"), related: false, pool: "threads" },
  coverageAnalysis: "perTest",
  // Two levels below the root, as the packages are: what a package names by `../..` is there too.
  tempDirName: join(root, ".mutation"),
  cleanTempDir: "always",
  // Nothing is compiled by tsc, so the paths in this file need no rewriting.
  tsconfigFile: "none.json",
  ignorePatterns: ["dist", ".reports", ".turbo"],
  concurrency: 2,
  // The runner sees endless code and tests itself; this is for it, and for a machine with much to do.
  timeoutMS: 120_000,
  incremental: true,
  incrementalFile: ".reports/mutation/incremental.json",
  reporters: ["clear-text", "progress-append-only", "html", "json"],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false, skipFull: true },
  htmlReporter: { fileName: ".reports/mutation/index.html" },
  jsonReporter: { fileName: ".reports/mutation/mutation.json" },
  thresholds: { high: 95, low: BREAK, break: BREAK },
  packageManager: "pnpm",
  warnings: { slow: false },
};
