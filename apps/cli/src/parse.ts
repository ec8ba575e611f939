import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { ArgumentSpec, CommandSpec, OptionSpec, Typed } from "./command.ts";
import { UsageError } from "./errors.ts";
import { GLOBAL_OPTIONS } from "./globals.ts";
import type { GlobalOptions } from "./session.ts";
import { COMMANDS } from "./table.ts";

/** What a command line means: a command to run, or text that commander has printed already (help, version, a usage error). */
export type Parsed =
  | { readonly kind: "run"; readonly spec: CommandSpec; readonly typed: Typed; readonly globals: GlobalOptions }
  | { readonly kind: "printed"; readonly exitCode: number; readonly usage: string | undefined };

const GROUPS: Readonly<Record<string, string>> = {
  namespace: "the registry of namespaces",
  maintenance: "rare work on a dataset",
  events: "the event log",
};

/** Reads a command line (without node and script). `write` takes help and version. */
export const parseCommandLine = (argv: readonly string[], version: string, write: (text: string) => void): Parsed => {
  let run: { spec: CommandSpec; typed: Typed } | undefined;
  let usage = "";
  const quiet = (command: Command): Command =>
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .allowExcessArguments(false)
      .configureOutput({
        writeOut: write,
        writeErr: (text) => {
          usage += text;
        },
      });
  const program = quiet(new Command("usr"))
    .description("Sequences, everything computed about them, and one merged view.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "show help");
  for (const option of GLOBAL_OPTIONS) program.addOption(new Option(option.flags, option.description));
  const groups = new Map<string, Command>();
  for (const spec of COMMANDS) {
    const [first = "", second] = spec.name.split(" ");
    let parent = program;
    if (second !== undefined) {
      parent = groups.get(first) ?? quiet(program.command(first)).description(GROUPS[first] ?? "");
      groups.set(first, parent);
    }
    const command = quiet(parent.command(second ?? first))
      .description(spec.summary)
      .helpOption("-h, --help", "show help")
      .addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join("\n")}`);
    for (const arg of spec.args) command.addArgument(argumentOf(arg));
    for (const option of spec.options) command.addOption(optionOf(option));
    command.action((...given: unknown[]) => {
      const args = given.slice(0, spec.args.length).map(textOrTexts);
      run = { spec, typed: { args, options: command.opts() } };
    });
  }
  try {
    program.parse([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const printed = error.code === "commander.helpDisplayed" || error.code === "commander.version";
    // Help that was not asked for (no command given) goes to stderr with the usage exit code.
    return { kind: "printed", exitCode: printed ? 0 : 2, usage: printed ? undefined : usage || error.message };
  }
  if (run === undefined) return { kind: "printed", exitCode: 2, usage: program.helpInformation() };
  return { kind: "run", ...run, globals: globalsOf(program.opts()) };
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
  const option = new Option(spec.flags, spec.description)
    .makeOptionMandatory(spec.required === true)
    .hideHelp(spec.hiddenAlias === true);
  if (spec.integer === true) return option.argParser(wholeNumber);
  const choices = spec.choices;
  if (spec.repeat === true) {
    return option.argParser((value: string, before: readonly string[] | undefined) => {
      if (choices !== undefined && !choices.includes(value))
        throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
      return [...(before ?? []), value];
    });
  }
  return choices === undefined ? option : option.choices([...choices]);
};

const wholeNumber = (value: string): number => {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError("It must be a whole number, zero or more.");
  return Number(value);
};

const globalsOf = (options: Readonly<Record<string, unknown>>): GlobalOptions => ({
  root: typeof options["root"] === "string" ? options["root"] : undefined,
  json: options["json"] === true,
  quiet: options["quiet"] === true,
  color: options["color"] !== false,
  debug: options["debug"] === true,
  yes: options["yes"] === true,
  input: options["input"] !== false,
  lockTimeoutMs: secondsToMs(options["lockTimeout"]),
  memoryBytes: sizeToBytes(options["memory"]),
});

const secondsToMs = (value: unknown): number => {
  if (typeof value !== "string") return 60_000;
  if (!/^\d+(\.\d+)?$/.test(value)) throw new UsageError(`--lock-timeout takes seconds, not ${JSON.stringify(value)}`);
  return Number(value) * 1000;
};

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

const sizeToBytes = (value: unknown): number | undefined => {
  if (typeof value !== "string") return undefined;
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?$/i.exec(value) ?? [];
  const factor = UNITS[unit.toUpperCase()];
  if (number === "" || factor === undefined)
    throw new UsageError(`--memory takes a size such as 512M or 4G, not ${JSON.stringify(value)}`);
  return Math.floor(Number(number) * factor);
};
