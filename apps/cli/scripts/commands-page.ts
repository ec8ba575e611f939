// Writes docs/commands.md from the table of commands: node --conditions=@usr/source apps/cli/scripts/commands-page.ts
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ArgumentSpec, CommandSpec, OptionSpec } from "../src/command.ts";
import { GLOBAL_OPTIONS, GROUPS } from "../src/globals.ts";
import { COMMANDS } from "../src/table.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|");

const usage = ({ name, args, options }: CommandSpec): string => {
  const typed = args.map((arg) => {
    const text = `${arg.choices?.join("|") ?? arg.name.toUpperCase()}${arg.variadic === true ? "…" : ""}`;
    return arg.optional === true ? `[${text}]` : text;
  });
  const required = options.filter((option) => option.required === true).map(({ flags }) => flags);
  const rest = options.length > required.length ? ["[options]"] : [];
  return ["usr", name, ...typed, ...required, ...rest].join(" ");
};

const argumentLine = ({ name, description }: ArgumentSpec): string => `- \`${name.toUpperCase()}\`: ${description}`;

const optionRow = ({ flags, description, required, repeat, choices }: OptionSpec): string => {
  const notes = [
    ...(required === true ? ["required"] : []),
    ...(repeat === true && !description.includes("repeated") ? ["may be repeated"] : []),
    ...(choices === undefined ? [] : [`one of ${choices.map((choice) => `\`${choice}\``).join(" ")}`]),
  ];
  return `| \`${cell(flags)}\` | ${cell([description, ...notes].join("; "))} |`;
};

const table = (options: readonly OptionSpec[]): readonly string[] =>
  options.length === 0 ? [] : ["", "| option | |", "|---|---|", ...options.map(optionRow)];

const section = (spec: CommandSpec): readonly string[] => [
  "",
  `### usr ${spec.name}`,
  "",
  `${spec.summary[0]?.toUpperCase()}${spec.summary.slice(1)}.`,
  "",
  "```text",
  usage(spec),
  "```",
  ...(spec.args.length === 0 ? [] : ["", ...spec.args.map(argumentLine)]),
  ...table(spec.options),
  "",
  `With \`--json\`: ${spec.data}.`,
  ...(spec.examples.length === 0 ? [] : ["", "```text", ...spec.examples, "```"]),
];

const overviewRow = ({ name, summary }: CommandSpec): string =>
  `| [\`usr ${name}\`](#usr-${name.replaceAll(" ", "-")}) | ${cell(summary)} |`;

/** What commander itself answers. */
const ASKING: readonly OptionSpec[] = [
  { flags: "--version", description: "print the version" },
  { flags: "-h, --help", description: "show help" },
];

/** The page, from the table that the program itself is made from. */
export const commandsPage = (): string => {
  const groupOf = ({ name }: CommandSpec): string | undefined => {
    const [first = ""] = name.split(" ");
    return first === name ? undefined : first;
  };
  const single = COMMANDS.filter((spec) => groupOf(spec) === undefined);
  const groups = [...new Set(COMMANDS.flatMap((spec) => groupOf(spec) ?? []))];
  const inGroup = (group: string): readonly CommandSpec[] => COMMANDS.filter((spec) => groupOf(spec) === group);
  return [
    "# All commands",
    "",
    "Written by `npm run docs` from the program's own table of commands; a test holds the two equal. The rules behind the options, the JSON shapes and the exit codes are in [cli.md](cli.md), tasks step by step in the",
    "[guides](guides/README.md).",
    "",
    "| command | |",
    "|---|---|",
    ...[...single, ...groups.flatMap(inGroup)].map(overviewRow),
    "",
    "## Global options",
    "",
    "Every command takes them, before or after its name.",
    ...table([...GLOBAL_OPTIONS, ...ASKING]),
    "",
    "## Commands",
    ...single.flatMap(section),
    ...groups.flatMap((group) => [
      "",
      `## usr ${group}: ${GROUPS[group] ?? group}`,
      ...inGroup(group).flatMap(section),
    ]),
    "",
  ].join("\n");
};

if (import.meta.filename === process.argv[1])
  writeFileSync(fileURLToPath(new URL("../../../docs/commands.md", import.meta.url)), commandsPage());
