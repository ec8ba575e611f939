// Embeddings: one vector of 4096 numbers a row, 5 GB of them.
import assert from "node:assert/strict";
import { createReadStream, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { writeParquet } from "../../packages/parquet/dist/index.js";
import { LIST, vectorColumn, writeTable } from "../columns.mjs";
import { component, idsOf, sequences, writeLines } from "../data.mjs";
import { attachArgs, DNA, data, rowsIn } from "../harness.mjs";

const WIDTH = 4096;

export const wideSuite = async (bench, count) => {
  const { at, usr, timed } = bench;
  const ids = idsOf(count);
  writeFileSync(at("ids"), ids.bytes);
  function* texts() {
    for (const text of sequences(count)) yield `${text}\n`;
  }
  writeLines(at("base.csv"), "sequence\n", texts());
  usr(["namespace", "register", "emb", "--columns", "emb__vec:list<float64>"]);
  usr(["init", "main"]);
  usr(["import", "main", "--path", at("base.csv"), ...DNA]);
  await writeTable(
    at("vectors.parquet"),
    writeParquet,
    ids.bytes,
    count,
    [["vec", LIST]],
    (rows) => [vectorColumn(rows, WIDTH)],
    { groupRows: 1024 },
  );
  const bytes = count * WIDTH * 8;
  const once = { repeat: 1, rows: count };
  const names = ["--columns", "id,emb__vec"];
  const wanted = [0, 1, Math.floor(count / 2), count - 1];
  const whole = (row) => ({
    id: ids.at(row),
    emb__vec: Array.from({ length: WIDTH }, (_, i) => component(row, i, WIDTH)),
  });
  const same = () =>
    assert.deepEqual(rowsIn(usr(["get", "main", ...wanted.map(ids.at), "--json", ...names])), wanted.map(whole));
  await timed(`attach list<float64> of ${WIDTH}`, () => usr(attachArgs("main", at("vectors.parquet"), "emb")), {
    ...once,
    check: (run) => assert.equal(data(run).rows_matched, count),
  });
  rmSync(at("vectors.parquet"));
  same();
  await timed(`head -n 10, vectors of ${WIDTH}`, () => usr(["head", "main", "--json", ...names]), {
    repeat: 5,
    check: (run) =>
      assert.deepEqual(
        rowsIn(run),
        Array.from({ length: 10 }, (_, row) => whole(row)),
      ),
  });
  await timed(
    `scan (export parquet), vectors of ${WIDTH}`,
    () => usr(["export", "main", "--out", at("view.parquet"), "--json"]),
    { ...once, check: (run) => assert.equal(data(run).rows, count) },
  );
  rmSync(at("view.parquet"));
  await timed(`materialize, vectors of ${WIDTH}`, () => usr(["materialize", "main", "--drop", "--yes", "--json"]), {
    ...once,
    check: (run) => assert.equal(data(run).rows, count),
  });
  same();
  usr(["export", "main", "--out", at("ids.csv"), "--columns", "id"]);
  let row = -1;
  for await (const line of createInterface({ input: createReadStream(at("ids.csv")) })) {
    if (row >= 0) assert.equal(line, ids.at(row));
    row++;
  }
  assert.equal(row, count);
  return { bytes };
};
