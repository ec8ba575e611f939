// What materializing one float column cannot do without: a copy of the base file, flushed, and the column encoded.
// node bench/floor.mjs BASE ROWS OUT
import { closeSync, copyFileSync, fsyncSync, openSync, writeSync } from "node:fs";
import { writeParquet } from "../packages/parquet/dist/index.js";
import { FLOAT, pieces, scoreColumn } from "./columns.mjs";

const [base, count, out] = process.argv.slice(2);
copyFileSync(base, out);
const file = openSync(out, "a");
function* groups() {
  for (const rows of pieces(Number(count), 65_536)) yield { numRows: rows.length, columns: [scoreColumn(rows, 0)] };
}
const schema = { fields: [{ name: "score", type: FLOAT, nullable: true }], metadata: new Map() };
for await (const bytes of writeParquet(schema, groups())) writeSync(file, bytes);
fsyncSync(file);
closeSync(file);
