import type { OptionSpec, Outcome, RunCommand } from "../command.ts";
import { GLOBAL_OPTIONS, GROUPS } from "../globals.ts";
import { COMMANDS } from "../table.ts";
import { argument } from "../typed.ts";

/** Completion scripts made from the command table: commands, verbs of groups, options, and the choices of options. */
export const run: RunCommand = async (_session, typed): Promise<Outcome> => {
  const shell = argument(typed, 0);
  const text = shell === "fish" ? fish() : shell === "zsh" ? `${ZSH}${bash()}` : bash();
  return { kind: "document", data: text, text: () => text };
};

/** To be sourced: zsh takes bash's script once it speaks bash's completion. */
const ZSH = `(( $+functions[compdef] )) || { autoload -Uz compinit; compinit; }
autoload -Uz bashcompinit
bashcompinit
`;

const wrapped = (format: string): readonly string[] => [format, `${format}.gz`, `${format}.zst`];
const FORMATS = ["csv", "tsv", "jsonl", "parquet", "arrow", "fasta"].flatMap(wrapped);
const READ_FORMATS = [...FORMATS, ...wrapped("genbank")];

const flagsOf = ({ flags }: OptionSpec): readonly string[] =>
  flags.split(/[ ,]+/).filter((word) => word.startsWith("-"));
const takesValue = ({ flags }: OptionSpec): boolean => flags.includes("<");
const takesFile = ({ flags }: OptionSpec): boolean => /<(file|dir)>/.test(flags);
const choicesOf = ({ flags, choices }: OptionSpec): readonly string[] | undefined =>
  choices ?? (flags.includes("<format>") ? (flags.startsWith("--from") ? READ_FORMATS : FORMATS) : undefined);
const visible = (options: readonly OptionSpec[]): readonly OptionSpec[] =>
  options.filter(({ hiddenAlias }) => hiddenAlias !== true);
const first = (name: string): string => name.split(" ")[0] ?? name;
const topLevel = (): readonly string[] => [...new Set(COMMANDS.map(({ name }) => first(name)))];
const verbsOf = (group: string): readonly string[] =>
  COMMANDS.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.slice(group.length + 1));

const SHARED: readonly OptionSpec[] = [
  ...GLOBAL_OPTIONS,
  { flags: "--version", description: "print the version" },
  { flags: "-h, --help", description: "show help" },
];

const bash = (): string => {
  const every = [...COMMANDS.flatMap(({ options }) => options), ...SHARED];
  const flagsWhere = (holds: (option: OptionSpec) => boolean): string =>
    [...new Set(every.filter(holds).flatMap(flagsOf))].join("|");
  const shared = SHARED.flatMap(flagsOf).join(" ");
  const groups = Object.keys(GROUPS);
  const words = COMMANDS.map(({ name, options, args }) => {
    const own = [...args.flatMap(({ choices }) => choices ?? []), ...visible(options).flatMap(flagsOf), shared];
    return `    "${name}") words="${own.join(" ")}" ;;`;
  });
  const files = COMMANDS.flatMap(({ name, options }) =>
    options.filter(takesFile).flatMap((option) => flagsOf(option).map((f) => `"${name} ${f}"`)),
  );
  const choices = COMMANDS.flatMap(({ name, options }) =>
    options.flatMap((option) => {
      const known = choicesOf(option);
      return known === undefined ? [] : flagsOf(option).map((f) => `    "${name} ${f}") words="${known.join(" ")}" ;;`);
    }),
  );
  return `_usr() {
  local cur prev command word words skip i IFS=$' \\t\\n'
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  command=""
  skip=""
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [ -n "$skip" ]; then skip=""; continue; fi
    case "$word" in
      ${flagsWhere(takesValue)}) skip=1 ;;
      -*) ;;
      *) case "$command" in
        "") command="$word" ;;
        ${groups.join("|")}) command="$command $word" ;;
      esac ;;
    esac
  done
  words=""
  if [ -n "$skip" ]; then
    case "$command $prev" in
      *" --root"|${files.join("|")}) IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); return ;;
${choices.map((line) => `  ${line}`).join("\n")}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  case "$command" in
    "") words="${topLevel().join(" ")} ${shared}" ;;
${groups.map((group) => `    "${group}") words="${verbsOf(group).join(" ")} ${shared}" ;;`).join("\n")}
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _usr usr
`;
};

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const fish = (): string => {
  const lines = ["complete -c usr -f"];
  for (const name of topLevel()) {
    const summary = COMMANDS.find((spec) => spec.name === name)?.summary ?? GROUPS[name] ?? "";
    lines.push(`complete -c usr -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`);
  }
  for (const { name, summary, args, options } of COMMANDS) {
    const [group = "", verb] = name.split(" ");
    const seen = `__fish_seen_subcommand_from ${group}`;
    const when = quote(verb === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${verb}`);
    if (verb !== undefined) {
      const open = `${seen}; and not __fish_seen_subcommand_from ${verbsOf(group).join(" ")}`;
      lines.push(`complete -c usr -n ${quote(open)} -a ${verb} -d ${quote(summary)}`);
    }
    for (const { choices } of args)
      if (choices !== undefined) lines.push(`complete -c usr -n ${when} -a ${quote(choices.join(" "))}`);
    for (const option of visible(options)) lines.push(`complete -c usr -n ${when} ${fishOption(option)}`);
  }
  for (const option of SHARED) lines.push(`complete -c usr ${fishOption(option)}`);
  return `${lines.join("\n")}\n`;
};

const fishOption = (option: OptionSpec): string => {
  const names = flagsOf(option).map((f) => (f.startsWith("--") ? `-l ${f.slice(2)}` : `-s ${f.slice(1)}`));
  const choices = choicesOf(option);
  const values = choices === undefined ? (takesFile(option) ? " -F" : "") : ` -a ${quote(choices.join(" "))}`;
  return `${names.join(" ")}${takesValue(option) ? ` -r${values}` : ""} -d ${quote(option.description)}`;
};
