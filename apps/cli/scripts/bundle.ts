import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build, type Metafile, transform } from "esbuild";
import { parseCommandLine } from "../src/parse.ts";
import { VERSION } from "../src/version.ts";
import { builtinModules, nativeLock, seenThrough } from "./plugins.ts";
import { checkOrder, scriptOf } from "./script-of.ts";
import { importedFirst, together } from "./together.ts";

const at = (path: string): string => join(import.meta.dirname, "..", path);

/** One module of the bundle, as a function of CommonJS on one line. */
interface Piece {
  readonly name: string;
  readonly code: string;
  readonly map: string;
}

const pieceOf = async (name: string, script: string): Promise<Piece> => {
  const { code, map, warnings } = await transform(script, {
    loader: "js",
    target: "node22",
    // Names stay as they are: the trace of --debug is read by people.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    sourcemap: "external",
    sourcesContent: false,
    sourcefile: name,
  });
  if (warnings.length > 0) throw new Error(`${name}: ${warnings.map((warning) => warning.text).join("; ")}`);
  // Strings are written in ASCII by now, patterns are not. ASCII is read without looking at it.
  const ascii = code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return { name, code: ascii.trim(), map };
};

/** Names of the outputs that one loads at once, and those that they load. */
const reached = (outputs: Metafile["outputs"], from: string, into: Set<string>): void => {
  if (into.has(from)) return;
  into.add(from);
  for (const { path, kind } of outputs[from]?.imports ?? [])
    if (kind === "import-statement") reached(outputs, path, into);
};

/** The files by what they hold: each what these modules load and no file before it does. */
const FILES: readonly (readonly [string, RegExp])[] = [
  ["main.js", /^src\/start\.ts$/],
  ["parse.js", /^src\/parse\.ts$/],
  ["look.js", /^(src\/(session|show|commands\/(ls|info))\.ts|.*\/storage\/src\/node\/index\.ts)$/],
  [
    "read.js",
    /^(src\/(show-(rows|records)|commands\/(head|scan|get|schema))\.ts|.*\/(merged-view|filtered-view|alike-parts|count-decoded)\.ts)$/,
  ],
  ["import.js", /^(src\/commands\/import\.ts|.*\/(registry\/src\/sha256|bloom\/bloom)\.ts|native:koffi)$/],
];
const OTHERS = "work.js";
const ARROW = "arrow.js";

/** In which file each output belongs. */
const filesOf = (outputs: Metafile["outputs"]): ((name: string) => string) => {
  const files = new Map<string, string>();
  for (const [file, entries] of FILES) {
    const loaded = new Set<string>();
    for (const [name, { entryPoint }] of Object.entries(outputs))
      if (entryPoint !== undefined && entries.test(entryPoint)) reached(outputs, name, loaded);
    for (const name of loaded) if (!files.has(name)) files.set(name, file);
  }
  return (module) => {
    const name = `dist/${module}`;
    const inputs = Object.keys(outputs[name]?.inputs ?? {});
    // What stands for a module of Node is a few lines, which who looks closer at a command line shares with who does the work.
    const isShared =
      files.get(name) === "parse.js" && inputs.length > 0 && inputs.every((path) => path.startsWith("builtin:"));
    if (isShared) return "main.js";
    const isArrow = inputs.some((path) => path.includes("/apache-arrow/"));
    return files.get(name) ?? (isArrow ? ARROW : OTHERS);
  };
};

/** A file of pieces, each on lines of its own, and its source map. */
const packed = (name: string, first: string, pieces: readonly Piece[]): readonly (readonly [string, string])[] => {
  let text = `${first}({\n`;
  const sections: unknown[] = [];
  for (const piece of pieces) {
    text += `${JSON.stringify(piece.name)}(exports,require,module,__filename){\n`;
    sections.push({ offset: { line: text.split("\n").length - 1, column: 0 }, map: JSON.parse(piece.map) });
    text += `${piece.code}\n},\n`;
  }
  return [
    [name, `${text}})\n//# sourceMappingURL=${name}.map\n`],
    [`${name}.map`, JSON.stringify({ version: 3, file: name, sections })],
  ];
};

/** What the command line answers to a question without data. */
const answer = (question: string): string => {
  const asked = parseCommandLine([question], VERSION);
  if (asked.kind !== "asked") throw new Error(`${question} asks for nothing`);
  return asked.text;
};

/** The modules of the program, as esbuild divides them; `first` is what a file, by its path, imports before all else. */
const modules = (first: ReadonlyMap<string, string>) =>
  build({
    absWorkingDir: at("."),
    entryPoints: { main: at("src/start.ts") },
    outdir: "dist",
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    // The platform is neutral so that libraries give their ESM form, which alone can be split and shaken.
    platform: "neutral",
    target: "node22",
    conditions: ["@usr/source"],
    mainFields: ["module", "main"],
    sourcemap: "inline",
    plugins: [builtinModules, together, seenThrough(first), nativeLock],
  });

/**
 * Writes the program: `main.js` reads plain command lines and `parse.js` all others, `look.js` holds what the shortest commands need, `read.js` what
 * shows rows, `import.js` what an import loads beyond that, `work.js` the others, and `arrow.js` Arrow. A file is an object of functions, one for each module of the bundle: opening one file costs less than
 * opening thirty, V8 compiles of it what is called, and `bin/usr.js` keeps what it compiled. Line one of `main.js` names the whole build.
 * `help.txt` and `version.txt` are answers that need no program.
 */
export const bundle = async (outdir: string): Promise<void> => {
  const { outputFiles, metafile } = await modules(importedFirst((await modules(new Map())).metafile));
  const fileOf = filesOf(metafile.outputs);
  // Modules name each other with the file that they are in, so that no other has to be opened to find one.
  const placeOf = (name: string): string => `${fileOf(name)}/${name}`;
  // Our own modules do nothing but give; what others do when they are loaded is not known.
  const acts = (name: string): boolean =>
    Object.keys(metafile.outputs[`dist/${name}`]?.inputs ?? {}).some((path) => path.includes("node_modules"));
  const texts = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  checkOrder(texts);
  const pieces = await Promise.all(
    [...texts].map(([name, text]) => pieceOf(name, scriptOf(name, text, placeOf, acts))),
  );
  pieces.sort((a, b) => (a.name < b.name ? -1 : 1));
  const hash = createHash("sha256");
  for (const { name, code } of pieces) hash.update(`${fileOf(name)} ${name}\n${code}\n`);
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  for (const file of [...FILES.map(([file]) => file), OTHERS, ARROW]) {
    const first = file === "main.js" ? `//${hash.digest("hex").slice(0, 32)}\n` : "";
    const own = pieces.filter(({ name }) => fileOf(name) === file);
    for (const [name, text] of packed(file, first, own)) await writeFile(join(outdir, name), text);
  }
  await writeFile(join(outdir, "help.txt"), answer("--help"));
  await writeFile(join(outdir, "version.txt"), answer("--version"));
};
