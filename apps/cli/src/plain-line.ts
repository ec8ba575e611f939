import type { ArgumentSpec, CommandSpec, OptionSpec } from "./command.ts";
import { GLOBAL_OPTIONS, globalsOf } from "./globals.ts";
import type { Parsed } from "./parse.ts";
import { COMMANDS } from "./table.ts";

/** An option as it is typed: its spellings, and under which name its value is kept. */
interface Option {
  readonly spec: OptionSpec;
  readonly spellings: readonly string[];
  readonly key: string;
  readonly negates: boolean;
  readonly takesValue: boolean;
}

/**
 * Reads a command line as people type it most: the name of a command, options in full and once, their values in words of their own, and as many
 * arguments as there must be. `undefined` = look closer, with `parseCommandLine`, which says the same of such a line, and what is wrong with others;
 * to load it takes longer than many a command.
 */
export const parsePlainLine = (argv: readonly string[]): Parsed | undefined => {
  const globals = GLOBAL_OPTIONS.map(optionOf);
  const typedGlobals: Record<string, unknown> = {};
  const options: Record<string, unknown> = {};
  const args: string[] = [];
  let name = "";
  let spec: CommandSpec | undefined;
  let known: readonly Option[] = globals;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (isPlain(word)) {
      if (spec !== undefined) args.push(word);
      else {
        name = name === "" ? word : `${name} ${word}`;
        spec = COMMANDS.find((each) => each.name === name);
        if (spec !== undefined) known = [...spec.options.map(optionOf), ...globals];
        else if (!COMMANDS.some((each) => each.name.startsWith(`${name} `))) return undefined;
      }
      continue;
    }
    const option = known.find(({ spellings }) => spellings.includes(word));
    const value = option && valueIn(option, option.takesValue ? argv[++at] : undefined);
    if (option === undefined || value === undefined) return undefined;
    const { key } = option;
    if (Object.hasOwn(options, key) || Object.hasOwn(typedGlobals, key)) return undefined;
    if (globals.includes(option)) typedGlobals[key] = value;
    if (spec !== undefined) options[key] = value;
  }
  const places = spec && placed(spec.args, args);
  if (spec === undefined || places === undefined) return undefined;
  if (known.some((option) => option.spec.required === true && !Object.hasOwn(options, option.key))) return undefined;
  for (const { key, negates } of known) if (negates) options[key] ??= true;
  return { kind: "run", spec, typed: { args: places, options }, globals: globalsOf(typedGlobals) };
};

/** Neither an option nor empty. */
const isPlain = (word: string): boolean => word === "-" || (word !== "" && !word.startsWith("-"));

const optionOf = (spec: OptionSpec): Option => {
  const [flags = "", value] = spec.flags.split(/ (?=[<[])/);
  const spellings = flags.split(", ");
  const long = spellings.find((flag) => flag.startsWith("--")) ?? "";
  const negates = long.startsWith("--no-");
  const key = long.slice(negates ? 5 : 2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return { spec, spellings, key, negates, takesValue: value !== undefined };
};

/** What an option that was typed once says; `undefined` where that has to be looked at closer. */
const valueIn = ({ spec, negates, takesValue }: Option, word: string | undefined): unknown => {
  if (!takesValue) return !negates;
  if (word === undefined || !isPlain(word) || spec.flags.includes("[")) return undefined;
  if (spec.choices !== undefined && !spec.choices.includes(word)) return undefined;
  if (spec.integer === true) return /^\d{1,15}$/.test(word) ? Number(word) : undefined;
  return spec.repeat === true ? [word] : word;
};

/** The words in the places of the arguments; `undefined` where they do not fit. */
const placed = (
  specs: readonly ArgumentSpec[],
  words: readonly string[],
): readonly (string | readonly string[] | undefined)[] | undefined => {
  if (words.length > specs.length && specs.at(-1)?.variadic !== true) return undefined;
  const places = specs.map(({ variadic }, i) => (variadic === true ? words.slice(i) : words[i]));
  const fits = specs.every(({ optional, choices }, i) => {
    const given = [places[i] ?? []].flat();
    return (given.length > 0 || optional === true) && given.every((word) => choices?.includes(word) !== false);
  });
  return fits ? places : undefined;
};
