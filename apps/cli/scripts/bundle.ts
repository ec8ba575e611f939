import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build, type Metafile, type OutputFile, type Plugin, transform } from "esbuild";
import { parseCommandLine } from "../src/parse.ts";
import { VERSION } from "../src/version.ts";

const at = (path: string): string => join(import.meta.dirname, "..", path);

/** Modules of Node that few runs need, and of which only functions are used: loaded at the first call. */
const RARE = new Set(["node:crypto", "node:child_process"]);

/**
 * Modules of Node come from `process.getBuiltinModule`. An import of one evaluates every getter it has: that of `node:process` opens stdin,
 * that of `node:util` loads worker threads, and together they cost as much as the start of node itself.
 */
const builtinModules: Plugin = {
  name: "builtin modules",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "builtin", sideEffects: false }));
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const asked = `globalThis.process.getBuiltinModule(${JSON.stringify(path)})`;
      const rare = RARE.has(path);
      const names = Object.keys(process.getBuiltinModule(path) ?? {});
      const values = names.map((name) =>
        rare ? `(...args) => ${asked}.${name}(...args)` : `/* @__PURE__ */ of(${JSON.stringify(name)})`,
      );
      return {
        contents: [
          `const of = (name) => ${asked}[name];`,
          ...names.map((name, i) => `const _${name} = ${values[i]};`),
          `export { ${names.map((name) => `_${name} as ${name}`).join(", ")} };`,
          `export default ${rare ? `{ ${names.map((name) => `${name}: _${name}`).join(", ")} }` : `/* @__PURE__ */ ${asked}`};`,
        ].join("\n"),
      };
    });
  },
};

/** What a module takes by name, or passes on: what is named, and from where. */
const NAMED = /^(import|export) \{([^}]*)\} from "([^"]+)";/gm;

/**
 * Imports from the entry of a package become imports from the modules that hold what is named. Files are divided among the outputs by who imports
 * them, and an entry imports all of its package: each command would be given, and evaluate, what all the others use.
 */
const seenThrough: Plugin = {
  name: "entries seen through",
  setup(build) {
    /** What an entry passes on: its name there, and in which file under which name. */
    const passed = new Map<string, Promise<ReadonlyMap<string, string>>>();
    const entryOf = async (path: string, resolveDir: string): Promise<ReadonlyMap<string, string>> => {
      const entry = await build.resolve(path, { kind: "import-statement", resolveDir });
      const known = passed.get(entry.path) ?? holdersOf(entry.path);
      passed.set(entry.path, known);
      return known;
    };
    const holdersOf = async (entry: string): Promise<ReadonlyMap<string, string>> => {
      const holders = new Map<string, string>();
      for (const [, kind, names = "", from = ""] of (await readFile(entry, "utf8")).matchAll(NAMED)) {
        if (kind !== "export") continue;
        for (const name of split(names)) holders.set(name, join(dirname(entry), from));
      }
      return holders;
    };
    const split = (names: string): readonly string[] =>
      names.split(",").flatMap((name) => (/^(type .*)?$/.test(name.trim()) ? [] : [name.trim()]));
    build.onLoad({ filter: /[\\/](packages|apps)[\\/][^\\/]+[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const [statement, kind, names = "", from = ""] of [...contents.matchAll(NAMED)]) {
        if (kind !== "import" || !from.startsWith("@usr/")) continue;
        const holders = await entryOf(from, dirname(path));
        const direct = split(names).map((name) => {
          const holder = holders.get(name.split(" as ")[0] ?? name);
          return `import { ${name} } from ${JSON.stringify(holder ?? from)};`;
        });
        contents = contents.replace(statement, direct.join(" ") + "\n".repeat(statement.split("\n").length - 1));
      }
      return { contents, loader: "ts" };
    });
  },
};

/**
 * koffi is native and lies beside `@usr/storage`, whose dependency it is. Its own entry dresses the native module in warnings, for which it
 * loads 38 modules of Node: as long as all else of it. Where the native module is not where it usually is, the entry finds it.
 */
const nativeLock: Plugin = {
  name: "native lock",
  setup(build) {
    build.onResolve({ filter: /^koffi$/ }, ({ path }) => ({ path, namespace: "native" }));
    build.onLoad({ filter: /.*/, namespace: "native" }, () => ({
      contents: `
        const { createRequire } = globalThis.process.getBuiltinModule("node:module");
        const near = createRequire(__filename).resolve("@usr/storage/package.json");
        const koffi = createRequire(near).resolve("koffi");
        const native = () => {
          try {
            return createRequire(koffi)("@koromix/koffi-" + globalThis.process.platform + "-" + globalThis.process.arch);
          } catch {
            return createRequire(near)("koffi");
          }
        };
        export const { load, os, errno } = native();`,
    }));
  },
};

/** One module of the bundle, as a function of CommonJS on one line. */
interface Piece {
  readonly name: string;
  readonly code: string;
  readonly map: string;
}

const pieceOf = async ({ path, text }: OutputFile, placeOf: (name: string) => string | undefined): Promise<Piece> => {
  const name = basename(path);
  // Modules name each other with the file that they are in, so that no other has to be opened to find one.
  const placed = text.replace(/"\.\/([\w-]+\.js)"/g, (as, other: string) => placeOf(other) ?? as);
  const { code, map, warnings } = await transform(placed, {
    loader: "js",
    format: "cjs",
    target: "node22",
    supported: { "dynamic-import": false },
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
  // What a module gives is read from where esbuild puts it: a copy of it, a getter for each name, would be another millisecond or two.
  const direct = code.replace(/module\.exports=__toCommonJS\((\w+)\)/, "module.exports=$1");
  const ascii = direct.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
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

/**
 * Writes the program: `main.js` reads plain command lines and `parse.js` all others, `look.js` holds what the shortest commands need, `read.js` what
 * shows rows, `work.js` the others, and `arrow.js` Arrow. A file is an object of functions, one for each module of the bundle: opening one file costs less than
 * opening thirty, V8 compiles of it what is called, and `bin/usr.js` keeps what it compiled. Line one of `main.js` names the whole build.
 * `help.txt` and `version.txt` are answers that need no program.
 */
export const bundle = async (outdir: string): Promise<void> => {
  const { outputFiles, metafile } = await build({
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
    plugins: [builtinModules, seenThrough, nativeLock],
  });
  const fileOf = filesOf(metafile.outputs);
  const placeOf = (name: string): string | undefined =>
    `dist/${name}` in metafile.outputs ? JSON.stringify(`${fileOf(name)}/${name}`) : undefined;
  const pieces = await Promise.all(outputFiles.map((file) => pieceOf(file, placeOf)));
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
