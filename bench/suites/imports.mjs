// What suites share that begin with rows from a csv: arguments of commands, checks of their results, and that first import.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { sequences, writeLines } from "../data.mjs";
import { DNA, data } from "../harness.mjs";

/** For `count` sequences; `long` = options of `timed` for what takes long. */
export const importing = ({ at, usr, root, timed }, count, long) => {
  const columns = (...names) => ["--columns", names.join(",")];
  const imported = (run) => assert.equal(data(run).rows_added, count);
  const wrote = (run) => assert.equal(data(run).rows, count);
  const importArgs = (dataset, file) => ["import", dataset, "--path", at(file), ...DNA, "--json"];
  const exported = (dataset, name) => ["export", dataset, "--out", at(name), "--json"];
  const fresh = (dataset) => () => {
    rmSync(join(root, dataset), { recursive: true, force: true });
    usr(["init", dataset]);
  };
  /** base.csv, and the dataset `main` made of it. */
  const importCsv = async () => {
    writeLines(
      at("base.csv"),
      "sequence\n",
      texts((text) => `${text}\n`),
    );
    await timed("import csv", () => usr(importArgs("main", "base.csv")), {
      ...long,
      before: fresh("main"),
      check: imported,
    });
  };
  function* texts(line) {
    for (const sequence of sequences(count)) yield line(sequence);
  }
  return { columns, imported, wrote, importArgs, exported, fresh, importCsv, texts };
};
