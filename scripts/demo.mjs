// The main job on real sequences, through the built command line: `npm run demo`.
// Everything the program answers is compared with what this script computes on its own; any difference ends it with exit 1.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const repository = fileURLToPath(new URL("..", import.meta.url));
const bin = join(repository, "apps/cli/bin/usr.js");
const genomeFile = join(repository, "packages/testkit/fixtures/sequences/lambda_virus.fa.gz");
const root = join(repository, "demo-root");
const files = join(root, "files");

const started = performance.now();
const at = (name) => join(files, name);
const say = (text) => process.stdout.write(`${text}\n`);

/** Runs one command to its end. The exit code must be the expected one. */
const usr = (args, { exit = 0 } = {}) => {
  const run = spawnSync(process.execPath, [bin, "--root", root, ...args], { encoding: "utf8", maxBuffer: 1 << 30 });
  if (run.error) throw run.error;
  assert.equal(run.status, exit, `usr ${args.join(" ")} ended with ${run.status}, not ${exit}:\n${run.stderr}`);
  return run;
};
const document = (args, o) => JSON.parse(usr([...args, "--json"], o).stdout).data;
const rowsOf = (args) => parseLines(usr([...args, "--json"]).stdout);
const parseLines = (text) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const step = (title, detail) => say(`  ${title.padEnd(34)} ${detail}`);

// ---- a library of real sequences: overlapping windows of the genome of phage lambda, the same ones every time -------------------

const genome = gunzipSync(readFileSync(genomeFile))
  .toString("latin1")
  .replace(/^>.*\n/, "")
  .replaceAll("\n", "");
assert.equal(genome.length, 48_502);

/** Numbers from 0 to 1 that are the same on every machine (mulberry32). */
const randomNumbers = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const random = randomNumbers(1416);

const library = [];
const seen = new Set();
for (let start = 0; start + 120 <= genome.length; start += 8 + Math.floor(random() * 15)) {
  const sequence = genome.slice(start, start + 60 + Math.floor(random() * 61));
  if (seen.has(sequence)) continue;
  seen.add(sequence);
  const id = createHash("sha1").update(`dna|${sequence}`).digest("hex");
  library.push({ id, sequence, start });
}

// ---- what is computed about them ------------------------------------------------------------------------------------------------

const countOf = (sequence, letters) => [...sequence].filter((base) => letters.includes(base)).length;
const gcOf = (sequence) => countOf(sequence, "GC") / sequence.length;
/** Melting temperature in °C by base content (Wallace's rule, extended to long oligonucleotides). */
const meltingPoint = (sequence) => 64.9 + (41 * (countOf(sequence, "GC") - 16.4)) / sequence.length;
/** A later, better model: corrected for 50 mM of salt. */
const meltingPointInSalt = (sequence) => 81.5 + 16.6 * Math.log10(0.05) + 41 * gcOf(sequence) - 675 / sequence.length;
const DINUCLEOTIDES = [..."ACGT"].flatMap((a) => [..."ACGT"].map((b) => a + b));
const dinucleotides = (sequence) => {
  const counts = new Map(DINUCLEOTIDES.map((pair) => [pair, 0]));
  for (let i = 0; i + 1 < sequence.length; i++)
    counts.set(sequence.slice(i, i + 2), counts.get(sequence.slice(i, i + 2)) + 1);
  return DINUCLEOTIDES.map((pair) => counts.get(pair) / (sequence.length - 1));
};

const rescored = library.filter((_, i) => i % 3 === 0);
const embedded = library.filter((_, i) => i % 5 !== 4);
const inSalt = new Set(rescored.map(({ id }) => id));
const withVector = new Set(embedded.map(({ id }) => id));
/** The merged view as it must be: base order, newest value, `null` where nothing was attached. */
const expected = library.map(({ id, sequence, start }) => ({
  id,
  sequence,
  length: sequence.length,
  kmer__pairs: withVector.has(id) ? dinucleotides(sequence) : null,
  phys__gc: gcOf(sequence),
  phys__tm: inSalt.has(id) ? meltingPointInSalt(sequence) : meltingPoint(sequence),
  phys__start: start + 1,
}));
const COLUMNS = Object.keys(expected[0]).join(",");

rmSync(root, { recursive: true, force: true });
mkdirSync(files, { recursive: true });
writeFileSync(
  at("windows.fa"),
  library
    .map(
      ({ sequence, start }) =>
        `>lambda_${start + 1} NC_001416.1:${start + 1}-${start + sequence.length}\n${sequence}\n`,
    )
    .join(""),
);
writeFileSync(
  at("scores.csv"),
  `id,gc,tm,start\n${library.map(({ id, sequence, start }) => `${id},${gcOf(sequence)},${meltingPoint(sequence)},${start + 1}\n`).join("")}`,
);
// The newer scores come in reverse: the order of an input never shows in the result.
writeFileSync(
  at("rescored.csv"),
  `id,tm\n${rescored
    .map(({ id, sequence }) => `${id},${meltingPointInSalt(sequence)}\n`)
    .reverse()
    .join("")}`,
);
writeFileSync(
  at("pairs.jsonl"),
  embedded.map(({ id, sequence }) => `${JSON.stringify({ id, pairs: dinucleotides(sequence) })}\n`).join(""),
);

// ---- the main job ---------------------------------------------------------------------------------------------------------------

say(`\nUSR demo: ${library.length} windows of the genome of phage lambda (NC_001416.1, 48,502 bases)\n`);

usr([
  "namespace",
  "register",
  "phys",
  "--columns",
  "phys__gc:float64,phys__tm:float64,phys__start:int32",
  "--description",
  "physical properties",
]);
usr([
  "namespace",
  "register",
  "kmer",
  "--columns",
  "kmer__pairs:list<float64>",
  "--description",
  "dinucleotide frequencies",
]);
step("namespace register", "phys (gc, tm, start), kmer (pairs)");
usr(["init", "phage/lambda", "--source", "NC_001416.1"]);
const imported = document([
  "import",
  "phage/lambda",
  "--path",
  at("windows.fa"),
  "--bio-type",
  "dna",
  "--alphabet",
  "dna_4",
]);
assert.equal(imported.rows_added, library.length);
step("import FASTA", `${imported.rows_added} sequences`);

const attached = document(["attach", "phage/lambda", "--path", at("scores.csv"), "--namespace", "phys", "--key", "id"]);
assert.deepEqual([attached.rows_matched, attached.rows_missing], [library.length, 0]);
step("attach scores from csv", `${attached.columns.join(", ")}: ${attached.rows_matched} rows`);
const rescore = ["attach", "phage/lambda", "--path", at("rescored.csv"), "--namespace", "phys", "--key", "id"];
const refused = usr([...rescore, "--json"], { exit: 5 });
assert.equal(JSON.parse(refused.stderr).error.code, "COLUMN_EXISTS");
step("attach newer scores", "refused: COLUMN_EXISTS, exit 5 (nothing is overwritten by accident)");
const newer = document([...rescore, "--overwrite", "--note", "50 mM salt"]);
assert.equal(newer.rows_matched, rescored.length);
step("attach newer scores --overwrite", `phys__tm: ${newer.rows_matched} rows, as one new part`);
const vectors = document(["attach", "phage/lambda", "--path", at("pairs.jsonl"), "--namespace", "kmer", "--key", "id"]);
assert.equal(vectors.rows_matched, embedded.length);
step("attach vectors from jsonl", `kmer__pairs, list<float64> of 16: ${vectors.rows_matched} rows`);

const info = document(["info", "phage/lambda"]);
assert.equal(info.rows, library.length);
assert.deepEqual(
  info.namespaces.map(({ namespace, parts, rows }) => [namespace, parts, rows]),
  [
    ["kmer", 1, embedded.length],
    ["phys", 2, library.length + rescored.length],
  ],
);
step(
  "info",
  `${info.rows} rows, ${info.columns.length} columns, ${info.namespaces.map((n) => `${n.namespace} in ${n.parts} part(s)`).join(", ")}`,
);

const shown = rowsOf(["head", "phage/lambda", "-n", "3", "--columns", COLUMNS]);
assert.deepEqual(shown, expected.slice(0, 3));
step("head -n 3", "");
for (const row of shown) {
  say(
    `      ${row.id.slice(0, 10)}…  ${row.sequence.slice(0, 24)}…  gc ${row.phys__gc.toFixed(3)}  tm ${row.phys__tm.toFixed(2)}  pairs [${row.kmer__pairs
      .slice(0, 3)
      .map((n) => n.toFixed(3))
      .join(", ")}, …]`,
  );
}

const view = ["scan", "phage/lambda", "--json"];
const before = usr(view).stdout;
assert.deepEqual(rowsOf(["scan", "phage/lambda", "--columns", COLUMNS]), expected);
step("scan", `all ${expected.length} rows equal what this script computed`);

const folded = document(["materialize", "phage/lambda", "--namespace", "phys", "--yes"]);
assert.deepEqual([folded.rows, folded.namespaces], [library.length, ["phys"]]);
const after = usr(view).stdout;
assert.deepEqual(sortKeys(parseLines(after)), sortKeys(parseLines(before)));
step("materialize phys", `${folded.columns.join(", ")} are base columns now; the merged view is the same`);

const report = document(["validate", "phage/lambda", "--strict"]);
assert.deepEqual([report.ok, report.problems], [true, []]);
step("validate --strict", `${report.checked.rows} rows and ${report.checked.parts} part(s) checked, no problem`);

// ---- out of the store, and checked there ----------------------------------------------------------------------------------------

const exportTo = (name, ...more) => {
  const out = document(["export", "phage/lambda", "--out", at(name), ...more]);
  assert.equal(out.rows, library.length);
  assert.equal(
    out.sha256,
    createHash("sha256")
      .update(readFileSync(at(name)))
      .digest("hex"),
  );
  return out;
};

exportTo("lambda.csv", "--columns", COLUMNS);
const [header, ...lines] = parseCsv(readFileSync(at("lambda.csv"), "utf8"));
const fromCsv = lines.map((cells) => Object.fromEntries(header.map((name, c) => [name, csvValue(name, cells[c])])));
assert.deepEqual(fromCsv, expected);
step("export csv", "every value equal");

exportTo("lambda.fa", "--header", "{id} {phys__tm}");
const records = readFileSync(at("lambda.fa"), "utf8")
  .split(/^>/m)
  .slice(1)
  .map((record) => {
    const [title, ...bases] = record.split("\n");
    const [id, tm] = title.split(" ");
    return { id, tm: Number(tm), sequence: bases.join("") };
  });
assert.deepEqual(
  records,
  expected.map(({ id, phys__tm, sequence }) => ({ id, tm: phys__tm, sequence })),
);
step("export fasta --header", "every id, sequence and score equal");

exportTo("lambda.parquet");
usr(["init", "phage/copy"]);
usr(["import", "phage/copy", "--path", at("lambda.parquet")]);
usr([
  "attach",
  "phage/copy",
  "--path",
  at("lambda.parquet"),
  "--namespace",
  "phys",
  "--key",
  "id",
  "--columns",
  "gc,tm,start",
]);
usr([
  "attach",
  "phage/copy",
  "--path",
  at("lambda.parquet"),
  "--namespace",
  "kmer",
  "--key",
  "id",
  "--columns",
  "pairs",
]);
assert.deepEqual(rowsOf(["scan", "phage/copy", "--columns", COLUMNS]), expected);
step("export parquet, import it again", "a second dataset with the same merged view");

const actions = parseLines(usr(["events", "tail", "phage/lambda", "--json"]).stdout).map(({ action }) => action);
assert.deepEqual(
  actions.filter((action) => action !== "registry_freeze"),
  ["init", "import_rows", "attach", "attach", "attach", "materialize"],
);
step("events tail", actions.join(", "));

say(
  `\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s. Everything lies in ${relative(process.cwd(), root) || "."}/ and may be deleted.\n`,
);

// ---- small parts ----------------------------------------------------------------------------------------------------------------

/** Folded columns move to the base and so to another place: only the order of keys may change. */
function sortKeys(rows) {
  return rows.map((row) => Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function csvValue(name, cell) {
  if (cell === undefined) return null;
  if (name === "kmer__pairs") return JSON.parse(cell);
  return name === "id" || name === "sequence" ? cell : Number(cell);
}

/** RFC 4180. An empty cell that is not quoted is `undefined`: a missing value. */
function parseCsv(text) {
  const rows = [];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/y;
  let row = [];
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    assert.ok(match, `the csv ends unexpectedly at ${cell.lastIndex}`);
    const [, value, end] = match;
    row.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value === "" ? undefined : value);
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
