import { spawnSync } from "node:child_process";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Tells every module that is loaded, as a line on stderr. */
const telling = `data:text/javascript,${encodeURIComponent(
  `import { registerHooks } from "node:module"; import { writeSync } from "node:fs";
   registerHooks({ load(url, context, next) { writeSync(2, "loaded " + url + "\\n"); return next(url, context); } });`,
)}`;

const loadedBy = (...args: readonly string[]): readonly string[] => {
  const run = spawnSync(execPath, ["--conditions=@usr/source", "--import", telling, main, ...args], {
    encoding: "utf8",
  });
  expect(run.status, run.stderr).toBe(0);
  return run.stderr.split("\n").flatMap((line) => /^loaded (file:.*)/.exec(line)?.[1] ?? []);
};

test("help and version load nothing that works on data", () => {
  for (const args of [["--help"], ["--version"], ["import", "--help"], ["namespace", "--help"]]) {
    const heavy = loadedBy(...args).filter((url) => !/\/apps\/cli\/(src|package\.json)|\/commander\//.test(url));
    expect(heavy, args.join(" ")).toEqual([]);
  }
});

test("ids load neither tables nor the registry", () => {
  const loaded = loadedBy("id", "ACGT", "--bio-type", "dna").join("\n");
  expect(loaded).not.toMatch(
    /packages\/(parquet|registry|dataset|overlay|events)\/|apache-arrow|\/yaml\/|hyparquet|koffi/,
  );
});

test("listing datasets loads neither Arrow, YAML, decompressors nor the native lock", () => {
  const root = fileURLToPath(new URL(".", import.meta.url));
  expect(loadedBy("ls", "--root", root).join("\n")).not.toMatch(/apache-arrow|\/yaml\/|hyparquet-compressors|koffi/);
});
