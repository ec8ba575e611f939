import type { OptionSpec, Outcome, RunCommand } from "../command.ts";
import { GLOBAL_OPTIONS } from "../globals.ts";
import { COMMANDS } from "../table.ts";
import { argument } from "../typed.ts";

/** Completion scripts made from the command table: commands, verbs of groups, options, and the choices of options. */
export const run: RunCommand = async (_session, typed): Promise<Outcome> => {
  const shell = argument(typed, 0);
  return {
    kind: "text",
    text:
      shell === "fish"
        ? fish()
        : shell === "zsh"
          ? `#compdef usr\nautoload -U +X bashcompinit && bashcompinit\n${bash()}`
          : bash(),
  };
};

const flagsOf = ({ flags }: OptionSpec): readonly string[] =>
  flags.split(/[ ,]+/).filter((word) => word.startsWith("-"));
const first = (name: string): string => name.split(" ")[0] ?? name;
const groups = (): readonly string[] => [...new Set(COMMANDS.map(({ name }) => first(name)))];

const bash = (): string => {
  const verbs = groups()
    .map(
      (group) =>
        [
          group,
          COMMANDS.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.slice(group.length + 1)),
        ] as const,
    )
    .filter(([, names]) => names.length > 0);
  const options = COMMANDS.map(
    ({ name, options: own }) => `    "${name}") words="${[...own, ...GLOBAL_OPTIONS].flatMap(flagsOf).join(" ")}" ;;`,
  );
  const choices = COMMANDS.flatMap(({ name, options: own }) =>
    own.flatMap((option) =>
      option.choices === undefined
        ? []
        : flagsOf(option).map((f) => `    "${name} ${f}") words="${option.choices?.join(" ")}" ;;`),
    ),
  );
  return `_usr() {
  local cur prev command words word
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  command=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) ;;
      *) if [ -z "$command" ]; then command="$word"; else case "$command" in ${verbs.map(([group]) => group).join("|")}) command="$command $word" ;; esac; fi ;;
    esac
  done
  words=""
  case "$command" in
    "") words="${groups().join(" ")} ${GLOBAL_OPTIONS.flatMap(flagsOf).join(" ")}" ;;
${verbs.map(([group, names]) => `    "${group}") words="${names.join(" ")}" ;;`).join("\n")}
${options.join("\n")}
  esac
  case "$command $prev" in
${choices.join("\n")}
  esac
  case "$prev" in
    --path|--out|--from|--root) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _usr usr
`;
};

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const fish = (): string => {
  const lines = ["complete -c usr -f"];
  for (const group of groups()) {
    const own = COMMANDS.find(({ name }) => name === group);
    lines.push(`complete -c usr -n __fish_use_subcommand -a ${group} -d ${quote(own?.summary ?? `${group} commands`)}`);
  }
  for (const { name, summary, options } of COMMANDS) {
    const [group = "", verb] = name.split(" ");
    const when =
      verb === undefined
        ? `__fish_seen_subcommand_from ${group}`
        : `__fish_seen_subcommand_from ${group}; and __fish_seen_subcommand_from ${verb}`;
    if (verb !== undefined)
      lines.push(`complete -c usr -n ${quote(`__fish_seen_subcommand_from ${group}`)} -a ${verb} -d ${quote(summary)}`);
    for (const option of options) lines.push(`complete -c usr -n ${quote(when)} ${fishOption(option)}`);
  }
  for (const option of GLOBAL_OPTIONS) lines.push(`complete -c usr ${fishOption(option)}`);
  return `${lines.join("\n")}\n`;
};

const fishOption = (option: OptionSpec): string => {
  const names = flagsOf(option).map((f) => (f.startsWith("--") ? `-l ${f.slice(2)}` : `-s ${f.slice(1)}`));
  const takes = option.flags.includes("<")
    ? ` -r${option.choices === undefined ? " -F" : ` -a ${quote(option.choices.join(" "))}`}`
    : "";
  return `${names.join(" ")}${takes} -d ${quote(option.description)}`;
};
