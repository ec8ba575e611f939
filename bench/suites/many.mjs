// A scoring loop that wrote a part after every batch: a thousand parts of 155 rows that lie anywhere, 20 columns each.
import assert from "node:assert/strict";
import { createReadStream, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { idsOf, permutation, score, sequences, writeLines } from "../data.mjs";
import { DNA, data, rowsIn, sound } from "../harness.mjs";

const ROWS = 155;
const COLUMNS = 20;
const GROUP = 64;

export const manySuite = async (bench, count, batches) => {
  const { at, usr, node, timed, root, copy, drop, parts } = bench;
  const ids = idsOf(count);
  writeFileSync(at("ids"), ids.bytes);
  function* texts() {
    for (const text of sequences(count)) yield `${text}\n`;
  }
  writeLines(at("base.csv"), "sequence\n", texts());
  const names = Array.from({ length: COLUMNS }, (_, i) => `sc__c${i}`);
  usr(["namespace", "register", "sc", "--columns", names.map((name) => `${name}:float64`).join(",")]);
  usr(["init", "main"]);
  usr(["import", "main", "--path", at("base.csv"), ...DNA]);
  // Each part that is written looks at all that are there; to keep this short the parts come from copies of the dataset, and are united as
  // a pull would.
  const job = { root, namespace: "sc", ids: at("ids"), rows: ROWS, columns: COLUMNS, order: "batches" };
  for (let first = 1; first <= batches; first += GROUP) {
    const size = Math.min(GROUP, batches - first + 1);
    const dataset = `group${first}`;
    copy("main", dataset);
    const write = () => node("write-parts.mjs", JSON.stringify({ ...job, dataset, first, parts: size }));
    if (first > 1) write();
    else
      await timed(`write ${size} parts, by the library`, write, {
        repeat: 1,
        rows: size * ROWS,
        check: () => assert.equal(parts(dataset, "sc").length, size),
      });
  }
  mkdirSync(join(root, "main/_derived/sc"), { recursive: true });
  for (let first = 1; first <= batches; first += GROUP) {
    for (const path of parts(`group${first}`, "sc")) renameSync(path, join(root, "main/_derived/sc", basename(path)));
    drop(`group${first}`);
  }
  assert.equal(parts("main", "sc").length, batches);

  /** The part whose value each row has: the last one that named it; 0 = none. */
  const newest = new Uint32Array(count);
  const order = permutation(count);
  for (let part = 1; part <= batches; part++) {
    const start = ((part - 1) * ROWS) % (count - ROWS + 1);
    for (const row of order.subarray(start, start + ROWS)) newest[row] = part;
  }
  const value = (row, column) => (newest[row] === 0 ? null : score(row, newest[row] * COLUMNS + column));
  const asked = ["--columns", ["id", ...names].join(",")];
  const whole = (row) => ({
    id: ids.at(row),
    ...Object.fromEntries(names.map((name, column) => [name, value(row, column)])),
  });
  await timed(`head -n 10, ${batches} parts`, () => usr(["head", "main", "--json", ...asked]), {
    repeat: 5,
    check: (run) =>
      assert.deepEqual(
        rowsIn(run),
        Array.from({ length: 10 }, (_, row) => whole(row)),
      ),
  });
  const wanted = order[7];
  await timed(`get one id, ${batches} parts`, () => usr(["get", "main", ids.at(wanted), "--json", ...asked]), {
    repeat: 5,
    check: (run) => assert.deepEqual(rowsIn(run), [whole(wanted)]),
  });
  await timed(`scan, ${batches} parts`, () => usr(["scan", "main", "--json", ...asked], { to: at("rows.jsonl") }), {
    rows: count,
    check: () => {},
  });
  await same(at("rows.jsonl"));
  await timed(
    `compact, ${batches} parts`,
    () => usr(["maintenance", "overlay-compact", "trial", "--namespace", "sc", "--json"]),
    {
      rows: batches * ROWS,
      before: () => copy("main", "trial"),
      check: (run) => assert.equal(data(run).parts_in, batches),
    },
  );
  usr(["scan", "trial", "--json", ...asked], { to: at("rows.jsonl") });
  await same(at("rows.jsonl"));
  sound(usr(["validate", "trial", "--strict", "--json"]));

  async function same(path) {
    let row = 0;
    for await (const line of createInterface({ input: createReadStream(path) })) {
      assert.deepEqual(JSON.parse(line), whole(row));
      row++;
    }
    assert.equal(row, count);
    rmSync(path);
  }
};
