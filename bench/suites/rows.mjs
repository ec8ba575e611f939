// The usual dataset: `count` sequences with one number each, vectors, and 20 parts that each hold a value for every row.
import assert from "node:assert/strict";
import { createReadStream, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeParquet } from "../../packages/parquet/dist/index.js";
import { FLOAT, LIST, scoreColumn, vectorColumn, writeTable } from "../columns.mjs";
import { component, idsOf, lines, permutation, score, writeLines } from "../data.mjs";
import { attachArgs, data, rowsIn, sound } from "../harness.mjs";
import { timeAppends } from "./appends.mjs";
import { importing } from "./imports.mjs";
import { timeDoubles, timeMerge, timeStrangePart } from "./rare.mjs";
import { timeStart } from "./start.mjs";

const WIDTH = 64;
/** Above this many rows only what must be linear is run. */
const LARGE = 2_000_000;

export const rowsSuite = async (bench, count) => {
  const { at, usr, node, timed, inTurns, field, copy, drop, parts, note, root } = bench;
  const large = count > LARGE;
  /** Fewer where only the results count. */
  const [PARTS, APPENDS] = bench.smoke ? [4, 10] : [20, 100];
  const cheap = { repeat: 5 };
  const long = { repeat: large ? 1 : 3, rows: count };
  const ids = idsOf(count);
  writeFileSync(at("ids"), ids.bytes);
  const rows = importing(bench, count, long);
  const { columns, imported, wrote, importArgs, exported, fresh, importCsv, texts } = rows;

  const matched = (run) => assert.deepEqual([data(run).rows_matched, data(run).rows_missing], [count, 0]);
  const view = (row, versions) => ({
    id: ids.at(row),
    ...(versions.lw === undefined ? {} : { lw__score: score(row, versions.lw) }),
    ...(versions.sc === undefined ? {} : { sc__score: score(row, versions.sc) }),
  });

  for (const namespace of ["sc", "lw"])
    usr(["namespace", "register", namespace, "--columns", `${namespace}__score:float64`]);
  usr(["namespace", "register", "emb", "--columns", "emb__vec:list<float64>"]);
  await importCsv();
  if (!large) {
    await field(
      "import csv",
      "pyarrow",
      () => bench.inField("pyarrow-import", at("base.csv"), at("field.parquet")),
      (run) => assert.equal(run.stdout, `${count}\n`),
    );
    writeLines(
      at("base.jsonl"),
      "",
      texts((text) => `{"sequence":"${text}"}\n`),
    );
    await timed("import jsonl", () => usr(importArgs("jsonl", "base.jsonl")), {
      ...long,
      before: fresh("jsonl"),
      check: imported,
    });
    drop("jsonl");
    rmSync(at("base.jsonl"));
    await timeAppends({ bench, count, long, appends: APPENDS, ...rows });
  }
  writeLines(
    at("scores.csv"),
    "id,score\n",
    lines(count, (row) => `${ids.at(row)},${score(row, 0)}\n`),
  );
  const attached = (file, o = {}) => ({
    ...long,
    ...o,
    before: () => copy("main", "trial"),
    check: matched,
    run: () => usr(attachArgs("trial", at(file), "sc")),
  });
  const attaches = [["attach float64 from csv", "scores.csv"]];
  if (!large) {
    const order = permutation(count);
    writeLines(
      at("shuffled.csv"),
      "id,score\n",
      lines(count, (i) => `${ids.at(order[i])},${score(order[i], 0)}\n`),
    );
    await writeTable(at("scores.parquet"), writeParquet, ids.bytes, count, [["score", FLOAT]], (rows) => [
      scoreColumn(rows, 0),
    ]);
    attaches.push(["attach float64 from csv, shuffled", "shuffled.csv"]);
    attaches.push(["attach float64 from parquet", "scores.parquet"]);
  }
  for (const [name, file] of attaches) {
    const { run, ...o } = attached(file);
    await timed(name, run, o);
  }
  drop("trial");
  matched(usr(attachArgs("main", at("scores.csv"), "sc")));
  if (!large) await small();
  await timed("head -n 10, 1 part", () => usr(["head", "main", "--json", ...columns("id", "sc__score")]), {
    ...cheap,
    check: (run) =>
      assert.deepEqual(
        rowsIn(run),
        Array.from({ length: 10 }, (_, row) => view(row, { sc: 0 })),
      ),
  });
  await timed("validate --strict", () => usr(["validate", "main", "--strict", "--json"]), { ...long, check: sound });
  await timed("export csv, 1 part", () => usr(exported("main", "view.csv")), { ...long, check: wrote });
  await sameScores(at("view.csv"), { sc__score: 0 });
  await timed("export parquet, 1 part", () => usr(exported("main", "view.parquet")), { ...long, check: wrote });
  const materialize = (dataset) => () => usr(["materialize", dataset, "--yes", "--json"]);
  await inTurns(
    [
      {
        name: "materialize one float64 column",
        run: materialize("trial"),
        before: () => copy("main", "trial"),
        check: wrote,
      },
      {
        name: "copy the base file and encode that column",
        run: () => node("floor.mjs", join(root, "main/records.parquet"), count, at("floor.parquet")),
        before: () => rmSync(at("floor.parquet"), { force: true }),
        check: () => {},
      },
    ],
    { ...long, repeat: large ? 1 : 5 },
  );
  await sameView("trial", { sc__score: 0 });
  drop("trial");
  await timed(
    "dedupe --key id --dry-run",
    () => usr(["maintenance", "dedupe", "main", "--key", "id", "--dry-run", "--json"]),
    { ...long, check: (run) => assert.deepEqual([data(run).rows_total, data(run).rows_dropped], [count, 0]) },
  );
  const suite = { bench, count, ids, long, columns, materialize, importArgs, fresh, wrote, sameView, sameRows };
  await timeStrangePart(suite);
  if (large) return;
  await timeDoubles(suite);
  await timeMerge(suite);
  await timeStart(bench, "main");
  await vectors();
  await twentyParts();

  /** A batch of a hundred rows, as they come from a GPU, and single rows again. */
  async function small() {
    const some = permutation(count).subarray(0, 100);
    writeLines(
      at("hundred.csv"),
      "id,score\n",
      Array.from(some, (row) => `${ids.at(row)},${score(row, 7)}\n`),
    );
    await timed("attach 100 rows", () => usr(attachArgs("trial", at("hundred.csv"), "lw")), {
      ...cheap,
      before: () => copy("main", "trial"),
      check: (run) => assert.equal(data(run).rows_matched, 100),
    });
    assert.deepEqual(
      rowsIn(usr(["get", "trial", ids.at(some[50]), "--json", ...columns("id", "lw__score", "sc__score")])),
      [view(some[50], { lw: 7, sc: 0 })],
    );
    drop("trial");
  }

  async function vectors() {
    await writeTable(at("vectors.parquet"), writeParquet, ids.bytes, count, [["vec", LIST]], (rows) => [
      vectorColumn(rows, WIDTH),
    ]);
    await timed(
      "attach list<float64> of 64 from parquet",
      () => usr(attachArgs("vectors", at("vectors.parquet"), "emb")),
      { ...long, before: () => copy("main", "vectors"), check: matched },
    );
    rmSync(at("vectors.parquet"));
    const some = [0, 1, Math.floor(count / 2), count - 2, count - 1];
    const same = () =>
      assert.deepEqual(
        rowsIn(usr(["get", "vectors", ...some.map(ids.at), "--json", ...columns("id", "emb__vec")])),
        some.map((row) => ({
          id: ids.at(row),
          emb__vec: Array.from({ length: WIDTH }, (_, i) => component(row, i, WIDTH)),
        })),
      );
    same();
    await timed("materialize, 1 float64 and the vectors", materialize("vectors"), {
      ...long,
      repeat: 1,
      check: wrote,
    });
    same();
    drop("vectors");
  }

  async function twentyParts() {
    const written = (order) => {
      copy("main", order);
      const job = { root, dataset: order, namespace: "lw", ids: at("ids"), parts: PARTS, rows: count, order };
      return node("write-parts.mjs", JSON.stringify(job));
    };
    await timed("write 20 parts, by the library", () => written("base"), {
      repeat: 1,
      rows: count * PARTS,
      check: () => assert.equal(parts("base", "lw").length, PARTS),
    });
    const total = { seconds: 0, cpu: 0, megabytes: 0 };
    copy("main", "commands");
    for (let version = 1; version <= PARTS; version++) {
      await writeTable(at("part.parquet"), writeParquet, ids.bytes, count, [["score", FLOAT]], (rows) => [
        scoreColumn(rows, version),
      ]);
      const run = usr(attachArgs("commands", at("part.parquet"), "lw", ...(version === 1 ? [] : ["--overwrite"])));
      matched(run);
      total.seconds += run.seconds;
      total.cpu += run.cpu;
      total.megabytes = Math.max(total.megabytes, run.megabytes);
    }
    note({ name: "write 20 parts, by commands from parquet", rows: count * PARTS, runs: 1, ...total });
    drop("commands");
    const newest = { lw: PARTS, sc: 0 };
    const names = columns("id", "lw__score", "sc__score");
    await timed("head -n 10, 20 parts", () => usr(["head", "base", "--json", ...names]), {
      ...cheap,
      check: (run) =>
        assert.deepEqual(
          rowsIn(run),
          Array.from({ length: 10 }, (_, row) => view(row, newest)),
        ),
    });
    const wanted = count - 3;
    await timed("get one id, 20 parts", () => usr(["get", "base", ids.at(wanted), "--json", ...names]), {
      ...cheap,
      check: (run) => assert.deepEqual(rowsIn(run), [view(wanted, newest)]),
    });
    await timed("validate --strict, 20 parts", () => usr(["validate", "base", "--strict", "--json"]), {
      ...long,
      repeat: 1,
      check: sound,
    });
    await timed("scan, 20 parts", () => usr(["scan", "base", "--json", ...names], { to: at("rows.jsonl") }), {
      ...long,
      check: () => {},
    });
    await sameRows(at("rows.jsonl"), newest);
    await timed("export parquet, 20 parts", () => usr(exported("base", "view.parquet")), { ...long, check: wrote });
    await timed(
      "overlay-compact, 20 parts",
      () => usr(["maintenance", "overlay-compact", "trial", "--namespace", "lw", "--json"]),
      {
        ...long,
        repeat: 1,
        before: () => copy("base", "trial"),
        check: (run) => assert.deepEqual([data(run).parts_in, data(run).rows], [PARTS, count]),
      },
    );
    await sameView("trial", { lw__score: PARTS, sc__score: 0 });
    drop("trial");
    for (const order of ["base", "shuffled"]) {
      if (order === "shuffled") written(order);
      const name = order === "base" ? "materialize, 20 parts" : "materialize, 20 shuffled parts";
      await timed(name, materialize("trial"), { ...long, before: () => copy(order, "trial"), check: wrote });
      await sameView("trial", { lw__score: PARTS, sc__score: 0 });
      await field(
        name,
        "DuckDB, 2 threads",
        () =>
          bench.inField(
            "duckdb-merge",
            join(root, order, "records.parquet"),
            join(root, order, "_derived/lw/*.parquet"),
            at("field.parquet"),
          ),
        (run) => assert.equal(run.stdout, `${count}\n`),
      );
      drop("trial");
    }
    sound(usr(["validate", "shuffled", "--strict", "--json"]));
  }

  /** Every row of the merged view against the numbers that were attached. */
  async function sameView(dataset, versions) {
    wrote(usr([...exported(dataset, "view.csv"), ...columns("id", ...Object.keys(versions))]));
    await sameScores(at("view.csv"), versions);
  }

  async function sameScores(path, versions) {
    let row = -1;
    let places;
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const cells = line.split(",");
      if (row === -1) places = Object.entries(versions).map(([name, version]) => [cells.indexOf(name), version]);
      else {
        assert.equal(cells[0], ids.at(row));
        for (const [place, version] of places) assert.equal(Number(cells[place]), score(row, version), `row ${row}`);
      }
      row++;
    }
    assert.equal(row, count);
    rmSync(path);
  }

  async function sameRows(path, versions) {
    let row = 0;
    for await (const line of createInterface({ input: createReadStream(path) })) {
      assert.deepEqual(JSON.parse(line), view(row, versions));
      row++;
    }
    assert.equal(row, count);
    rmSync(path);
  }
};

/** By how much this machine is faster than that of the Python figures: the same write of the base table, seconds there and here. */
export const calibration = (bench) => {
  if (process.env.USR_ORACLE_PYTHON === undefined) return undefined;
  const run = bench.inField("pyarrow-write", join(bench.root, "main/records.parquet"), bench.at("field.parquet"));
  return { there: 0.82, here: Number(run.stdout), versions: bench.inField("versions").stdout.trim() };
};
