// npm run bench -- [--suite rows|wide|many|clones|all] [--rows 1000000]... [--page] [--keep]; npm run bench:smoke
//
// Every operation is a whole process of the built command line. Its result is compared with what it must be, so nothing fast and wrong is
// ever timed. Figures are merged, suite by suite, into bench/results/figures.json; docs/benchmarks.md and its curves are made from that
// file (`--page` makes them without measuring). `--smoke` compares at small sizes and keeps no times.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openBench, requireBuild } from "../bench/harness.mjs";
import { merge, writePage } from "../bench/page.mjs";

const { values: options } = parseArgs({
  options: {
    suite: { type: "string", multiple: true, default: ["rows"] },
    rows: { type: "string", multiple: true, default: ["1000000"] },
    smoke: { type: "boolean", default: false },
    page: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
/** What “all” means. `clones` needs a file system that shares blocks. */
const SUITES = ["rows", "wide", "many"];
const { smoke, keep } = options;
for (const name of options.suite) {
  if ([...SUITES, "clones", "all"].includes(name)) continue;
  console.error(`--suite ${name}: one of ${SUITES.join(", ")}, clones, all`);
  process.exit(2);
}
const counts = smoke ? [20_000] : options.rows.map(Number);
for (const count of counts) {
  if (Number.isSafeInteger(count) && count >= 1000) continue;
  console.error(`--rows ${count}: a whole number, at least 1000`);
  process.exit(2);
}

if (!options.page) {
  requireBuild();
  const [{ rowsSuite, calibration }, { wideSuite }, { manySuite }, { clonesSuite }] = await Promise.all([
    import("../bench/suites/rows.mjs"),
    import("../bench/suites/wide.mjs"),
    import("../bench/suites/many.mjs"),
    import("../bench/suites/clones.mjs"),
  ]);
  const asked = smoke || options.suite.includes("all") ? SUITES : options.suite;
  const runs = [];
  if (asked.includes("rows"))
    for (const count of counts)
      runs.push({
        key: `rows ${count}`,
        count,
        run: (bench) => rowsSuite(bench, count),
        after: (bench) => (count === 1_000_000 ? { calibration: calibration(bench) } : {}),
      });
  const wide = smoke ? 300 : 157_160;
  if (asked.includes("wide")) runs.push({ key: "wide", count: wide, run: (bench) => wideSuite(bench, wide) });
  const [rows, parts] = smoke ? [2_000, 40] : [157_279, 1_012];
  if (asked.includes("many")) runs.push({ key: "many", count: rows, run: (bench) => manySuite(bench, rows, parts) });

  if (!smoke && options.suite.includes("clones"))
    runs.push({ key: "clones", count: 1_000_000, run: (bench) => clonesSuite(bench, 1_000_000) });

  let passed = 0;
  const failures = [];
  for (const { key, count, run, after } of runs) {
    const bench = openBench({ smoke, keep });
    console.log(`\n${key}: ${count} rows, ${bench.folder}`);
    try {
      const more = await run(bench);
      if (!smoke) merge(key, { count, figures: bench.figures, ...more, ...after?.(bench) });
    } catch (error) {
      failures.push(`${key} after ${bench.figures.at(-1)?.name ?? "the start"}: ${error.message}`);
      console.error(error);
    } finally {
      passed += bench.figures.length;
      bench.close();
    }
  }
  if (smoke) {
    const reports = fileURLToPath(new URL("../.reports/", import.meta.url));
    mkdirSync(reports, { recursive: true });
    writeFileSync(`${reports}bench.json`, JSON.stringify({ passed, failures }));
  }
  console.log(`\n${passed} operations, ${failures.length} suites failed`);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
if (!smoke) writePage();
