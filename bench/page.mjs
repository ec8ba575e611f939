// Figures are kept as JSON, and docs/benchmarks.md with its curves is made from them: the same figures give the same bytes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import { growthCurves } from "./curves.mjs";
import { method } from "./measure.mjs";
import { TARGETS } from "./targets.mjs";

const at = (path) => new URL(path, import.meta.url);
const python = JSON.parse(readFileSync(at("./python-figures.json"), "utf8"));
const FIGURES = at("./results/figures.json");
const PAGE = at("../docs/benchmarks.md");
const CURVES = at("../docs/benchmarks.svg");
const BEGIN = "<!-- measured: written by npm run bench -->";
const END = "<!-- end of measured -->";

const saved = () => (existsSync(FIGURES) ? JSON.parse(readFileSync(FIGURES, "utf8")) : {});

const rounded = (value) => Number(value.toPrecision(4));

/** Puts the figures of one suite in the place of its former ones. */
export const merge = (key, result) => {
  const figures = result.figures.map((figure) => ({
    ...figure,
    seconds: rounded(figure.seconds),
    cpu: rounded(figure.cpu),
    megabytes: rounded(figure.megabytes),
  }));
  const run = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} ${arch()}`,
    node: `${process.versions.node}, V8 ${process.versions.v8}`,
    method,
    load: Number(loadavg()[2]?.toFixed(1)),
  };
  mkdirSync(at("./results/"), { recursive: true });
  writeFileSync(FIGURES, `${JSON.stringify({ ...saved(), [key]: { ...result, figures, run } }, null, 1)}\n`);
};

const number = (value) => (value < 1 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : value.toFixed(1));
const thousands = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
const row = (cells) => `| ${cells.join(" | ")} |`;

const HEADER = ["operation", "s", "cpu s", "MB", "rows/s", "runs", "Python s", "MB", "times", "same run", "target"];

/** How fast this machine is beside the one of the Python program's figures, where that was measured. */
const speedOf = ({ calibration }) => calibration && calibration.there / calibration.here;

const tableOf = (key, result, all) => {
  const theirs = python[String(result.count)] ?? {};
  const find = (name) => result.figures.find((figure) => figure.name === name && figure.by === undefined);
  const speed = speedOf(result);
  const million = all["rows 1000000"]?.figures ?? [];
  const lines = result.figures.flatMap((figure) => {
    if (figure.by !== undefined) return [];
    const { name, rows, seconds, cpu, megabytes, runs } = figure;
    const rival = result.figures.find((other) => other.name === name && other.by !== undefined);
    const known = key.startsWith("rows") ? theirs[name] : undefined;
    const context = {
      ...{ figure, python: known, rival, find, result, speed },
      million: million.find((other) => other.name === name && other.by === undefined),
    };
    const verdicts = (TARGETS[key]?.[name] ?? []).map(({ text, holds, atEqualSpeed }) => {
      const met = holds(context);
      const told = met === undefined ? "not compared" : met ? "met" : "**missed**";
      if (met !== false || speed === undefined || atEqualSpeed === undefined) return `${text} ${told}`;
      return `${text} ${told} as timed (${atEqualSpeed(context)})`;
    });
    return [
      row([
        name,
        number(seconds),
        cpu === 0 ? "" : number(cpu),
        megabytes === 0 ? "" : megabytes.toFixed(0),
        rows === undefined ? "" : thousands(rows / seconds),
        runs,
        known === undefined ? "" : number(known[0]),
        known?.[2] ?? "",
        known === undefined ? "" : `${(known[0] / seconds).toFixed(1)}x`,
        rival === undefined ? "" : `${rival.by}: ${number(rival.seconds)} s, ${thousands(rival.megabytes)} MB`,
        verdicts.join("; "),
      ]),
    ];
  });
  return [row(HEADER), `|---|${"--:|".repeat(HEADER.length - 3)}---|---|`, ...lines].join("\n");
};

const titleOf = (key, { count, fileSystem }) =>
  ({
    clones: `${thousands(count)} sequences on a file system that shares blocks (${fileSystem})`,
    wide: `${thousands(count)} rows with a vector of 4,096 numbers each`,
    many: `${thousands(count)} rows, 1,012 parts of 155 rows and 20 columns`,
  })[key] ?? `${thousands(count)} sequences`;

const runOf = ({ run, calibration }) => {
  const speed = speedOf({ calibration });
  return [
    `Measured on ${run.date}. ${run.machine}. Node ${run.node}. Peak memory and processor time by ${run.method}. Load average over the last quarter of an hour ${run.load}.`,
    ...(calibration === undefined
      ? []
      : [
          `${calibration.versions}. The same write of a base table of a million rows by pyarrow took ${number(calibration.there)} s where the Python program was measured and ${number(calibration.here)} s here: this machine is ${speed.toFixed(2)} x as fast. “times” is as timed; where that misses a target, the target column says what it is at equal speed.`,
        ]),
  ].join(" ");
};

/** Writes the page and its curves from the saved figures. */
export const writePage = () => {
  const all = saved();
  const page = readFileSync(PAGE, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/benchmarks.md has no place for the tables: ${BEGIN} … ${END}`);
  const sized = ([key, { count }]) =>
    key === "clones" ? 0.5 : key.startsWith("rows") ? Math.abs(Math.log10(count) - 6) : 100 + count;
  const keys = Object.entries(all).toSorted((a, b) => sized(a) - sized(b));
  const tables = keys.map(
    ([key, result]) => `### ${titleOf(key, result)}\n\n${runOf(result)}\n\n${tableOf(key, result, all)}`,
  );
  const curves = growthCurves(all);
  if (curves !== undefined) writeFileSync(CURVES, curves);
  const shown = curves === undefined ? [] : ["### Growth\n\n![Seconds by rows, both axes logarithmic](benchmarks.svg)"];
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${[...tables, ...shown].join("\n\n")}\n\n${END}${after}`);
};
