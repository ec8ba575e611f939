// One process that writes sequences through a write session of the library with its own settings, some rows with each write, as a generator would.
// node bench/write-session.mjs '{"root", "dataset", "input": csv, "rows" a write}'
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { openSession } from "../packages/dataset/dist/session/index.js";
import { openTable } from "../packages/formats/dist/index.js";
import { STRING } from "./columns.mjs";
import { libraryRoot } from "./library-root.mjs";

const job = JSON.parse(process.argv[2]);
const root = libraryRoot(job.root);
const stream = createReadStream(job.input, { highWaterMark: 1 << 20 });
const table = await openTable({ stream }, { format: "csv", name: job.input, limits: { batchRows: job.rows } });
const session = openSession(root, job.dataset, { path: job.input, bioType: "dna", alphabet: "dna_4" });
let writes = 0;
for await (const { numRows, columns } of table.batches(() => STRING)) {
  assert(numRows <= job.rows);
  await session.write({ numRows, columns });
  writes++;
}
const { rows_added, flushes } = await session.close();
console.log(JSON.stringify({ data: { rows_added, flushes, writes } }));
