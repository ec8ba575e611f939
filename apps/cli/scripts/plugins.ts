import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";

/** Modules of Node that few runs need, and of which only functions are used: loaded at the first call. */
const RARE = new Set(["node:crypto", "node:child_process"]);

/**
 * Modules of Node come from `process.getBuiltinModule`. An import of one evaluates every getter it has: that of `node:process` opens stdin,
 * that of `node:util` loads worker threads, and together they cost as much as the start of node itself.
 */
export const builtinModules: Plugin = {
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
 * them, and an entry imports all of its package: each command would be given, and evaluate, what all the others use. `first` is what a file, by its
 * path, imports before all else.
 */
export const seenThrough = (first: ReadonlyMap<string, string>): Plugin => ({
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
      return { contents: `${first.get(path) ?? ""}${contents}`, loader: "ts" };
    });
  },
});

/**
 * koffi is native and lies beside `@usr/storage`, whose dependency it is. Its own entry dresses the native module in warnings, for which it
 * loads 38 modules of Node: as long as all else of it; to have Node resolve its name takes as long again, and so does what looks for the C library.
 * So the native module is opened where it usually lies. Where that does not work, and where the C library may be musl, the entries find it.
 */
export const nativeLock: Plugin = {
  name: "native lock",
  setup(build) {
    build.onResolve({ filter: /^koffi$/ }, ({ path }) => ({ path, namespace: "native" }));
    build.onLoad({ filter: /.*/, namespace: "native" }, () => ({
      contents: `
        const { arch, dlopen, getBuiltinModule, platform } = globalThis.process;
        const { existsSync, realpathSync } = getBuiltinModule("node:fs");
        const { dirname, join } = getBuiltinModule("node:path");
        const native = "@koromix/koffi-" + platform + "-" + arch;
        const find = (from, name) => {
          for (let at = from, above = dirname(at); at !== above; at = above, above = dirname(at)) {
            const found = join(at, "node_modules", name);
            if (existsSync(found)) return realpathSync.native(found);
          }
        };
        const direct = () => {
          const musl = arch === "x64" ? "x86_64" : "aarch64";
          if (platform === "linux" && existsSync("/lib/ld-musl-" + musl + ".so.1")) return undefined;
          const storage = find(dirname(__filename), "@usr/storage");
          const koffi = storage && find(storage, "koffi");
          const folder = koffi && find(koffi, native);
          const file = folder && join(folder, platform + "_" + arch, "koffi.node");
          if (file === undefined || !existsSync(file)) return undefined;
          const module = { exports: {} };
          dlopen(module, file);
          return module.exports;
        };
        const resolved = () => {
          const { createRequire } = getBuiltinModule("node:module");
          const near = createRequire(__filename).resolve("@usr/storage/package.json");
          try {
            return createRequire(createRequire(near).resolve("koffi"))(native);
          } catch {
            return createRequire(near)("koffi");
          }
        };
        const opened = () => {
          try {
            return direct();
          } catch {
            return undefined;
          }
        };
        export const { load, os, errno } = opened() ?? resolved();`,
    }));
  },
};
