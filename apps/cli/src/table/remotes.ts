import type { ArgumentSpec, CommandSpec, OptionSpec } from "../command.ts";
import { dataset, dryRun } from "./shared.ts";

const remote: ArgumentSpec = { name: "remote", description: "the remote's name in the remotes file" };
const verify: OptionSpec = {
  flags: "--verify <mode>",
  description: "how equality is proved (else what the remote says)",
  choices: ["auto", "hash", "size", "parquet"],
};
const audit: OptionSpec = { flags: "--audit-json-out <file>", description: "write what was found and done as JSON" };
const names: ArgumentSpec = {
  name: "names",
  description: "exact ids of datasets, and last the remote's name (the remote alone with --all)",
  variadic: true,
  datasets: true,
};

const transferOptions: readonly OptionSpec[] = [
  { flags: "--all", description: "every dataset of the side that is read" },
  verify,
  { flags: "--primary-only", description: "the base table alone" },
  { flags: "--snapshots", description: "snapshots of the base too" },
  { flags: "--mirror", description: "make the other side equal: what only lies there is deleted" },
  { flags: "--overwrite-base", description: "take the base although both sides have written it" },
  { flags: "--overwrite-registry", description: "take registry entries that contradict" },
  {
    flags: "--overwrite-overlays",
    description: "take rows of states and deletions, and single files, that both have written",
  },
  { flags: "--overwrite-other", description: "take files of no known kind that differ" },
  dryRun,
  audit,
];

/** Commands over a second copy of the root somewhere else. */
export const REMOTES: readonly CommandSpec[] = [
  {
    name: "remotes list",
    summary: "the remotes of the remotes file",
    args: [],
    options: [],
    examples: ["usr remotes list"],
    data: "`[{name, type, where, verify[, problem]}]`",
    load: () => import("../commands/remotes-list.ts"),
  },
  {
    name: "remotes show",
    summary: "one remote",
    args: [remote],
    options: [],
    examples: ["usr remotes show cluster"],
    data: "the entry, with the keys of the file",
    load: () => import("../commands/remotes-show.ts"),
  },
  {
    name: "remotes add",
    summary: "write a remote into the remotes file, which is made if need be",
    args: [remote],
    options: [
      {
        flags: "--type <type>",
        description: "how it is reached: by ssh, as a folder, over the web (read only)",
        required: true,
        choices: ["ssh", "file", "http"],
      },
      { flags: "--host <host>", description: "ssh: a host, or an alias of your ssh configuration" },
      { flags: "--user <user>", description: "ssh: the user over there" },
      { flags: "--base-dir <dir>", description: "ssh, file: the root of datasets" },
      { flags: "--url <url>", description: "http: the root of datasets" },
      { flags: "--ssh-key-env <name>", description: "ssh: the variable that holds the path of a private key" },
      { flags: "--interactive", description: "ssh: let ssh ask for passwords and second factors" },
      { ...verify, description: "what --verify is when it is not typed" },
      { flags: "--overwrite", description: "write over the remote of that name" },
      dryRun,
    ],
    examples: [
      "usr remotes add cluster --type ssh --host login1 --user alice --base-dir /project/x/datasets --verify hash",
      "usr remotes add disk --type file --base-dir /media/backup/datasets",
    ],
    data: "`{name, type, where, path}`",
    load: () => import("../commands/remotes-add.ts"),
  },
  {
    name: "remotes remove",
    summary: "take a remote out of the remotes file; its data stays",
    args: [remote],
    options: [dryRun],
    examples: ["usr remotes remove disk"],
    data: "`{name, path}`",
    load: () => import("../commands/remotes-remove.ts"),
  },
  {
    name: "remotes doctor",
    summary: "try whether a remote can do what a sync needs",
    args: [remote],
    options: [],
    examples: ["usr remotes doctor cluster"],
    data: "`{remote, ok, checks: [{check, ok, needed, message, details}]}`; `details` of ssh: `host`, `port`, `strict_host_key_checking`, `server` (`usr`, `sh`), `tool`, `bytes`",
    load: () => import("../commands/remotes-doctor.ts"),
  },
  {
    name: "status",
    summary: "whether a dataset and its copy are equal, in one line",
    args: [dataset, remote],
    options: [verify, audit, { flags: "--exit-code", description: "exit 3 where they differ" }],
    examples: ["usr status demo cluster --verify hash"],
    data: "what `diff` gives",
    load: () => import("../commands/status.ts"),
  },
  {
    name: "diff",
    summary: "what differs between a dataset and its copy, file by file",
    args: [dataset, remote],
    options: [verify, audit, { flags: "--exit-code", description: "exit 3 where they differ" }],
    examples: ["usr diff demo cluster --verify hash", "usr diff demo cluster --verify hash --exit-code"],
    data: "`{dataset, remote, verify_requested, verify_mode, verify_notes, has_change, changes, classes: [{class, only_local, only_remote, different, late}], conflicts, pull, push}`; with `--exit-code` a difference is exit 3",
    load: () => import("../commands/diff.ts"),
  },
  {
    name: "pull",
    summary: "bring datasets up to their copies on a remote",
    args: [names],
    options: transferOptions,
    examples: ["usr pull demo cluster --verify hash", "usr pull --all cluster --verify hash --dry-run"],
    data: "`{datasets: [{action, transfer_state, dataset, verify, primary, meta, .events.log, _snapshots, _derived, _auxiliary, remote, files, conflicts, bytes, events, seconds, finished_at}]}`",
    load: () => import("../commands/pull.ts"),
  },
  {
    name: "push",
    summary: "bring copies on a remote up to the datasets here",
    args: [names],
    options: transferOptions,
    examples: ["usr push demo cluster --verify hash"],
    data: "what `pull` gives",
    load: () => import("../commands/push.ts"),
  },
  {
    name: "verify",
    summary: "prove that a dataset and its copy are equal, moving nothing",
    args: [dataset, remote],
    options: [
      verify,
      { flags: "--sample <share>", description: "compare the content of that share of the files, such as 5%" },
    ],
    examples: ["usr verify demo cluster --verify hash", "usr verify demo cluster --verify hash --sample 5%"],
    data: "`{dataset, remote, ok, checked, shared, different, only_local, only_remote, events, verify_requested, verify_mode, verify_notes, weaker}`; not equal, or proved by less than asked, is exit 6",
    load: () => import("../commands/verify.ts"),
  },
];
