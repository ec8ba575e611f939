// Columns in memory, as a program that computes them would hand them over, and Parquet files of them.
import { closeSync, openSync, writeSync } from "node:fs";
import { component, score } from "./data.mjs";

export const STRING = { kind: "string" };
export const FLOAT = { kind: "float64" };
export const LIST = { kind: "list", item: FLOAT };

/** The ids of `rows` (numbers of rows), as a column over `bytes` of 40 letters a row. */
export const idColumn = (bytes, rows) => {
  const offsets = new Int32Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) offsets[i + 1] = (i + 1) * 40;
  const [first, last] = [rows[0], rows[rows.length - 1]];
  let data = bytes.subarray(first * 40, (last + 1) * 40);
  if (rows.some((row, i) => row !== first + i)) {
    data = new Uint8Array(rows.length * 40);
    for (let i = 0; i < rows.length; i++) data.set(bytes.subarray(rows[i] * 40, rows[i] * 40 + 40), i * 40);
  }
  return { type: STRING, length: rows.length, layout: "utf8", offsets, data };
};

const floats = (values) => ({ type: FLOAT, length: values.length, layout: "fixed", values });

export const scoreColumn = (rows, version) => {
  const values = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) values[i] = score(rows[i], version);
  return floats(values);
};

export const vectorColumn = (rows, width) => {
  const values = new Float64Array(rows.length * width);
  let at = 0;
  for (const row of rows) for (let i = 0; i < width; i++) values[at++] = component(row, i, width);
  const offsets = Int32Array.from({ length: rows.length + 1 }, (_, i) => i * width);
  return { type: LIST, length: rows.length, layout: "list", offsets, child: floats(values) };
};

/** The row numbers of `order` (all up to `count` where it is not given), at most `size` at a time. */
export function* pieces(count, size, order) {
  for (let start = 0; start < count; start += size) {
    const length = Math.min(size, count - start);
    yield order?.subarray(start, start + length) ?? new Uint32Array(length).map((_, i) => start + i);
  }
}

/** A Parquet file of `id` and other columns, written by the package under test. `columns` makes those of some rows. */
export const writeTable = async (path, writeParquet, bytes, count, fields, columns, o = {}) => {
  const schema = {
    fields: [["id", STRING], ...fields].map(([name, type]) => ({ name, type, nullable: true })),
    metadata: o.metadata ?? new Map(),
  };
  function* groups() {
    for (const rows of pieces(count, o.groupRows ?? 16_384, o.order))
      yield { numRows: rows.length, columns: [idColumn(bytes, rows), ...columns(rows)] };
  }
  const file = openSync(path, "w");
  for await (const chunk of writeParquet(schema, groups())) writeSync(file, chunk);
  closeSync(file);
};
