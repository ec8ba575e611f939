/** What a module of the bundle takes from others, gives, and loads later, as esbuild writes it: names are `a` or `a as b`, each on a line. */
const TAKEN = /^import (?:\{([^}]*)\} from )?"\.\/([\w-]+\.js)";$/gm;
const GIVEN = /^export \{([^}]*)\};$/gm;
const LATER = /\bimport\("\.\/([\w-]+\.js)"\)/g;

/**
 * A module as a script that calls `require` with what `placeOf` names a module, and sets `module.exports`. What it takes it has in variables of its own: to
 * ask the other module's exports for it at each use, as bundlers write CommonJS, is a call each time as long as V8 has compiled nothing. So no
 * module may assign to what it gives, nor wait for itself (`checkOrder`). One that is taken from by no name is loaded where it `acts`. Lines stay
 * where they are.
 */
export const scriptOf = (
  name: string,
  text: string,
  placeOf: (name: string) => string,
  acts: (name: string) => boolean,
): string => {
  const as = (names: string, renamed: string): string => names.replace(/([\w$]+) as ([\w$]+)/g, renamed);
  return text
    .replace(TAKEN, (_, names: string | undefined, other: string) => {
      if (names !== undefined) return `var {${as(names, "$1: $2")}} = require("${placeOf(other)}");`;
      return acts(other) ? `require("${placeOf(other)}");` : "";
    })
    .replace(GIVEN, (_, names: string) => {
      for (const [given = ""] of names.matchAll(/[\w$]+(?=( as [\w$]+)?\s*(,|$))(?<! as [\w$]+)/g)) {
        const found = [...text.matchAll(assignmentTo(given))].length;
        if (found > 1) throw new Error(`${name} gives ${given}, and seems to assign to it ${found} times`);
      }
      return `module.exports = {${as(names, "$2: $1")}};`;
    })
    .replace(LATER, (_, other: string) => `Promise.resolve().then(() => require("${placeOf(other)}"))`);
};

/** Where a variable gets a value; not where a text says so. */
const assignmentTo = (name: string): RegExp => {
  const literal = name.replaceAll("$", "\\$");
  return new RegExp(
    `(?<![.\\w$\`"'])${literal}\\s*(?:=(?![=>])|[-+*/%&|^?]{1,3}=(?!=)|\\+\\+|--)|(?:\\+\\+|--)${literal}\\b`,
    "g",
  );
};

/** Throws where a module waits, through others, for itself. */
export const checkOrder = (modules: ReadonlyMap<string, string>): void => {
  const state = new Map<string, "open" | "done">();
  const visit = (name: string): void => {
    if (state.get(name) === "done") return;
    if (state.get(name) === "open") throw new Error(`${name} waits for itself`);
    state.set(name, "open");
    for (const [, , other = ""] of (modules.get(name) ?? "").matchAll(TAKEN)) visit(other);
    state.set(name, "done");
  };
  for (const name of modules.keys()) visit(name);
};
