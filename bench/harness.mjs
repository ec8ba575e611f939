// What the suites share: a folder, the built command line, timing with checks, and what comes of it.
import assert from "node:assert/strict";
import { constants, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measure } from "./measure.mjs";

const repository = fileURLToPath(new URL("..", import.meta.url));
const bin = join(repository, "apps/cli/bin/usr.js");
const python = process.env.USR_ORACLE_PYTHON;

export const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** A suite's surroundings. `smoke`: everything is small, run once, and for its result only. `once`: no operation is repeated. */
export const openBench = ({ smoke, once = smoke, keep, heap }) => {
  const folder = mkdtempSync(join(tmpdir(), "usr-bench-"));
  const root = join(folder, "root");
  const figures = [];
  const at = (name) => join(folder, name);
  const flags = heap === undefined ? [] : [`--max-old-space-size=${heap}`];
  const node = (script, ...args) =>
    measure(process.execPath, [join(repository, "bench", script), ...args.map(String)], { flags });
  const usr = (args, o) => measure(process.execPath, [bin, "--root", root, ...args], { ...o, flags });
  const inField = (operation, ...args) => measure(python, [join(repository, "bench/field.py"), operation, ...args]);

  const note = (figure) => {
    figures.push(figure);
    const { name, seconds, cpu, megabytes } = figure;
    console.log(
      smoke
        ? `ok  ${name}`
        : `${name.padEnd(52)} ${seconds.toFixed(3).padStart(9)} s ${cpu.toFixed(2).padStart(8)} cpu s ${megabytes.toFixed(0).padStart(6)} MB`,
    );
  };

  /**
   * Runs operations `repeat` times, one of each in every round, so that what slows the machine for a while meets them all; keeps of each
   * the middle run by time and the largest memory. `before` makes what the run changes anew, outside of the time; `check` sees each run.
   * `rows` = what a rate would count.
   */
  const inTurns = async (operations, { repeat = 3, rows } = {}) => {
    const runs = operations.map(() => []);
    for (let i = 0; i < (once ? 1 : repeat); i++) {
      for (const [index, { run, before, check }] of operations.entries()) {
        await before?.(i);
        const done = run(i);
        await check(done);
        runs[index].push({ ...done, stdout: "" });
      }
    }
    for (const [index, { name, by }] of operations.entries()) {
      const all = runs[index];
      const seconds = middle(all.map((one) => one.seconds));
      const { cpu } = all.find((one) => one.seconds === seconds);
      const megabytes = Math.max(...all.map((one) => one.megabytes));
      note({ name, rows, seconds, cpu, megabytes, runs: all.length, ...(by === undefined ? {} : { by }) });
    }
  };

  const timed = (name, run, { repeat, rows, ...how }) => inTurns([{ name, run, ...how }], { repeat, rows });

  /** The same work by pyarrow or DuckDB, where they are. Kept with the figure it is compared with. */
  const field = async (name, by, run, check) => {
    if (python === undefined) return;
    await timed(name, run, { by, check });
  };

  /** A fresh dataset `to` that holds what `from` does. Files are shared with it where the file system can. */
  const copy = (from, to) => {
    rmSync(join(root, to), { recursive: true, force: true });
    cpSync(join(root, from), join(root, to), { recursive: true, mode: constants.COPYFILE_FICLONE });
  };
  const drop = (dataset) => rmSync(join(root, dataset), { recursive: true });
  const parts = (dataset, namespace) =>
    readdirSync(join(root, dataset, "_derived", namespace)).map((name) =>
      join(root, dataset, "_derived", namespace, name),
    );
  const sizeOf = (...path) => statSync(join(root, ...path)).size;
  const close = () => {
    if (!keep) rmSync(folder, { recursive: true, force: true });
  };
  return {
    smoke,
    folder,
    root,
    figures,
    at,
    usr,
    node,
    inField,
    note,
    timed,
    inTurns,
    field,
    copy,
    drop,
    parts,
    sizeOf,
    close,
  };
};

export const data = (run) => JSON.parse(run.stdout).data;
export const rowsIn = (run) =>
  run.stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
export const sound = (run) => assert.deepEqual([data(run).ok, data(run).problems], [true, []]);

export const DNA = ["--bio-type", "dna", "--alphabet", "dna_4"];
export const attachArgs = (dataset, file, namespace, ...more) => [
  ...["attach", dataset, "--path", file, "--namespace", namespace, "--key", "id", "--json"],
  ...more,
];

export const requireBuild = () => {
  if (existsSync(join(repository, "apps/cli/dist/main.js"))) return;
  console.error("The command line is not built: npm run build");
  process.exit(2);
};
