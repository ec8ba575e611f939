// npm run bench:memory: the operations at a million rows with a small heap and a ceiling on what the process may hold. Run by hand.
import { MEMORY } from "../bench/ceilings.mjs";
import { openBench, requireBuild } from "../bench/harness.mjs";
import { rowsSuite } from "../bench/suites/rows.mjs";

requireBuild();
const bench = openBench({ once: true, heap: MEMORY.heap });
let over = 0;
try {
  await rowsSuite(bench, MEMORY.rows);
} finally {
  bench.close();
}
for (const { name, megabytes, by } of bench.figures) {
  const ceiling = MEMORY.ceilings[name];
  if (by !== undefined || ceiling === undefined) continue;
  const held = megabytes <= ceiling;
  if (!held) over++;
  console.log(`${held ? "ok  " : "OVER"} ${name.padEnd(52)} ${megabytes.toFixed(0).padStart(5)} of ${ceiling} MB`);
}
console.log(`\n${over} over their ceiling`);
process.exitCode = over > 0 ? 1 : 0;
