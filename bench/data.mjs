// The rows of a benchmark: random DNA of 60 to 200 bases and numbers about them, the same for the same seed on every machine.
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";

/** The random bits after `seed` (xorshift32). */
const after = (seed) => {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  return seed ^ (seed << 5);
};

/** 32 random bits at a time. */
const bits = (seed) => () => {
  seed = after(seed);
  return seed >>> 0;
};

const BASES = Buffer.from("ACGT");

/** `count` sequences, all different but for the chance of 4^-60. */
export function* sequences(count, seed = 20261121) {
  const next = bits(seed);
  const bytes = Buffer.alloc(208);
  for (let row = 0; row < count; row++) {
    const length = 60 + (next() % 141);
    for (let at = 0; at < length; at += 16) {
      let word = next();
      for (let i = 0; i < 16; i++, word >>>= 2) bytes[at + i] = BASES[word & 3];
    }
    yield bytes.latin1Slice(0, length);
  }
}

const ID = 40;

/** The ids of `count` sequences: 40 letters a row, one after the other. */
export const idsOf = (count) => {
  const all = Buffer.alloc(count * ID);
  let row = 0;
  for (const sequence of sequences(count))
    all.latin1Write(createHash("sha1").update(`dna|${sequence}`).digest("hex"), row++ * ID);
  return { length: count, bytes: all, at: (i) => all.latin1Slice(i * ID, (i + 1) * ID) };
};

/** Every number below `count` once, shuffled. */
export const permutation = (count, seed = 5) => {
  const next = bits(seed);
  const rows = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = next() % (i + 1);
    const row = rows[i];
    rows[i] = rows[other];
    rows[other] = row;
  }
  return rows;
};

/** The number that row `row` has in its `version`-th writing: any double, exactly the same each time it is asked for. */
export const score = (row, version) => {
  const high = after(after((Math.imul(row + 1, 0x9e3779b1) ^ Math.imul(version + 1, 0x85ebca6b)) | 1));
  return (high >>> 0) / 2 ** 32 + (after(high) >>> 0) / 2 ** 64;
};

const mixed = (x) => {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
};

/** Component `at` of the vector of row `row`: as incompressible as an embedding. */
export const component = (row, at, width) => mixed(row * width + at) / 2 ** 32 + mixed(~(row * width + at)) / 2 ** 64;

/** Writes lines in large pieces, under a header. */
export const writeLines = (path, header, lines) => {
  const file = openSync(path, "w");
  let text = header;
  for (const line of lines) {
    text += line;
    if (text.length < 1 << 22) continue;
    writeSync(file, text, null, "latin1");
    text = "";
  }
  writeSync(file, text, null, "latin1");
  closeSync(file);
};

/** A line for each of `count` rows. */
export function* lines(count, line) {
  for (let row = 0; row < count; row++) yield line(row);
}
