import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { ArgumentSpec, CommandSpec, OptionSpec, Typed } from "./command.ts";
import { UsageError } from "./errors.ts";
import { GLOBAL_OPTIONS, GROUPS, globalsOf } from "./globals.ts";
import type { GlobalOptions } from "./session.ts";
import { COMMANDS } from "./table.ts";

/** What a command line means. */
export type Parsed =
  | { readonly kind: "run"; readonly spec: CommandSpec; readonly typed: Typed; readonly globals: GlobalOptions }
  /** Help or version, as it was asked for. */
  | { readonly kind: "asked"; readonly text: string }
  /** Help in place of a command that is missing: a usage error. */
  | { readonly kind: "missing"; readonly text: string };

const GLOBAL_HEADING = "Global options:";

/**
 * Reads a command line (without node and script). What follows an option that takes a value is its value, whatever it looks like.
 * Throws `UsageError`, with the nearest name where one is unknown.
 */
export const parseCommandLine = (argv: readonly string[], version: string): Parsed => {
  // A command that is run has been named in full. The others are there to be listed, and to be what a wrong name was meant to be.
  const words = new Set(argv);
  const named = COMMANDS.filter(({ name }) => name.split(" ").every((word) => words.has(word)));
  try {
    const parsed = parseAmong(named, argv, version);
    if (parsed.kind === "run") return parsed;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
  return parseAmong(COMMANDS, argv, version);
};

/** `parseCommandLine` where these are all the commands there are. */
export const parseAmong = (commands: readonly CommandSpec[], argv: readonly string[], version: string): Parsed => {
  let run: { spec: CommandSpec; typed: Typed; command: Command } | undefined;
  let out = "";
  let mistake = "";
  const prepared = (command: Command): Command => {
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .allowExcessArguments(false)
      // Globals belong to every level, so that the value of an option is never taken for one of them.
      .enablePositionalOptions()
      .configureHelp({ helpWidth: 100, subcommandTerm })
      .configureOutput({
        writeOut: (text) => {
          out += text;
        },
        writeErr: (text) => {
          mistake += text;
        },
      });
    return command;
  };
  const withGlobals = (command: Command): Command => {
    for (const option of GLOBAL_OPTIONS)
      command.addOption(new Option(option.flags, option.description).helpGroup(GLOBAL_HEADING));
    command.addOption(new Option("--version", "print the version").helpGroup(GLOBAL_HEADING));
    command.on("option:version", () => {
      out += `${version}\n`;
      throw new CommanderError(0, "commander.version", version);
    });
    return command.addHelpOption(new Option("-h, --help", "show help").helpGroup(GLOBAL_HEADING));
  };
  // Only a command whose name was typed can be the one that is run or explained: the others are their name, arguments and summary.
  const words = new Set(argv);
  const program = withGlobals(prepared(new Command("usr"))).description(
    "Sequences, everything computed about them, and one merged view.",
  );
  const groups = new Map<string, Command>();
  const groupOf = (name: string): Command => {
    const known = groups.get(name);
    if (known !== undefined) return known;
    const group = program.command(name).description(GROUPS[name] ?? "");
    groups.set(name, group);
    return words.has(name) ? withGlobals(prepared(group)) : group;
  };
  for (const spec of commands) {
    const [first = "", second] = spec.name.split(" ");
    const parent = second === undefined ? program : groupOf(first);
    if (second !== undefined && !words.has(first)) continue;
    const command = parent.command(second ?? first).description(spec.summary);
    for (const arg of spec.args) command.addArgument(argumentOf(arg));
    if (!words.has(second ?? first)) continue;
    prepared(command).addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join("\n")}`);
    for (const option of spec.options) command.addOption(optionOf(option));
    withGlobals(command);
    command.action((...given: unknown[]) => {
      const args = given.slice(0, spec.args.length).map(textOrTexts);
      const options = command.opts();
      checkRequired(spec, command);
      run = { spec, typed: { args, options }, command };
    });
  }
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // `usr help` ends with the code that the process has so far, which is the one of a bug; help that was asked for is what goes to stdout.
    if (error.exitCode === 0 || (error.code === "commander.help" && out !== "")) return { kind: "asked", text: out };
    if (error.code === "commander.help") return { kind: "missing", text: mistake };
    throw usageError(error.message);
  }
  if (run === undefined) return { kind: "missing", text: program.helpInformation() };
  return { kind: "run", spec: run.spec, typed: run.typed, globals: globalsOf(typedGlobals(run.command)) };
};

/** Every command takes options, the global ones, but Commander's own `help`. */
const subcommandTerm = (command: Command): string => {
  const name = command.name();
  return [name, ...(name === "help" ? [] : ["[options]"]), ...command.registeredArguments.map(placeholder)].join(" ");
};

const placeholder = (argument: Argument): string => {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
};

/** What was typed at any level; the level nearest to the end of the line wins. */
const typedGlobals = (leaf: Command): Readonly<Record<string, unknown>> => {
  const levels: Command[] = [];
  for (let at: Command | null = leaf; at !== null; at = at.parent) levels.unshift(at);
  const typed: Record<string, unknown> = {};
  for (const level of levels) {
    for (const [name, value] of Object.entries(level.opts())) {
      if (level.getOptionValueSource(name) === "cli") typed[name] = value;
    }
  }
  return typed;
};

/** Commander's `error: …` and, on a line of its own, `(Did you mean …?)`. */
const usageError = (text: string): UsageError => {
  const [message = "", suggestion] = text.replace(/^error: /, "").split(/\n(?=\(Did you mean [^\n]*\)$)/);
  return new UsageError(message, {
    hint: suggestion === undefined ? "Every command has --help." : suggestion.slice(1, -1),
  });
};

/** Commander asks for these before it looks at unknown options: who misspells one would only read that it is missing. */
const checkRequired = ({ options }: CommandSpec, command: Command): void => {
  const required = new Set(options.filter((option) => option.required === true).map(({ flags }) => flags));
  const missing = command.options.find(
    (option) => required.has(option.flags) && command.getOptionValue(option.attributeName()) === undefined,
  );
  if (missing !== undefined) throw usageError(`required option '${missing.flags}' not specified`);
};

const textOrTexts = (value: unknown): string | readonly string[] | undefined => {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
};

const argumentOf = (spec: ArgumentSpec): Argument => {
  const name = spec.variadic === true ? `${spec.name}...` : spec.name;
  const argument = new Argument(spec.optional === true ? `[${name}]` : `<${name}>`, spec.description);
  return spec.choices === undefined ? argument : argument.choices([...spec.choices]);
};

const optionOf = (spec: OptionSpec): Option => {
  const option = new Option(spec.flags, spec.description).hideHelp(spec.hiddenAlias === true);
  if (!option.required && !option.optional) return option;
  const { choices } = spec;
  const checked = (value: string): string | number => {
    if (choices !== undefined && !choices.includes(value))
      throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
    return spec.integer === true ? wholeNumber(value) : value;
  };
  if (spec.repeat === true)
    return option.argParser((value: string, before: readonly string[] = []) => [...before, String(checked(value))]);
  // Help shows the choices; what is none of them is told above.
  if (choices !== undefined) option.choices([...choices]);
  return option.argParser((typed: string, before: unknown) => {
    const value = checked(typed);
    // To take one of the two would pass over the other without a word.
    if (before !== undefined && before !== value)
      throw new InvalidArgumentError(`It was given before, as ${JSON.stringify(before)}.`);
    return value;
  });
};

const wholeNumber = (value: string): number => {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError("It must be a whole number, zero or more.");
  return Number(value);
};
