// What is done now and then: reading a part of another program, taking doubles out, uniting datasets.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { lines, permutation, sequences, writeLines } from "../data.mjs";
import { data, sound } from "../harness.mjs";
import { writeStrangePart } from "../strange-part.mjs";

/** Beside the part in base order one as other programs write it, in no order. */
export const timeStrangePart = async ({ bench, count, ids, long, columns, materialize, wrote, sameView, sameRows }) => {
  const { at, usr, timed, copy, drop, root } = bench;
  copy("main", "strange");
  const { registry_hash: registryHash } = data(usr(["info", "strange", "--json"]));
  await writeStrangePart(join(root, "strange"), "lw", { registryHash, ids, order: permutation(count), version: 1 });
  const versions = { lw: 1, sc: 0 };
  await timed(
    "validate --strict, 1 part in base order and 1 in none",
    () => usr(["validate", "strange", "--strict", "--json"]),
    {
      ...long,
      repeat: 1,
      check: sound,
    },
  );
  const names = columns("id", "lw__score", "sc__score");
  await timed(
    "scan, 1 part in base order and 1 in none",
    () => usr(["scan", "strange", "--json", ...names], { to: at("rows.jsonl") }),
    { ...long, repeat: 1, check: () => {} },
  );
  await sameRows(at("rows.jsonl"), versions);
  await timed("materialize, 1 part in base order and 1 in none", materialize("strange"), {
    ...long,
    repeat: 1,
    check: wrote,
  });
  await sameView("strange", { lw__score: 1, sc__score: 0 });
  drop("strange");
};

/** A hundredth of the sequences again, as the other strand. */
export const timeDoubles = async ({ bench, count, long, importArgs, sameView }) => {
  const { at, usr, timed, copy, drop } = bench;
  copy("main", "trial");
  const twins = Math.floor(count / 100);
  const other = { A: "T", C: "G", G: "C", T: "A" };
  const strands = sequences(twins);
  writeLines(
    at("strands.csv"),
    "sequence\n",
    lines(
      twins,
      () =>
        `${Array.from(strands.next().value, (base) => other[base])
          .reverse()
          .join("")}\n`,
    ),
  );
  assert.equal(data(usr(importArgs("trial", "strands.csv"))).rows_added, twins);
  await timed(
    "dedupe --key sequence_canonical, 1% doubles",
    () => usr(["maintenance", "dedupe", "trial", "--key", "sequence_canonical", "--yes", "--json"]),
    { ...long, repeat: 1, check: (run) => assert.equal(data(run).rows_dropped, twins) },
  );
  await sameView("trial", { sc__score: 0 });
  drop("trial");
};

/** As many other sequences, into the same dataset. */
export const timeMerge = async ({ bench, count, long, importArgs, fresh }) => {
  const { at, usr, timed, copy, drop } = bench;
  const others = sequences(count, 99);
  writeLines(
    at("others.csv"),
    "sequence\n",
    lines(count, () => `${others.next().value}\n`),
  );
  fresh("others")();
  assert.equal(data(usr(importArgs("others", "others.csv"))).rows_added, count);
  rmSync(at("others.csv"));
  await timed(
    "merge as many rows",
    () =>
      usr(["maintenance", "merge", "--dest", "trial", "--src", "others", "--require-same-columns", "--yes", "--json"]),
    {
      ...long,
      repeat: 1,
      before: () => copy("main", "trial"),
      check: (run) => assert.deepEqual([data(run).rows_added, data(run).rows_after], [count, 2 * count]),
    },
  );
  drop("others");
  sound(usr(["validate", "trial", "--strict", "--json"]));
  drop("trial");
};
