// The same rows in a hundred appends: a command for each, a write session that commits each, and one that commits many at once; and one row more.
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sequences } from "../data.mjs";
import { data, sound } from "../harness.mjs";

export const timeAppends = async ({
  bench,
  count,
  long,
  columns,
  importArgs,
  exported,
  fresh,
  imported,
  wrote,
  appends,
}) => {
  const { at, usr, node, timed, inTurns, copy, drop, note, root } = bench;
  const size = Math.ceil(count / appends);
  const inputs = sequences(count);
  const total = { seconds: 0, cpu: 0, megabytes: 0 };
  const floor = { seconds: 0, cpu: 0, megabytes: 0 };
  const add = (sum, run) => {
    sum.seconds += run.seconds;
    sum.cpu += run.cpu;
    sum.megabytes = Math.max(sum.megabytes, run.megabytes);
  };
  fresh("hundred")();
  for (let added = 0; added < count; ) {
    const some = Array.from({ length: Math.min(size, count - added) }, () => inputs.next().value);
    writeFileSync(at("some.csv"), `sequence\n${some.join("\n")}\n`);
    const run = usr(importArgs("hundred", "some.csv"));
    assert.equal(data(run).rows_added, some.length);
    added += some.length;
    add(total, run);
    // In turns, so that both meet the same disk.
    add(floor, node("copy-floor.mjs", join(root, "hundred/records.parquet"), at("copied.parquet")));
  }
  rmSync(at("copied.parquet"));
  sound(usr(["validate", "hundred", "--strict", "--json"]));
  sameRecords("hundred");
  note({ name: "import the same rows in 100 appends", rows: count, runs: 1, ...total });
  note({ name: "start node and copy the base as often", rows: count, runs: 1, ...floor });
  drop("hundred");
  const job = { root, dataset: "session", input: at("base.csv"), rows: size };
  const before = fresh("session");
  await inTurns(
    [
      {
        name: "import csv, in turns with these",
        run: () => usr(importArgs("session", "base.csv")),
        before,
        check: imported,
      },
      {
        name: "100 appends through a write session, each durable before the next",
        run: () => usr([...importArgs("session", "base.csv"), "--flush-rows", String(size)]),
        before,
        check: (run) => {
          imported(run);
          assert.equal(data(run).flushes, Math.ceil(count / size));
          sameRecords("session");
        },
      },
      {
        name: "100 appends through a write session, group commit",
        run: () => node("write-session.mjs", JSON.stringify(job)),
        before,
        check: (run) => {
          imported(run);
          assert.equal(data(run).writes, Math.ceil(count / size));
          sameRecords("session");
        },
      },
    ],
    long,
  );
  drop("session");
  copy("main", "trial");
  let expected = count;
  await timed("append one row", () => usr(importArgs("trial", "one.csv")), {
    repeat: 5,
    before: (i) => writeFileSync(at("one.csv"), `sequence\n${"ACGT".repeat(20 + i)}\n`),
    check: (run) => {
      assert.equal(data(run).rows_added, 1);
      expected++;
    },
  });
  assert.equal(data(usr(["info", "trial", "--json"])).rows, expected);

  /** The base of a dataset against that of one import of all rows. */
  function sameRecords(dataset) {
    for (const name of ["main", dataset])
      wrote(usr([...exported(name, `${name}.csv`), ...columns("id", "sequence", "length")]));
    assert(readFileSync(at("main.csv")).equals(readFileSync(at(`${dataset}.csv`))));
    rmSync(at("main.csv"));
    rmSync(at(`${dataset}.csv`));
  }
};
