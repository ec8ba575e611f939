// Tables of what was measured, beside what the Python program needs for the same.
import { readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import { method } from "./measure.mjs";

const python = JSON.parse(readFileSync(new URL("./python-figures.json", import.meta.url), "utf8"));
const BEGIN = "<!-- measured: written by npm run bench -- --out docs/benchmarks.md -->";
const END = "<!-- end of measured -->";

const number = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1));
const thousands = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");

/** One Markdown table: an operation a line. */
export const tableOf = ({ count, figures }) => {
  const theirs = python[String(count)] ?? {};
  const lines = figures.map(({ name, rows, seconds, cpu, megabytes, runs }) => {
    const [s, theirCpu, mb] = theirs[name] ?? [];
    return [
      name,
      number(seconds),
      number(cpu),
      rows === undefined ? "" : thousands(rows / seconds),
      megabytes.toFixed(0),
      String(runs),
      s === undefined ? "" : number(s),
      theirCpu === undefined ? "" : number(theirCpu),
      mb === undefined ? "" : String(mb),
      s === undefined ? "" : `${(s / seconds).toFixed(1)}x`,
      theirCpu === undefined ? "" : `${(theirCpu / cpu).toFixed(1)}x`,
    ];
  });
  const header = [
    "operation",
    "s",
    "cpu s",
    "rows/s",
    "MB",
    "runs",
    "Python s",
    "Python cpu s",
    "Python MB",
    "time",
    "cpu",
  ];
  const row = (cells) => `| ${cells.join(" | ")} |`;
  return [row(header), `|---|${"--:|".repeat(header.length - 1)}`, ...lines.map(row)].join("\n");
};

/** Puts the tables between the marks of a Markdown page. */
export const writeReport = (path, results) => {
  const page = readFileSync(path, "utf8");
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${path} has no place for the tables: ${BEGIN} … ${END}`);
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} ${arch()}`;
  const head = `Measured on ${new Date().toISOString().slice(0, 10)}. ${machine}. Node ${process.versions.node}, V8 ${process.versions.v8}. Peak memory and processor time by ${method}. Load average at the end ${loadavg()[1]?.toFixed(1)}.`;
  const tables = results.map((result) => `### ${thousands(result.count)} sequences\n\n${tableOf(result)}`);
  writeFileSync(path, `${before}${BEGIN}\n\n${[head, ...tables].join("\n\n")}\n\n${END}${after}`);
};
