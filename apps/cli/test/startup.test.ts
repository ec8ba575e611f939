import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { goldenPath } from "@usr/testkit";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import config from "../tsup.config.ts";

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

/** The program as it is published, built into a folder of its own. */
const built = await mkdtemp(join(tmpdir(), "usr-built-"));
const bin = join(built, "bin", "usr.js");
beforeAll(async () => {
  await cp(fileURLToPath(new URL("../bin", import.meta.url)), join(built, "bin"), { recursive: true });
  await writeFile(join(built, "package.json"), `{"type":"module"}`);
  await build({
    entryPoints: [main],
    outdir: join(built, "dist"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    conditions: ["@usr/source"],
    mainFields: ["module", "main"],
    plugins: [...(config.esbuildPlugins ?? [])],
  });
});
afterAll(() => rm(built, { recursive: true }));

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []) =>
  spawnSync(execPath, [...flags, bin, ...args], {
    encoding: "utf8",
    env: { HOME: built, ...env },
  });
/** The modules that the built program loads, without the numbers in their names; those of Node as `node:name`. */
const openedBy = (...args: readonly string[]): readonly string[] => {
  const { status, stderr } = run(args, {}, ["--import", telling]);
  expect(status, stderr).toBe(0);
  return stderr.split("\n").flatMap((line) => {
    const [, node, name] = /^loaded (?:(node:.*)|.*\/(\w+)(?:-\w+)?\.js$)/.exec(line) ?? [];
    return node ?? name ?? [];
  });
};

test("help and version of the built program open a handful of files, and no module of Node by an import that runs all its getters", () => {
  for (const args of [["--help"], ["--version"], ["import", "--help"]]) {
    const opened = openedBy(...args);
    expect(
      opened.filter((name) => name.startsWith("node:")),
      args.join(" "),
    ).toEqual([]);
    expect(opened.length, opened.join(" ")).toBeLessThanOrEqual(6);
  }
});

test("looking at datasets opens the code that reads, and YAML only where a registry is read", () => {
  const root = goldenPath("densegen");
  const listed = openedBy("ls", "--root", root);
  expect(listed.length, listed.join(" ")).toBeLessThanOrEqual(10);
  expect(listed).toContain("reading");
  for (const other of ["rest", "arrow", "browser", "koffi", "src"]) expect(listed).not.toContain(other);
});

test("compiled code is kept in the caches of the user, and nowhere without a home", async () => {
  expect(run(["--version"]).status).toBe(0);
  expect(await readdir(join(built, ".cache", "usr"))).toEqual(["compiled"]);
  const temporary = join(built, "temporary");
  await mkdir(temporary);
  const homeless = run(["--version"], { HOME: join(built, "gone"), TMPDIR: temporary });
  expect([homeless.status, homeless.stderr]).toEqual([0, ""]);
  expect(await readdir(temporary)).toEqual([]);
  expect(await readdir(built)).not.toContain("gone");
});
