// One process that writes parts through the library, as a scoring loop would: columns in memory, a part for each batch.
// node bench/write-parts.mjs '{"root", "dataset", "namespace", "ids", "first", "parts", "rows" a part, "columns", "order": "base" | "shuffled" | "batches"}'
// "batches": each part takes the next rows of one shuffled list, so that no row comes twice before all have come.
import { readFileSync } from "node:fs";
import { attach } from "../packages/dataset/dist/write/index.js";
import { FLOAT, idColumn, pieces, STRING, scoreColumn } from "./columns.mjs";
import { permutation } from "./data.mjs";
import { libraryRoot } from "./library-root.mjs";

const job = JSON.parse(process.argv[2]);
const bytes = readFileSync(job.ids);
const count = bytes.length / 40;
const names = Array.from({ length: job.columns ?? 1 }, (_, i) => (job.columns === undefined ? "score" : `c${i}`));
const root = libraryRoot(job.root);
const shuffled = job.order === "base" ? undefined : permutation(count);

const first = job.first ?? 1;
for (let part = first; part < first + job.parts; part++) {
  const start = job.order === "batches" ? ((part - 1) * job.rows) % (count - job.rows + 1) : 0;
  const order = shuffled?.subarray(start, start + job.rows);
  let firstRow = 1;
  async function* batches(resolve) {
    resolve("id", STRING);
    for (const name of names) resolve(name, FLOAT);
    for (const rows of pieces(job.rows, 16_384, order)) {
      const values = names.map((name, i) => [name, scoreColumn(rows, part * names.length + i)]);
      yield { firstRow, numRows: rows.length, columns: new Map([["id", idColumn(bytes, rows)], ...values]) };
      firstRow += rows.length;
    }
  }
  const columns = [{ name: "id", type: STRING }, ...names.map((name) => ({ name, type: FLOAT }))];
  const { rows_matched } = await attach(
    root,
    job.dataset,
    { columns, batches },
    { path: "memory", namespace: job.namespace, key: "id", overwrite: part > first, action: "write_overlay_part" },
  );
  if (rows_matched !== job.rows) throw new Error(`part ${part}: ${rows_matched} of ${job.rows} rows matched`);
}
