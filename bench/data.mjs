// The rows of a benchmark: random DNA of 60 to 200 bases and numbers about them, the same for the same seed on every machine.
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";

/** 32 random bits at a time (xorshift32). */
const bits = (seed) => () => {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed >>> 0;
};

const BASES = Buffer.from("ACGT");

/** `count` sequences, all different but for the chance of 4^-60, and their ids. */
export const sequences = (count, seed = 20261121) => {
  const next = bits(seed);
  const all = [];
  const bytes = Buffer.alloc(208);
  for (let row = 0; row < count; row++) {
    const length = 60 + (next() % 141);
    for (let at = 0; at < length; at += 16) {
      let word = next();
      for (let i = 0; i < 16; i++, word >>>= 2) bytes[at + i] = BASES[word & 3];
    }
    all.push(bytes.latin1Slice(0, length));
  }
  return all;
};

export const idsOf = (all) => all.map((sequence) => createHash("sha1").update(`dna|${sequence}`).digest("hex"));

/** The number that `namespace` gives row `row` in its `version`-th writing: any double, exactly the same each time it is asked for. */
export const score = (row, version) => {
  const next = bits((Math.imul(row + 1, 0x9e3779b1) ^ Math.imul(version + 1, 0x85ebca6b)) | 1);
  next();
  return next() / 2 ** 32 + next() / 2 ** 64;
};

/** Writes lines in large pieces. `line` of each row, under a header. */
export const writeLines = (path, header, count, line) => {
  const file = openSync(path, "w");
  let text = header;
  for (let row = 0; row < count; row++) {
    text += line(row);
    if (text.length < 1 << 22) continue;
    writeSync(file, text, null, "latin1");
    text = "";
  }
  writeSync(file, text, null, "latin1");
  closeSync(file);
};

export const VECTOR = 64;

/** One Parquet file of `id` and a vector column, written by the packages under test, in row groups of 16,384. */
export const writeVectors = async (path, ids, { writeParquet, columnOf }) => {
  const STRING = { kind: "string" };
  const FLOAT = { kind: "float64" };
  const LIST = { kind: "list", item: FLOAT };
  const schema = {
    fields: [
      { name: "id", type: STRING, nullable: true },
      { name: "vec", type: LIST, nullable: true },
    ],
    metadata: new Map(),
  };
  function* groups() {
    for (let start = 0; start < ids.length; start += 16_384) {
      const rows = Math.min(16_384, ids.length - start);
      const values = new Float64Array(rows * VECTOR);
      for (let i = 0; i < values.length; i++) values[i] = component(start + Math.floor(i / VECTOR), i % VECTOR);
      const offsets = Int32Array.from({ length: rows + 1 }, (_, i) => i * VECTOR);
      const child = { type: FLOAT, length: values.length, layout: "fixed", values };
      yield {
        numRows: rows,
        columns: [
          columnOf(STRING, ids.slice(start, start + rows)),
          { type: LIST, length: rows, layout: "list", offsets, child },
        ],
      };
    }
  }
  const file = openSync(path, "w");
  for await (const bytes of writeParquet(schema, groups())) writeSync(file, bytes);
  closeSync(file);
};

const mixed = (x) => {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
};

/** Component `at` of the vector of row `row`: as incompressible as an embedding. */
export const component = (row, at) => mixed(row * VECTOR + at) / 2 ** 32 + mixed(~(row * VECTOR + at)) / 2 ** 64;
