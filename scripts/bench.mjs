// npm run bench -- --rows 100000 [--rows 1000000] [--out docs/benchmarks.md] [--smoke] [--keep]
//
// Every operation is a whole process of the built command line. Its result is compared with what it must be, so nothing fast and wrong
// is ever timed. `--smoke` compares and prints no times.
import assert from "node:assert/strict";
import { cpSync, createReadStream, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { component, idsOf, score, sequences, VECTOR, writeLines, writeVectors } from "../bench/data.mjs";
import { measure } from "../bench/measure.mjs";
import { tableOf, writeReport } from "../bench/report.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));
const bin = join(repository, "apps/cli/bin/usr.js");
const PARTS = 20;

const { values: options } = parseArgs({
  options: {
    rows: { type: "string", multiple: true, default: ["100000"] },
    out: { type: "string" },
    smoke: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
if (!existsSync(join(repository, "apps/cli/dist/main.js"))) {
  console.error("The command line is not built: npm run build");
  process.exit(2);
}
const [{ writeParquet }, { columnOf }] = await Promise.all([
  import("../packages/parquet/dist/index.js"),
  import("../packages/schema/dist/columns/index.js"),
]);

const results = [];
for (const rows of options.rows) results.push(await bench(Number(rows)));
if (options.out !== undefined && !options.smoke) writeReport(options.out, results);

async function bench(count) {
  assert.ok(Number.isSafeInteger(count) && count >= 1000, `--rows ${count}: at least 1000`);
  const folder = mkdtempSync(join(tmpdir(), "usr-bench-"));
  const root = join(folder, "root");
  const at = (name) => join(folder, name);
  const figures = [];
  const usr = (args) => measure(bin, ["--root", root, ...args]);
  const data = (run) => JSON.parse(run.stdout).data;
  const rowsIn = (run) =>
    run.stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));

  /** Times one operation; of operations that change nothing the middle of three runs. `check` sees the run. */
  const timed = (name, rows, args, check, { repeat = 3 } = {}) => {
    const runs = [];
    for (let i = 0; i < (options.smoke ? 1 : repeat); i++) {
      const run = usr(args);
      check(run);
      runs.push(run);
    }
    runs.sort((a, b) => a.seconds - b.seconds);
    const { seconds, cpu } = runs[Math.floor(runs.length / 2)];
    const megabytes = Math.max(...runs.map((run) => run.megabytes));
    note({ name, rows, seconds, cpu, megabytes, runs: runs.length });
  };
  const once = { repeat: 1 };
  const note = (figure) => {
    figures.push(figure);
    const { name, seconds, cpu, megabytes } = figure;
    console.log(
      options.smoke
        ? `ok  ${name}`
        : `${name.padEnd(44)} ${seconds.toFixed(2).padStart(8)} s ${cpu.toFixed(2).padStart(8)} cpu s ${megabytes.toFixed(0).padStart(6)} MB`,
    );
  };

  try {
    console.log(`\n${count} sequences of 60 to 200 bases, ${folder}`);
    const all = sequences(count);
    const ids = idsOf(all);
    writeLines(at("base.csv"), "sequence\n", count, (row) => `${all[row]}\n`);
    writeLines(at("scores.csv"), "id,score\n", count, (row) => `${ids[row]},${score(row, 0)}\n`);
    writeFileSync(at("one.csv"), `sequence\n${"ACGT".repeat(20)}\n`);
    const view = (row, versions) => ({
      id: ids[row],
      ...(versions.lw === undefined ? {} : { lw__score: score(row, versions.lw) }),
      sc__score: score(row, 0),
    });
    const head = (run, versions) =>
      assert.deepEqual(
        rowsIn(run),
        Array.from({ length: 10 }, (_, row) => view(row, versions)),
      );
    const sound = (run) => assert.deepEqual([data(run).ok, data(run).problems], [true, []]);
    const columns = (...names) => ["--columns", names.join(",")];

    timed("help", undefined, ["--help"], ({ stdout }) => assert.match(stdout, /Usage: usr/));
    usr(["namespace", "register", "sc", "--columns", "sc__score:float64"]);
    usr(["namespace", "register", "lw", "--columns", "lw__score:float64"]);
    usr(["namespace", "register", "emb", "--columns", "emb__vec:list<float64>"]);
    usr(["init", "main"]);

    const dna = ["--bio-type", "dna", "--alphabet", "dna_4"];
    timed(
      "import csv",
      count,
      ["import", "main", "--path", at("base.csv"), ...dna, "--json"],
      (run) => assert.equal(data(run).rows_added, count),
      once,
    );
    timed("head -n 10, no overlay", undefined, ["head", "main", "--json", ...columns("id")], (run) =>
      assert.deepEqual(
        rowsIn(run).map(({ id }) => id),
        ids.slice(0, 10),
      ),
    );
    copy("main", "append");
    timed(
      "append of one row",
      undefined,
      ["import", "append", "--path", at("one.csv"), ...dna, "--json"],
      (run) => assert.equal(data(run).rows_added, 1),
      once,
    );
    assert.equal(data(usr(["info", "append", "--json"])).rows, count + 1);
    drop("append");

    const attach = (dataset, file, namespace, ...more) => [
      "attach",
      dataset,
      "--path",
      at(file),
      "--namespace",
      namespace,
      "--key",
      "id",
      "--json",
      ...more,
    ];
    const matched = (run) => assert.deepEqual([data(run).rows_matched, data(run).rows_missing], [count, 0]);
    timed("attach float64 from csv", count, attach("main", "scores.csv", "sc"), matched, once);
    timed("head -n 10, 1 part", undefined, ["head", "main", "--json", ...columns("id", "sc__score")], (run) =>
      head(run, {}),
    );
    timed("validate --strict", count, ["validate", "main", "--strict", "--json"], sound);
    const exported = (name) => ["export", "main", "--out", at(name), "--json"];
    const wrote = (run) => assert.equal(data(run).rows, count);
    timed("export csv, 1 part", count, exported("view.csv"), wrote);
    await sameScores(at("view.csv"), { sc__score: 0 });
    timed("export parquet, 1 part", count, exported("view.parquet"), wrote);

    copy("main", "vectors");
    await writeVectors(at("vectors.parquet"), ids, { writeParquet, columnOf });
    timed("attach list<float64> of 64 from parquet", count, attach("vectors", "vectors.parquet", "emb"), matched, once);
    rmSync(at("vectors.parquet"));
    const vectors =
      (...rows) =>
      (run) =>
        assert.deepEqual(
          rowsIn(run),
          rows.map((row) => ({ id: ids[row], emb__vec: Array.from({ length: VECTOR }, (_, i) => component(row, i)) })),
        );
    const some = [0, 1, Math.floor(count / 2), count - 2, count - 1];
    const getSome = ["get", "vectors", ...some.map((row) => ids[row]), "--json", ...columns("id", "emb__vec")];
    timed(
      "head -n 10, vectors",
      undefined,
      ["head", "vectors", "--json", ...columns("id", "emb__vec")],
      vectors(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    );
    vectors(...some)(usr(getSome));
    timed("materialize, 1 float64 and the vectors", count, ["materialize", "vectors", "--yes", "--json"], wrote, once);
    vectors(...some)(usr(getSome));
    drop("vectors");
    if (count <= 100_000) {
      copy("main", "jsonl");
      writeLines(
        at("vectors.jsonl"),
        "",
        count,
        (row) =>
          `${JSON.stringify({ id: ids[row], vec: Array.from({ length: VECTOR }, (_, i) => component(row, i)) })}\n`,
      );
      timed("attach list<float64> of 64 from jsonl", count, attach("jsonl", "vectors.jsonl", "emb"), matched, once);
      vectors(...some)(usr(["get", "jsonl", ...getSome.slice(2)]));
      drop("jsonl");
      rmSync(at("vectors.jsonl"));
    }

    const written = [];
    for (let version = 1; version <= PARTS; version++) {
      writeLines(at("part.csv"), "id,score\n", count, (row) => `${ids[row]},${score(row, version)}\n`);
      written.push(usr(attach("main", "part.csv", "lw", ...(version === 1 ? [] : ["--overwrite"]))));
      matched(written.at(-1));
    }
    note({
      name: "write 20 parts",
      rows: count * PARTS,
      seconds: written.reduce((sum, run) => sum + run.seconds, 0),
      cpu: written.reduce((sum, run) => sum + run.cpu, 0),
      megabytes: Math.max(...written.map((run) => run.megabytes)),
      runs: 1,
    });
    const newest = { lw: PARTS };
    timed(
      "head -n 10, 20 parts",
      undefined,
      ["head", "main", "--json", ...columns("id", "lw__score", "sc__score")],
      (run) => head(run, newest),
    );
    timed(
      "get one id, 20 parts",
      undefined,
      ["get", "main", ids[count - 3], "--json", ...columns("id", "lw__score", "sc__score")],
      (run) => assert.deepEqual(rowsIn(run), [view(count - 3, newest)]),
    );
    timed("validate --strict, 20 parts", count * (PARTS + 1), ["validate", "main", "--strict", "--json"], sound);
    timed("export parquet, 20 parts", count, exported("view.parquet"), wrote);
    timed("export csv, 20 parts", count, exported("view.csv"), wrote);
    await sameScores(at("view.csv"), { lw__score: PARTS, sc__score: 0 });
    timed("materialize, 20 parts", count, ["materialize", "main", "--yes", "--json"], wrote, once);
    wrote(usr(exported("after.csv")));
    await sameScores(at("after.csv"), { lw__score: PARTS, sc__score: 0 });
    sound(usr(["validate", "main", "--strict", "--json"]));

    /** Every row of an export, in base order, against the numbers that were attached. */
    async function sameScores(path, versions) {
      let row = -1;
      let places;
      for await (const line of createInterface({ input: createReadStream(path) })) {
        const cells = line.split(",");
        if (row === -1) places = Object.entries(versions).map(([name, version]) => [cells.indexOf(name), version]);
        else {
          assert.equal(cells[0], ids[row]);
          for (const [place, version] of places) assert.equal(Number(cells[place]), score(row, version), `row ${row}`);
        }
        row++;
      }
      assert.equal(row, count);
    }
  } finally {
    if (!options.keep) rmSync(folder, { recursive: true, force: true });
  }
  if (!options.smoke) console.log(tableOf({ count, figures }));
  return { count, figures };

  function copy(from, to) {
    cpSync(join(root, from), join(root, to), { recursive: true });
  }
  function drop(dataset) {
    rmSync(join(root, dataset), { recursive: true });
  }
}
