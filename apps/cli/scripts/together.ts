import { join } from "node:path";
import type { Metafile, Plugin } from "esbuild";

const at = (path: string): string => join(import.meta.dirname, "..", path);

const SHOWING = ["src/session.ts", "src/show.ts"];
const LOOKING = [...SHOWING, "src/commands/ls.ts", "src/commands/info.ts"];

/**
 * What nearly every command loads, as modules that load it all. Modules that are loaded by the same entries are one output of esbuild, and one scope: what
 * a handful of modules would share in outputs of their own costs, while V8 has compiled nothing, a call for each output and a look for each name.
 */
const TOGETHER: Readonly<Record<string, readonly string[]>> = { "together:show": SHOWING, "together:look": LOOKING };

/** What reads command lines, and commands without data, that shall not load what looks at data. */
const LIGHT = ["src/start.ts", "src/parse.ts", "src/commands/id.ts", "src/commands/complete.ts"];

export const together: Plugin = {
  name: "what is loaded together",
  setup(build) {
    build.onResolve({ filter: /^together:/ }, ({ path }) => ({ path, namespace: "together" }));
    build.onLoad({ filter: /.*/, namespace: "together" }, ({ path }) => ({
      contents: (TOGETHER[path] ?? []).map((file) => `import ${JSON.stringify(at(file))};`).join(" "),
      resolveDir: at("."),
    }));
  },
};

/**
 * What each entry of a bundle imports first, by its path, for the next one to be bundled together. Nothing where it would wait for itself: in what is
 * loaded together.
 */
export const importedFirst = ({ inputs, outputs }: Metafile): ReadonlyMap<string, string> => {
  const reached = (files: readonly string[], into = new Set<string>()): ReadonlySet<string> => {
    for (const file of files) {
      if (into.has(file)) continue;
      into.add(file);
      const imports = inputs[file]?.imports.filter(({ kind }) => kind === "import-statement") ?? [];
      reached(
        imports.map(({ path }) => path),
        into,
      );
    }
    return into;
  };
  const light = reached([...LIGHT, ...SHOWING]);
  const looking = reached(LOOKING);
  const first = new Map<string, string>();
  for (const { entryPoint } of Object.values(outputs)) {
    if (entryPoint === undefined) continue;
    if (SHOWING.includes(entryPoint)) first.set(at(entryPoint), 'import "together:show"; ');
    else if (LOOKING.includes(entryPoint) || !(light.has(entryPoint) || looking.has(entryPoint)))
      first.set(at(entryPoint), 'import "together:look"; ');
  }
  return first;
};
