import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Options } from "tsup";
import { base } from "../../tsup.base.ts";

type Plugin = NonNullable<Options["esbuildPlugins"]>[number];

const at = (path: string): string => join(import.meta.dirname, path);
const read = (path: string): string => readFileSync(path, "utf8");

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

/** koffi is native and lies beside `@usr/storage`, whose dependency it is. */
const nativeLock: Plugin = {
  name: "native lock",
  setup(build) {
    build.onResolve({ filter: /^koffi$/ }, ({ path }) => ({ path, namespace: "native" }));
    build.onLoad({ filter: /.*/, namespace: "native" }, () => ({
      contents: `
        const { createRequire } = globalThis.process.getBuiltinModule("node:module");
        export const { load, os, errno } = createRequire(import.meta.resolve("@usr/storage/package.json"))("koffi");`,
    }));
  },
};

/** What reads datasets, and all the rest: who asks for one file of a group loads the group. */
const TABLES = ["writing", "records", "checking", "maintenance", "remotes", "other"];
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  reading: [at("src/cli.ts"), at("src/table/reading.ts")],
  rest: TABLES.map((name) => at(`src/table/${name}.ts`)),
};
const groupOf = (path: string): string | undefined =>
  Object.keys(GROUPS).find((group) => GROUPS[group]?.includes(path));

/** Lazy imports of this repository's own code; Arrow is as large as all of it, and stays lazy. */
const OWN_LAZY = /import\("((?:\.|@usr\/(?!schema\/arrow))[^"]+)"\)/g;

/**
 * Lazy imports open one of two chunks. Left as they stand they would make 130 files, of which `usr ls` opened 30, each for the price of a
 * millisecond.
 */
const twoChunks: Plugin = {
  name: "two chunks",
  setup(build) {
    build.onLoad({ namespace: "file", filter: /[\\/](packages|apps)[\\/][^\\/]+[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
      const group = groupOf(path);
      const eager: string[] = [];
      const text = read(path).replace(OWN_LAZY, (_, file: string) => {
        if (group !== undefined)
          return `import("group:${group}").then((all) => all[${JSON.stringify(join(dirname(path), file))}])`;
        eager.push(`import * as lazily${eager.length} from ${JSON.stringify(file)};`);
        return `Promise.resolve(lazily${eager.length - 1})`;
      });
      return { loader: "ts", contents: `${eager.join(" ")}${text}` };
    });
    build.onResolve({ filter: /^group:/ }, ({ path }) => ({ path: path.slice("group:".length), namespace: "group" }));
    build.onLoad({ filter: /.*/, namespace: "group" }, ({ path: group }) => {
      const files = (GROUPS[group] ?? []).flatMap((path) =>
        [...read(path).matchAll(OWN_LAZY)].map(([, file = ""]) => JSON.stringify(join(dirname(path), file))),
      );
      return { contents: files.map((file) => `export * as ${file} from ${file};`).join("\n"), resolveDir: at(".") };
    });
  },
};

/**
 * A small file that reads the command line, and two that do the work. The platform is neutral so that libraries give their ESM form, which
 * a bundle of ESM can hold.
 */
const config: Options = {
  ...base,
  entry: ["src/main.ts"],
  target: "node22",
  dts: false,
  removeNodeProtocol: false,
  noExternal: [/^@usr\//, "commander"],
  external: [],
  esbuildPlugins: [builtinModules, nativeLock, twoChunks],
  esbuildOptions: (options) => {
    options.conditions = ["@usr/source"];
    options.mainFields = ["module", "main"];
  },
};
export default config;
