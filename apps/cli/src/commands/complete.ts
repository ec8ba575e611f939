import type { OptionSpec, Outcome, RunCommand } from "../command.ts";
import { GLOBAL_OPTIONS, GROUPS } from "../globals.ts";
import type { Session } from "../session.ts";
import { COMMANDS as ALL } from "../table.ts";
import { argument } from "../typed.ts";

const COMMANDS = ALL.filter(({ internal }) => internal !== true);

/** Completion scripts made from the command table: commands, verbs of groups, options, the choices of options, and datasets. */
export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const shell = argument(typed, 0);
  if (shell === "datasets") return await datasets(session);
  const text = shell === "fish" ? fish() : shell === "zsh" ? `${ZSH}${bash()}` : bash();
  return { kind: "document", data: text, text: () => text };
};

/** What there is to choose from, one id a line. Opens no dataset; folders that cannot be looked into have nothing to offer. */
const datasets = async (session: Session): Promise<Outcome> => {
  const { storage } = await session.root();
  const { datasetIds } = await import("@usr/dataset/sync");
  const data = await datasetIds(storage, { signal: session.environment.signal, onUnreachable: () => {} });
  return { kind: "document", data, text: () => data.map((id) => `${id}\n`).join("") };
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
const takesDataset = ({ flags }: OptionSpec): boolean => flags.includes("<dataset>");
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

/** Every spelling of an option that the word after it belongs to. */
const valueFlags = (between: string): string => {
  const every = [...COMMANDS.flatMap(({ options }) => options), ...SHARED];
  return [...new Set(every.filter(takesValue).flatMap(flagsOf))].join(between);
};

const bash = (): string => {
  const shared = SHARED.flatMap(flagsOf).join(" ");
  const groups = Object.keys(GROUPS);
  const words = COMMANDS.map(({ name, options, args }) => {
    const own = [...args.flatMap(({ choices }) => choices ?? []), ...visible(options).flatMap(flagsOf), shared];
    return `    "${name}") words="${own.join(" ")}" ;;`;
  });
  const flagsThat = (holds: (option: OptionSpec) => boolean): string =>
    COMMANDS.flatMap(({ name, options }) =>
      options.filter(holds).flatMap((option) => flagsOf(option).map((f) => `"${name} ${f}"`)),
    ).join("|");
  const named = COMMANDS.flatMap(({ name, args }) =>
    args.flatMap(({ datasets, variadic }, at) =>
      datasets === true ? [variadic === true ? `"${name} "*` : `"${name} ${at}"`] : [],
    ),
  );
  const choices = COMMANDS.flatMap(({ name, options }) =>
    options.flatMap((option) => {
      const known = choicesOf(option);
      return known === undefined ? [] : flagsOf(option).map((f) => `    "${name} ${f}") words="${known.join(" ")}" ;;`);
    }),
  );
  return `_usr() {
  local cur command option prefix word words skip root place i IFS=$' \\t\\n'
  cur="\${COMP_WORDS[COMP_CWORD]}"
  command=""
  option=""
  prefix=""
  skip=""
  root=""
  place=0
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    # bash takes --option=value apart.
    if [ "$word" = "=" ]; then continue; fi
    if [ -n "$skip" ]; then
      if [ "$option" = --root ]; then root="$word"; fi
      skip=""
      continue
    fi
    case "$word" in
      ${valueFlags("|")}) skip=1; option="$word" ;;
      --root=*) root="\${word#*=}" ;;
      -*) ;;
      *) case "$command" in
        "") command="$word" ;;
        ${groups.join("|")}) command="$command $word" ;;
        *) place=$((place + 1)) ;;
      esac ;;
    esac
  done
  if [ "$cur" = "=" ]; then cur=""; fi
  # zsh leaves it whole.
  case "$cur" in
    --*=*) if [ -z "$skip" ]; then
      option="\${cur%%=*}"
      prefix="$option="
      cur="\${cur#*=}"
      skip=1
    fi ;;
  esac
  words=""
  if [ -n "$skip" ]; then
    case "$command $option" in
      *" --root"|${flagsThat(takesFile)})
        IFS=$'\\n'
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$cur"))
        if [ -n "$prefix" ]; then COMPREPLY=("\${COMPREPLY[@]/#/$prefix}"); fi
        return ;;
      ${flagsThat(takesDataset)}) words="$(_usr_datasets "$root")" ;;
${choices.map((line) => `  ${line}`).join("\n")}
    esac
    COMPREPLY=($(compgen -P "$prefix" -W "$words" -- "$cur"))
    return
  fi
  case "$command" in
    "") words="${topLevel().join(" ")} ${shared}" ;;
${groups.map((group) => `    "${group}") words="${verbsOf(group).join(" ")} ${shared}" ;;`).join("\n")}
${words.join("\n")}
  esac
  case "$command $place" in
    ${named.join("|")}) case "$cur" in
      -*) ;;
      *) words="$(_usr_datasets "$root") $words" ;;
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
_usr_datasets() {
  case "$1" in
    "") "\${COMP_WORDS[0]}" complete datasets 2>/dev/null ;;
    "~/"*) "\${COMP_WORDS[0]}" --root "$HOME/\${1#??}" complete datasets 2>/dev/null ;;
    *) "\${COMP_WORDS[0]}" --root "$1" complete datasets 2>/dev/null ;;
  esac
}
complete -F _usr usr
`;
};

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** The words typed before the one at the cursor: the command, and how many arguments of its own it already has. */
const fishWords = (): string => `function __usr_typed
  set -l skip 0
  set -l command
  set -l place 0
  for word in (commandline -opc)[2..]
    if test $skip = 1
      set skip 0
      continue
    end
    switch $word
      case ${valueFlags(" ")}
        set skip 1
      case '-*'
      case '*'
        if test (count $command) = 0
          set command $word
        else if test (count $command) = 1; and contains -- $command[1] ${Object.keys(GROUPS).join(" ")}
          set -a command $word
        else
          set place (math $place + 1)
        end
    end
  end
  echo "$command"
  echo $place
end
function __usr_in
  test "$(__usr_typed)[1]" = "$argv"
end
function __usr_at
  set -l typed (__usr_typed)
  test $typed[2] = $argv[1]; and test "$typed[1]" = "$argv[2..]"
end
function __usr_datasets
  set -l words (commandline -opc)
  for i in (seq (count $words))
    set -l root
    if string match -q -- '--root=*' $words[$i]
      set root (string replace -- '--root=' '' $words[$i])
    else if test "$words[$i]" = --root; and test $i -lt (count $words)
      set root $words[(math $i + 1)]
    end
    test -n "$root"; and set -fx USR_ROOT (string replace -r -- '^~/' "$HOME/" $root)
  end
  usr complete datasets 2>/dev/null
end`;

const fish = (): string => {
  const lines = [fishWords(), "complete -c usr -f"];
  for (const name of topLevel()) {
    const summary = COMMANDS.find((spec) => spec.name === name)?.summary ?? GROUPS[name] ?? "";
    lines.push(`complete -c usr -n __usr_in -a ${name} -d ${quote(summary)}`);
  }
  for (const { name, summary, args, options } of COMMANDS) {
    const [group = "", verb] = name.split(" ");
    if (verb !== undefined) lines.push(`complete -c usr -n '__usr_in ${group}' -a ${verb} -d ${quote(summary)}`);
    for (const [at, { choices, datasets, variadic }] of args.entries()) {
      const when = variadic === true ? `'__usr_in ${name}'` : `'__usr_at ${at} ${name}'`;
      if (choices !== undefined) lines.push(`complete -c usr -n ${when} -a ${quote(choices.join(" "))}`);
      if (datasets === true) lines.push(`complete -c usr -n ${when} -a '(__usr_datasets)'`);
    }
    for (const option of visible(options)) lines.push(`complete -c usr -n '__usr_in ${name}' ${fishOption(option)}`);
  }
  for (const option of SHARED) lines.push(`complete -c usr ${fishOption(option)}`);
  return `${lines.join("\n")}\n`;
};

const fishOption = (option: OptionSpec): string => {
  const names = flagsOf(option).map((f) => (f.startsWith("--") ? `-l ${f.slice(2)}` : `-s ${f.slice(1)}`));
  const choices = choicesOf(option)?.join(" ") ?? (takesDataset(option) ? "(__usr_datasets)" : undefined);
  const values = takesFile(option) ? " -r -F" : choices === undefined ? " -x" : ` -x -a ${quote(choices)}`;
  return `${names.join(" ")}${takesValue(option) ? values : ""} -d ${quote(option.description)}`;
};
